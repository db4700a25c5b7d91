"""Reading what stands in a folder: files alone, never what a symbolic link leads to. All blocking."""

from __future__ import annotations

import errno
import hashlib
import mimetypes
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from stores.interface import BlobInfo, BlobMissingError, LinkFoundError
from stores.paths import is_hidden, is_listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

T = TypeVar("T")

_BINARY: Final = "application/octet-stream"
_FILES_ALONE: Final = os.O_NOFOLLOW | os.O_NONBLOCK
"""No link is followed, and nobody is waited for where a pipe stands; of a file it changes nothing."""


def open_file(path: str) -> FileIO:
    """Open for reading, without a buffer; `LinkFoundError` for a symbolic link."""
    try:
        return open(path, "rb", buffering=0, opener=_not_through_links)
    except OSError as error:
        if error.errno == errno.ELOOP and Path(path).is_symlink():
            raise LinkFoundError(path) from error
        raise


def sha256_of(path: str) -> str:
    """Return the SHA-256 of a file in lower-case hexadecimal; `LinkFoundError`."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bytes_of(path: str) -> bytes:
    """Return all bytes of a file; `LinkFoundError`."""
    with open_file(path) as file:
        return file.read()


def same(path: str, data: bytes) -> bool | None:
    """Tell whether a file has exactly these bytes, and is no link; None for no file."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | _FILES_ALONE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP and Path(path).is_symlink():
            return False
        raise
    try:
        standing = os.fstat(number)
        if stat.S_ISDIR(standing.st_mode):
            return None
        return standing.st_size == len(data) and _read(number, len(data)) == data
    finally:
        os.close(number)


def _read(number: int, size: int) -> bytes:
    """The whole file if it has so many bytes, else another number of them."""
    found = os.read(number, size + 1)
    while len(found) < size and (more := os.read(number, size + 1)):
        found += more
    return found


def stands(target: str) -> bool:
    """Tell whether something can be found there; unlike `Path.exists`, without an error for what isn't."""
    return os.access(target, os.F_OK)


def found(path: str, act: Callable[[], T]) -> T:
    """Return what `act` finds at this path of the store; `BlobMissingError` for no file."""
    try:
        return act()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise BlobMissingError(path) from error


def info(path: str, target: str) -> BlobInfo | None:
    """Return what stands at this path of the store, its hash computed; None for no file, `LinkFoundError`."""
    standing = _standing(target)
    return None if standing is None else BlobInfo(path, standing.st_size, sha256_of(target), type_of(path))


def is_there(target: str) -> bool:
    """Tell whether `info` would find anything; `LinkFoundError`."""
    standing = _standing(target)
    if standing is not None and stat.S_ISLNK(standing.st_mode):
        raise LinkFoundError(target)
    return standing is not None


def _standing(target: str) -> os.stat_result | None:
    """A file or a link; None for a folder, and for nothing."""
    try:
        found = os.lstat(target)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode) else None


def type_of(path: str) -> str:
    """Return the media type that a file's name says."""
    return "message/rfc822" if path.endswith(".eml") else mimetypes.guess_type(path)[0] or _BINARY


def walk(folder: Path, prefix: str, base: str = "") -> Iterator[tuple[str, int]]:
    """Yield path and size of every file and link whose path below `folder` starts with `prefix`, in path order."""
    for name, is_folder, size in _entries(folder, top=not base):
        path = base + name
        if is_folder and (path.startswith(prefix) or prefix.startswith(path)):
            yield from walk(folder / name[:-1], prefix, path)
        elif not is_folder and path.startswith(prefix) and is_listed(path):
            yield path, size


def _entries(folder: Path, *, top: bool) -> list[tuple[str, bool, int]]:
    """List a folder in the order in which whole paths sort: a folder as if its name ended in a slash."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not (top and is_hidden(entry.name)):
                        found.append((f"{entry.name}/", True, 0))
                elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                    found.append((entry.name, False, entry.stat(follow_symlinks=False).st_size))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found)


def _not_through_links(path: str, flags: int) -> int:
    return os.open(path, flags | _FILES_ALONE)
