"""A store in a local folder: plain files that a person can browse, each written once and then read-only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar

from stores import folder_files as files
from stores import folder_places as places
from stores import folder_reading as reading
from stores.checks import checked_hash, checked_metadata
from stores.folder_reader import FolderReader
from stores.interface import (
    StoreConflictError,
    Stored,
    StoreError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")

_REMEMBERED: Final = 4096  # hashes of files just written, so that copying a mail doesn't read it again


class FolderStore(FolderReader):
    """Keeps blobs as files below `root`; metadata isn't kept, hashes are computed when asked for.

    `durable` (the default) syncs file and folder before a write counts as done, so that it survives a power
    cut; without it only a kill is survived. Files are mode 0444: copies are hard links where those work.
    `nameless`: files in one piece have no name before they are whole, where the file system can do that (decision 35).
    """

    def __init__(
        self,
        root: Path,
        *,
        durable: bool = True,
        link: Callable[[str, str], None] = os.link,
        nameless: bool = True,
    ) -> None:
        super().__init__(root, durable=durable)
        self._link = link
        self._nameless = nameless
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
        if sha256 is not None and await self._run(0, lambda: reading.stands(target)):
            return await self._run(None, lambda: self._compare(path, target, sha256))
        return await self._create_stream(path, target, data, sha256)

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

    async def check(self) -> None:
        """Write, read and remove a probe; raise `StoreError` with a sentence on what to do."""
        await self._run(None, self._probe)

    def _create_bytes(self, path: str, target: str, data: bytes, announced: str | None) -> Stored:
        sha256 = checked_hash(path, announced, hashlib.sha256(data).hexdigest())
        if reading.stands(target):  # a replay finds nearly everything in place: no need to write it first
            return self._compare(path, target, sha256)
        found = self._made(target, data)
        if found is None:
            return self._compare(path, target, sha256)
        self._remember(found, sha256)
        return Stored(path, len(data), sha256, created=True)

    def _made(self, target: str, data: bytes) -> os.stat_result | None:
        """Make the file in the way that this file system takes; None if the name is taken."""
        if self._nameless:
            self._sweep()
            try:
                return files.create_nameless(target, data, self._folders)
            except OSError as error:
                if error.errno not in files.NO_NAMELESS:
                    raise
        with self._incoming() as (file, temporary):
            files.write(file.write, data)
            found = self._published(file, temporary, target)
        self._nameless = False  # else each of the next would be tried in vain first
        return found

    async def _create_stream(
        self, path: str, target: str, data: AsyncIterable[bytes], announced: str | None
    ) -> Stored:
        running = hashlib.sha256()
        with self._incoming() as (file, temporary):
            async for chunk in data:
                await self._run(len(chunk), partial(_append, file, running, chunk))
            sha256 = checked_hash(path, announced, running.hexdigest())
            return await self._run(None, lambda: self._publish(path, file, temporary, target, sha256))

    @contextlib.contextmanager
    def _incoming(self) -> Iterator[tuple[BinaryIO, str]]:
        """Lend a temporary file; whatever happens, its name is gone afterwards."""
        with files.explained(self.root):
            self._sweep()
            file, temporary = files.new_file(self.root)
        try:
            with file:
                yield file, temporary
        finally:
            files.remove(temporary)

    def _sweep(self) -> None:
        """Remove leftovers of killed writers, once: before the first write."""
        if not self._swept:
            files.sweep(self.root)
            self._swept = True

    def _publish(self, path: str, file: BinaryIO, temporary: str, target: str, sha256: str) -> Stored:
        found = self._published(file, temporary, target)
        if found is None:
            return self._compare(path, target, sha256)
        self._remember(found, sha256)
        return Stored(path, found.st_size, sha256, created=True)

    def _published(self, file: BinaryIO, temporary: str, target: str) -> os.stat_result | None:
        if self._folders.durable:
            os.fsync(file.fileno())
        if not files.publish(temporary, target, self._folders, self._link):
            return None
        return os.lstat(target)

    def _copy(self, source: str, origin: str, target: str, goal: str, sha256: str) -> Stored:
        found = reading.found(source, lambda: os.lstat(origin))
        # From memory while inode, size and time are those that were written.
        known = self._hashes.get(_identity(found))
        checked_hash(source, sha256, known or reading.found(source, lambda: reading.sha256_of(origin)))
        if files.link_or_copy(origin, goal, self._folders, self._link):
            return Stored(target, found.st_size, sha256, created=True)
        return self._compare(target, goal, sha256)

    def _compare(self, path: str, target: str, sha256: str) -> Stored:
        """Verify that what stands at `target` has this hash; its bytes are read, memory isn't trusted."""
        standing = os.lstat(target)
        linked = stat.S_ISLNK(standing.st_mode)
        found = "none, it is a symbolic link" if linked else reading.sha256_of(target)
        if found != sha256:
            raise StoreConflictError(path, expected=sha256, found=found)
        self._folders.keep(target[: target.rindex("/")])  # another writer may have made the name a moment ago
        return Stored(path, standing.st_size, sha256, created=False)

    def _remember(self, found: os.stat_result, sha256: str) -> None:
        """Note the hash of a file that was just written."""
        self._hashes[_identity(found)] = sha256
        while len(self._hashes) > _REMEMBERED:
            self._hashes.popitem(last=False)

    def _probe(self) -> None:
        """Write, read and remove a file below `.incoming`, as every write can begin."""
        places.make_root(self.root)
        with self._incoming() as (file, temporary):
            files.write(file.write, b"probe")
            if self._folders.durable:
                os.fsync(file.fileno())
            if reading.bytes_of(temporary) != b"probe":
                message = f"{self.root}: what was written reads back differently; check the disk"
                raise StoreError(message)


def _identity(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _append(file: BinaryIO, running: hashlib._Hash, chunk: bytes) -> None:
    running.update(chunk)
    files.write(file.write, chunk)
