"""Reading what stands in a folder: files alone, never what a symbolic link leads to. All blocking."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import TYPE_CHECKING

from stores.interface import LinkFoundError
from stores.paths import is_hidden, is_listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO
    from pathlib import Path


def open_file(path: Path) -> FileIO:
    """Open for reading, without a buffer; `LinkFoundError` for a symbolic link."""
    try:
        return open(path, "rb", buffering=0, opener=_not_through_links)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            raise LinkFoundError(str(path)) from error
        raise


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hexadecimal; `LinkFoundError`."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bytes_of(path: Path) -> bytes:
    """Return all bytes of a file; `LinkFoundError`."""
    with open_file(path) as file:
        return file.read()


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
    return os.open(path, flags | os.O_NOFOLLOW)
