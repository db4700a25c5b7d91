"""A store in a local folder: plain files that a person can browse, each written once and then read-only."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import mimetypes
import os
from collections import OrderedDict
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar

from stores import folder_files as files
from stores import folder_reading as reading
from stores.checks import checked_hash, checked_metadata
from stores.interface import (
    CHUNK_SIZE,
    BlobInfo,
    BlobMissingError,
    StoreConflictError,
    Stored,
    StoreError,
)
from stores.paths import check_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")

_BINARY: Final = "application/octet-stream"
_SMALL: Final = 64 << 10  # bytes; below this a thread costs more than the write
_REMEMBERED: Final = 4096  # hashes of files just written, so that copying a mail doesn't read it again


class FolderStore:
    """Keeps blobs as files below `root`; metadata isn't kept, hashes are computed when asked for.

    `durable` (the default) syncs file and folder before a write counts as done, so that it survives a power
    cut; without it only a kill is survived. Files are mode 0444: copies are hard links where those work.
    """

    def __init__(
        self, root: Path, *, durable: bool = True, link: Callable[[Path, Path], None] = os.link
    ) -> None:
        self.root = root.absolute()
        self._durable = durable
        self._link = link
        self._swept = False
        self._hashes: OrderedDict[tuple[int, int, int, int], str] = OrderedDict()

    async def create(
        self,
        path: str,
        data: bytes | AsyncIterable[bytes],
        *,
        content_type: str,  # noqa: ARG002 - a file's name says what it is
        metadata: Mapping[str, str] | None = None,
        sha256: str | None = None,
    ) -> Stored:
        """Store `data` unless the same bytes stand there; see `Store.create`.

        Metadata is checked but not kept: a person browses here, and finds mails and nothing else.
        """
        target = self._file(path)
        checked_metadata(metadata)
        if isinstance(data, bytes):
            return await self._run(len(data), lambda: self._create_bytes(path, target, data, sha256))
        if sha256 is not None and await self._run(0, target.exists):
            return await self._run(None, lambda: self._compare(path, target, sha256))
        return await self._create_stream(path, target, data, sha256)

    async def read(self, path: str) -> bytes:
        """Return all bytes; see `Store.read`."""
        target = self._file(path)
        return await self._run(None, lambda: _missing_is_missing(path, lambda: reading.bytes_of(target)))

    async def stream(self, path: str, *, chunk_size: int = CHUNK_SIZE) -> AsyncIterator[bytes]:
        """Yield the bytes in chunks; see `Store.stream`."""
        target = self._file(path)
        file = await self._run(None, lambda: _missing_is_missing(path, lambda: reading.open_file(target)))
        with file:
            while chunk := await self._run(chunk_size, lambda: file.read(chunk_size)):
                yield chunk

    async def stat(self, path: str) -> BlobInfo | None:
        """Return what stands there, its hash computed from the bytes; see `Store.stat`."""
        target = self._file(path)
        return await self._run(None, lambda: _info(path, target))

    async def copy(
        self,
        source: str,
        target: str,
        *,
        content_type: str,  # noqa: ARG002 - as in create
        metadata: Mapping[str, str] | None = None,
        sha256: str,
    ) -> Stored:
        """Let `target` be the file of `source` by hard link, or else by copy; see `Store.copy`."""
        origin, goal = self._file(source), self._file(target)
        checked_metadata(metadata)
        return await self._run(0, lambda: self._copy(source, origin, target, goal, sha256))

    async def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        """Yield what is there, without hashes; see `Store.list`."""
        found = reading.walk(self.root, prefix)
        while batch := await self._run(None, lambda: list(islice(found, 500))):
            for path, size in batch:
                yield BlobInfo(path, size, None, _type_of(path))

    async def check(self) -> None:
        """Write, read and remove a probe; raise `StoreError` with a sentence on what to do."""
        await self._run(None, self._probe)

    async def close(self) -> None:
        """Nothing is held open."""

    def _file(self, path: str) -> Path:
        return self.root / check_path(path)

    async def _run(self, size: int | None, act: Callable[[], T]) -> T:
        """Run what touches the disk: at once when it is small and syncs nothing, else in a thread."""
        with files.explained(self.root):
            if size is not None and size <= _SMALL and not self._durable:
                return act()
            return await asyncio.to_thread(act)

    def _create_bytes(self, path: str, target: Path, data: bytes, announced: str | None) -> Stored:
        sha256 = checked_hash(path, announced, hashlib.sha256(data).hexdigest())
        if target.exists():  # a replay finds nearly everything in place: no need to write it first
            return self._compare(path, target, sha256)
        with self._incoming() as (file, temporary):
            _write(file, data)
            self._finish(file)
            return self._publish(path, temporary, target, sha256)

    async def _create_stream(
        self, path: str, target: Path, data: AsyncIterable[bytes], announced: str | None
    ) -> Stored:
        running = hashlib.sha256()
        with self._incoming() as (file, temporary):
            async for chunk in data:
                await self._run(len(chunk), partial(_append, file, running, chunk))
            sha256 = checked_hash(path, announced, running.hexdigest())
            await self._run(None, lambda: self._finish(file))
            return await self._run(None, lambda: self._publish(path, temporary, target, sha256))

    @contextlib.contextmanager
    def _incoming(self) -> Iterator[tuple[BinaryIO, Path]]:
        """Lend a temporary file; whatever happens, its name is gone afterwards."""
        with files.explained(self.root):
            if not self._swept:
                files.sweep(self.root)
                self._swept = True
            file, temporary = files.new_file(self.root)
        try:
            with file:
                yield file, temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _finish(self, file: BinaryIO) -> None:
        if self._durable:
            os.fsync(file.fileno())

    def _publish(self, path: str, temporary: Path, target: Path, sha256: str) -> Stored:
        if not files.publish(temporary, target, root=self.root, durable=self._durable, link=self._link):
            return self._compare(path, target, sha256)
        return Stored(path, self._remember(target, sha256), sha256, created=True)

    def _copy(self, source: str, origin: Path, target: str, goal: Path, sha256: str) -> Stored:
        checked_hash(source, sha256, _missing_is_missing(source, lambda: self._hash_of(origin)))
        if files.link_or_copy(origin, goal, root=self.root, durable=self._durable, link=self._link):
            return Stored(target, self._remember(goal, sha256), sha256, created=True)
        return self._compare(target, goal, sha256)

    def _compare(self, path: str, target: Path, sha256: str) -> Stored:
        """Verify that what stands at `target` has this hash; its bytes are read, memory isn't trusted."""
        found = "none, it is a symbolic link" if target.is_symlink() else reading.sha256_of(target)
        if found != sha256:
            raise StoreConflictError(path, expected=sha256, found=found)
        if self._durable:  # another writer may have made the name a moment ago
            files.sync_folder(target.parent)
        return Stored(path, target.stat().st_size, sha256, created=False)

    def _remember(self, file: Path, sha256: str) -> int:
        """Note the hash of a file that was just written; return its size in bytes."""
        identity = _identity(file)
        self._hashes[identity] = sha256
        while len(self._hashes) > _REMEMBERED:
            self._hashes.popitem(last=False)
        return identity[2]

    def _hash_of(self, file: Path) -> str:
        """Return the hash of a file, from memory while its inode, size and time are those we wrote."""
        return self._hashes.get(_identity(file)) or reading.sha256_of(file)

    def _probe(self) -> None:
        """Write, read and remove a file below `.incoming`, which is what every write begins with."""
        files.make_root(self.root)
        with self._incoming() as (file, temporary):
            _write(file, b"probe")
            self._finish(file)
            if temporary.read_bytes() != b"probe":
                message = f"{self.root}: what was written reads back differently; check the disk"
                raise StoreError(message)


def _identity(file: Path) -> tuple[int, int, int, int]:
    found = file.lstat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _append(file: BinaryIO, running: hashlib._Hash, chunk: bytes) -> None:
    running.update(chunk)
    _write(file, chunk)


def _write(file: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # an unbuffered write may be short when the disk fills up
        rest = rest[file.write(rest) :]


def _missing_is_missing(path: str, act: Callable[[], T]) -> T:
    try:
        return act()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise BlobMissingError(path) from error


def _info(path: str, target: Path) -> BlobInfo | None:
    if not target.is_file() and not target.is_symlink():
        return None
    sha256 = reading.sha256_of(target)
    return BlobInfo(path, target.stat().st_size, sha256, _type_of(path))


def _type_of(path: str) -> str:
    return "message/rfc822" if path.endswith(".eml") else mimetypes.guess_type(path)[0] or _BINARY
