"""Claim checks: what is too large for a record rests in the content store, under its hash. A store that is down is waited for."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from schemas.codec import expect
from schemas.records import ContentRef, Event
from stores.interface import BlobMissingError, Store, StoreUnavailableError
from stores.paths import content_path, disposed_path
from streams.refusals import DependencyError, RejectedError

T = TypeVar("T")
log = logging.getLogger(__name__)
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0


class Contents:
    """The content store as streams see it; `waiting` counts the calls that it does not answer, `trouble` says why."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.waiting, self.trouble = 0, ""

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """The call's result; waits and calls again for as long as the store is unavailable."""
        try:
            return await call()
        except StoreUnavailableError as error:
            self.trouble = str(error)
        self.waiting += 1
        try:
            return await self._again(call)
        finally:
            self.waiting -= 1

    async def _again(self, call: Callable[[], Awaitable[T]]) -> T:
        wait = FIRST_WAIT_SECONDS
        while True:
            log.warning("store unavailable, next try in %.1f s: %s", wait, self.trouble)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            try:
                return await call()
            except StoreUnavailableError as error:
                self.trouble = str(error)

    async def put(self, data: bytes, content_type: str = "application/octet-stream") -> ContentRef:
        """Durable on return."""
        digest = hashlib.sha256(data)
        path = content_path(digest.hexdigest())
        await self.patiently(
            lambda: self._store.create(path, data, content_type=content_type, sha256=digest.hexdigest())
        )
        return {"sha256": digest.digest(), "size": len(data)}

    async def get(self, ref: ContentRef) -> bytes:
        """The bytes behind a claim check; RejectedError if an order removed them, DependencyError if the store gives others."""
        path = content_path(ref["sha256"].hex())
        try:
            data = await self.patiently(lambda: self._store.read(path))
        except BlobMissingError:
            await self._refuse_disposed(ref)
            raise
        if hashlib.sha256(data).digest() != ref["sha256"]:
            msg = f"{path}: the store gives other bytes than were put there; restore it from its backup"
            raise DependencyError(msg)
        return data

    async def exists(self, path: str) -> bool:
        """Whether anything stands there."""
        return await self.patiently(lambda: self._store.exists(path))

    async def read(self, path: str) -> bytes:
        """What stands there; BlobMissingError."""
        return await self.patiently(lambda: self._store.read(path))

    async def note(self, path: str, data: bytes) -> None:
        """Durable on return; StoreConflictError if something else stands there."""
        await self.patiently(lambda: self._store.create(path, data, content_type="application/json"))

    async def whole(self, event: Event) -> Event:
        """The event with all its fields, from the content store if it was too large for a record."""
        if event["overflow"] is None:
            return event
        found: Event = expect("Event", await self.get(event["overflow"]))
        return found

    async def stream(self, ref: ContentRef) -> AsyncIterator[bytes]:
        """The bytes behind a claim check, a chunk at a time; RejectedError if an order removed them."""
        try:
            async for chunk in self._store.stream(content_path(ref["sha256"].hex())):
                yield chunk
        except BlobMissingError:
            await self._refuse_disposed(ref)
            raise

    async def _refuse_disposed(self, ref: ContentRef) -> None:
        """What is missing by order will not come back by waiting, so it must not stop the worker (rule 28)."""
        name = ref["sha256"].hex()
        if await self.exists(disposed_path(name)):
            raise RejectedError(f"it names a file that an order of disposition removed: {content_path(name)}")
