"""What every store can do, and how it fails: the only thing that the rest of the house sees of a store.

A store keeps bytes under paths, once. Nothing is ever overwritten: writing the same bytes again is a
no-op, writing other bytes is a `StoreConflictError`. That is what makes a replay harmless.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence

    from stores.protection import Safeguard

CHUNK_SIZE = 1 << 20
"""Bytes that `Store.stream` yields at a time unless told otherwise."""

NO_METADATA: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Stored:
    """The outcome of a write: these bytes stand at this path."""

    path: str
    size: int  # bytes
    sha256: str  # 64 lower-case hexadecimal digits
    created: bool  # False: the same bytes were already there (verified by hash)


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What is known of stored bytes without reading them (`Store.stat` always knows the hash)."""

    path: str
    size: int  # bytes
    sha256: str | None  # None in a listing whose store would have to read the bytes
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=lambda: NO_METADATA)


class StoreError(Exception):
    """The store refuses; trying the same again would not help."""


class StoreConflictError(StoreError):
    """Other bytes already stand at this path; they are left as they are."""

    def __init__(self, path: str, *, expected: str, found: str) -> None:
        super().__init__(
            f"{path}: other bytes already stand there (SHA-256 {found}, ours {expected}); left untouched"
        )
        self.path = path
        self.expected = expected
        self.found = found


class StoreUnavailableError(StoreError):
    """The store is down, full or throttling, beyond the retries of one call: wait, then try again."""


class BlobMissingError(StoreError):
    """Nothing stands at this path."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: nothing is stored there")
        self.path = path


class LinkFoundError(StoreError):
    """A symbolic link stands at this path: what it leads to was not written by a store, and may change or go."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: a symbolic link stands there, and no file; move it away")
        self.path = path


class ChecksumError(StoreError):
    """The bytes handed over are not the ones that the caller announced; nothing was written."""

    def __init__(self, path: str, *, expected: str, found: str) -> None:
        super().__init__(f"{path}: announced SHA-256 {expected}, but the bytes have {found}; nothing written")
        self.path = path
        self.expected = expected
        self.found = found


class BadPathError(StoreError, ValueError):
    """The path is not one that every file system and Azure can hold (`stores.paths` makes safe ones)."""


@runtime_checkable
class Safeguarded(Protocol):
    """A store that may protect what it keeps against deletion."""

    @property
    def safeguard(self) -> Safeguard | None:
        """What may be said of the protection now; None where none is wanted, or nothing is known yet."""
        ...

    async def prove(self) -> Safeguard | None:
        """Try to delete one fixed blob, and say what may be said since; `StoreError` where nobody can be asked."""
        ...


@runtime_checkable
class Comparing(Protocol):
    """A store that compares what it keeps with less effort than handing out its bytes."""

    async def same(self, paths: Sequence[str], data: bytes) -> list[bool | None]:
        """Of each path whether a file with exactly these bytes stands there, and is no link; None where there is nothing."""
        ...


class Store(Protocol):
    """Write-once storage; every method raises `StoreError` or one of its subclasses, nothing else."""

    async def create(
        self,
        path: str,
        data: bytes | AsyncIterable[bytes],
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        sha256: str | None = None,
    ) -> Stored:
        """Store `data` at `path` unless the same bytes stand there already.

        The bytes appear whole or not at all, also when the process is killed. A streamed body of any size
        needs at most 8 MB of memory beyond its own chunks; it may be left unread when `sha256` is given and
        the path is taken. Metadata keys are Azure's: letters, digits and underscores; values are ASCII.

        Raises `StoreConflictError` for other bytes at the path, `ChecksumError` when `sha256` (lower-case
        hexadecimal) is not that of `data`, `StoreUnavailableError` when waiting may help.
        """
        ...

    async def read(self, path: str) -> bytes:
        """Return all bytes at `path`, or raise `BlobMissingError`; `LinkFoundError` in a folder."""
        ...

    def stream(self, path: str, *, chunk_size: int = CHUNK_SIZE) -> AsyncIterator[bytes]:
        """Yield the bytes at `path`, at most `chunk_size` at a time, or raise `BlobMissingError`."""
        ...

    async def stat(self, path: str) -> BlobInfo | None:
        """Return size, SHA-256, type and metadata of what stands at `path`, or None."""
        ...

    async def exists(self, path: str) -> bool:
        """Whether `stat` would find anything; no byte is read for it."""
        ...

    async def copy(
        self,
        source: str,
        target: str,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        sha256: str,
    ) -> Stored:
        """Store the bytes of `source`, whose hash must be `sha256`, at `target` too; else as `create`."""
        ...

    def list(self, prefix: str = "") -> AsyncIterator[BlobInfo]:
        """Yield whatever stands at a path that starts with `prefix`, in the order of the paths.

        Hidden names are left out, but for mails (`.eml`) outside of hidden folders at the top: nobody but a forger hides one.
        Links of a folder's file system are listed and not followed.
        """
        ...

    async def check(self) -> None:
        """Write and read a probe; raise `StoreError` with a sentence on what to do if that fails."""
        ...

    async def close(self) -> None:
        """Give back connections and threads; the store can't be used afterwards."""
        ...
