"""The reading half of a store in a local folder."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from stores import folder_files as files
from stores import folder_places as places
from stores import folder_reading as reading
from stores.interface import CHUNK_SIZE, BlobInfo
from stores.paths import check_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

T = TypeVar("T")

_SMALL: Final = 64 << 10  # bytes; below this a thread costs more than the write


class FolderReader:
    """Reads what stands below `root`; hashes are computed when asked for."""

    def __init__(self, root: Path, *, durable: bool) -> None:
        self.root = root.absolute()
        self._above = f"{self.root}/"
        self._folders = places.Folders(self.root, durable=durable)

    async def read(self, path: str) -> bytes:
        """Return all bytes; see `Store.read`."""
        target = self._file(path)
        return await self._run(None, lambda: reading.found(path, lambda: reading.bytes_of(target)))

    async def stream(self, path: str, *, chunk_size: int = CHUNK_SIZE) -> AsyncIterator[bytes]:
        """Yield the bytes in chunks; see `Store.stream`."""
        target = self._file(path)
        file = await self._run(None, lambda: reading.found(path, lambda: reading.open_file(target)))
        with file:
            while chunk := await self._run(chunk_size, lambda: file.read(chunk_size)):
                yield chunk

    async def same(self, paths: Sequence[str], data: bytes) -> list[bool | None]:
        """Compare what stands there, read whole; see `Comparing.same`."""
        targets = [self._file(path) for path in paths]
        return await self._run(len(data), lambda: [reading.same(target, data) for target in targets])

    async def stat(self, path: str) -> BlobInfo | None:
        """Return what stands there, its hash computed from the bytes; see `Store.stat`."""
        target = self._file(path)
        return await self._run(None, lambda: reading.info(path, target))

    async def exists(self, path: str) -> bool:
        """Tell whether anything stands there; see `Store.exists`."""
        target = self._file(path)
        return await self._run(0, lambda: reading.is_there(target))

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        """Yield what is there, without hashes; see `Store.list`."""
        found = reading.walk(self.root, prefix)
        while batch := await self._run(None, lambda: list(islice(found, 500))):
            for path, size in batch:
                yield BlobInfo(path, size, None, reading.type_of(path))

    async def close(self) -> None:
        """Nothing is held open."""

    def _file(self, path: str) -> str:
        return self._above + check_path(path)

    async def _run(self, size: int | None, act: Callable[[], T]) -> T:
        """Run what touches the disk: at once when it is small and syncs nothing, else in a thread."""
        try:
            if size is not None and size <= _SMALL and not self._folders.durable:
                return act()
            return await asyncio.to_thread(act)
        except OSError as error:
            raise files.explanation(self.root, error) from error
