"""The copies' bytes: fetched from the store into a scratch file, and checked by the ledger's hash before they go anywhere."""

import asyncio
import contextlib
import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from consumers.importing.shape import Original
from consumers.importing.troubles import HostError, ItemError, MissingError
from schemas.records import Receipt
from stores.interface import BlobMissingError, Store, StoreError

MISSING, ALTERED = "the copy is missing in the store", "the copy was altered"
"""What is wrong with an archive: faults, and no matter of a mailbox."""
IN_MEMORY = 1 << 20  # bytes; larger copies lie in a scratch file


class Copies:
    """The store, for threads: its own event loop runs in a thread of its own."""

    def __init__(self, open_store: Callable[[], Store], scratch: Path) -> None:
        """`scratch`: folder for copies on their way; nothing stays in it. StoreError when the store can't be opened."""
        self._scratch = scratch
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="store")
        self._thread.start()
        self._store = asyncio.run_coroutine_threadsafe(_opened(open_store), self._loop).result()

    @contextmanager
    def fetched(self, one: Receipt) -> Iterator[Original]:
        """The copy, whole and checked, for the block. HostError: the store is down; ItemError: this copy is not right."""
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(self._scratch)) as file:
            scratch = cast("BinaryIO", file)
            done = asyncio.run_coroutine_threadsafe(self._fetch(one["path"], scratch), self._loop)
            size, digest = _waited(done.result)
            if digest != one["sha256"]:
                raise ItemError(ALTERED, f"{one['path']} has not the SHA-256 that the ledger says")
            yield Original(scratch, size, digest, one["path"])

    def close(self) -> None:
        """Close the store and end its thread."""
        with contextlib.suppress(StoreError):
            asyncio.run_coroutine_threadsafe(self._store.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _fetch(self, path: str, file: BinaryIO) -> tuple[int, bytes]:
        state, size = hashlib.sha256(), 0
        async for chunk in self._store.stream(path):
            state.update(chunk)
            file.write(chunk)
            size += len(chunk)
        return size, state.digest()


async def _opened(open_store: Callable[[], Store]) -> Store:
    return open_store()


def _waited(result: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
    try:
        return result()
    except BlobMissingError as error:
        raise MissingError(MISSING, error.path) from error
    except StoreError as error:
        raise HostError("the store does not answer", str(error)) from error
    except OSError as error:
        raise HostError("no room for a copy on its way", str(error.strerror or error)) from error
