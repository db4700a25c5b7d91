"""Folders below the root of a folder store, and who may read what lies there. All blocking."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_MODE = 0o400  # nobody writes: a copy may be a hard link, and what edits one in place would edit them all
_ROOT_MODE = 0o700


def make_root(root: Path) -> None:
    """Make the folder of an archive, for its owner alone; one that exists keeps its rights."""
    root.mkdir(mode=_ROOT_MODE, parents=True, exist_ok=True)


def make_folders(folder: str, root: Path) -> list[str]:
    """Make it and what is missing above it, below the root; return those, the lowest first."""
    try:
        rights = _rights(root)
    except FileNotFoundError:
        make_root(root)
        rights = _rights(root)
    missing = list(_missing(folder, str(root)))
    for one in reversed(missing):
        _mkdir(one, _ROOT_MODE | (rights & 0o2077))
    return missing


def mode(root: Path) -> int:
    """What a file may be: read by its owner and by whom the root lets in."""
    return _MODE | (_rights(root) & 0o044)


def sync_folder(path: str | Path) -> None:
    """Make the names in a folder survive a power cut."""
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def sync_above(made: Iterable[str]) -> None:
    """Make these folders survive a power cut: their names stand in those above."""
    for folder in made:
        sync_folder(folder[: folder.rindex("/")])


def _missing(folder: str, root: str) -> Iterator[str]:
    while folder != root and not os.access(folder, os.F_OK):
        yield folder
        folder = folder[: folder.rindex("/")]


def _mkdir(folder: str, rights: int) -> None:
    with contextlib.suppress(FileExistsError):  # another writer was faster
        os.mkdir(folder, _ROOT_MODE)  # noqa: PTH102 - a string, as all that is done for each file
    if rights != _ROOT_MODE:
        # Whatever the umask of this process: who may enter the root may enter what lies below.
        with contextlib.suppress(PermissionError):  # that of another user is that user's
            os.chmod(folder, rights)  # noqa: PTH101 - as above


def _rights(root: Path) -> int:
    return stat.S_IMODE(root.stat().st_mode)
