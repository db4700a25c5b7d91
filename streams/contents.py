"""Claim checks: what is too large for a record rests in the content store, under its hash. A store that is down is waited for."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from schemas.records import ContentRef
from stores.interface import Store, StoreUnavailableError
from stores.paths import content_path

T = TypeVar("T")
log = logging.getLogger(__name__)
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """The call's result; waits and calls again for as long as the store is unavailable."""
    wait = FIRST_WAIT_SECONDS
    while True:
        try:
            return await call()
        except StoreUnavailableError as error:
            log.warning("store unavailable, next try in %.1f s: %s", wait, error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)


class Contents:
    """The content store as streams see it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, data: bytes, content_type: str = "application/octet-stream") -> ContentRef:
        """Durable on return."""
        digest = hashlib.sha256(data)
        path = content_path(digest.hexdigest())
        await patiently(
            lambda: self._store.create(path, data, content_type=content_type, sha256=digest.hexdigest())
        )
        return {"sha256": digest.digest(), "size": len(data)}

    async def get(self, ref: ContentRef) -> bytes:
        """The bytes behind a claim check."""
        return await patiently(lambda: self._store.read(content_path(ref["sha256"].hex())))

    def stream(self, ref: ContentRef) -> AsyncIterator[bytes]:
        """The bytes behind a claim check, a chunk at a time."""
        return self._store.stream(content_path(ref["sha256"].hex()))
