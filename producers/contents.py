"""The content store as collectors see it: bytes in, claim check out, durable when put() returns.

Stores are asynchronous, sources are not: an event loop on a thread of its own stands between them.
Memory: 1 MiB for each put() and what the store needs for one upload; larger content goes through a temporary file.
"""

import asyncio
import concurrent.futures
import contextlib
import hashlib
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from producers.spool import Spool
from producers.waiting import Waiting
from schemas.records import ContentRef
from stores.interface import Store, Stored, StoreUnavailableError
from stores.paths import content_path

CLOSE_S = 3.0
TICK_S = 0.5

T = TypeVar("T")


class StoreContents:
    """Puts content into a store under its SHA-256; for one thread. `open_store` is called on the loop's thread.

    put() waits while the store is down, for ever if need be, until asked to stop (StoppedError). Other
    StoreErrors come out: they need a person. `spool_dir` is where content waits that is too large for memory, by
    default the system's folder for temporary files, which may be memory too.
    """

    def __init__(
        self, open_store: Callable[[], Store], waiting: Waiting, spool_dir: Path | None = None
    ) -> None:
        self._open_store, self._spool_dir = open_store, spool_dir
        self._waiting = waiting
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="contents", daemon=True)
        self._store: Store | None = None

    def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
        """Store these bytes under their SHA-256; the same bytes again are no work for the store."""
        with Spool(self._spool_dir, self._waiting) as spool:
            digest, size = _copied(self._seen(chunks), spool)
            self._patiently(lambda: self._create(spool, digest.hex(), content_type))
            return {"sha256": digest, "size": size}

    def has(self, content: ContentRef) -> bool:
        """Whether it stands in the store."""
        return self._patiently(lambda: self._stands(content["sha256"].hex()))

    def close(self) -> None:
        """Close the store and end the thread."""
        if self._thread.is_alive():
            # a hanging store doesn't keep the process; everything put is durable already
            with contextlib.suppress(concurrent.futures.TimeoutError):
                asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(CLOSE_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSE_S)
        if not self._loop.is_running():
            self._loop.close()

    def _seen(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._waiting.alive()
            yield chunk

    def _patiently(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        attempt = 0
        while True:
            try:
                return self._run(work())
            except StoreUnavailableError as error:
                self._waiting.trouble(f"the content store does not take attachments: {error}", attempt)
                attempt += 1

    async def _create(self, spool: Spool, sha256: str, content_type: str) -> Stored:
        path = content_path(sha256)
        return await self._opened().create(path, spool.chunks(), content_type=content_type, sha256=sha256)

    async def _stands(self, sha256: str) -> bool:
        return await self._opened().exists(content_path(sha256))

    def _opened(self) -> Store:
        if self._store is None:
            self._store = self._open_store()
        return self._store

    async def _shut(self) -> None:
        if self._store is not None:
            await self._store.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the loop's thread; a stop cancels it."""
        if not self._thread.is_alive():
            self._thread.start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            while not concurrent.futures.wait([future], TICK_S).done:
                self._waiting.check()
                self._waiting.alive()
        except BaseException:
            future.cancel()
            raise
        return future.result()


def _copied(chunks: Iterable[bytes], spool: Spool) -> tuple[bytes, int]:
    state = hashlib.sha256()
    size = 0
    for chunk in chunks:
        state.update(chunk)
        spool.write(chunk)
        size += len(chunk)
    return state.digest(), size
