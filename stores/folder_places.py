"""Folders below the root of a folder store, and who may read what lies there. All blocking."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

_ATTEMPTS: Final = 5
"""At a folder that somebody removes, as an order of disposition does with those that it has emptied."""
_REMEMBERED: Final = 4096
_MODE = 0o400  # nobody writes: a copy may be a hard link, and what edits one in place would edit them all
_ROOT_MODE = 0o700


class Folders:
    """The folders below one root; where files are `durable`, those of which this process knows that they survive a power cut."""

    def __init__(self, root: Path, *, durable: bool) -> None:
        self.root, self.durable = root, durable
        self._stood: set[str] = set()  # not long ago
        self._kept: set[str] = set()

    def within(self, folder: str, act: Callable[[], T]) -> T:
        """What `act` gives, which needs this folder: it is made where it is missing, also where somebody removes it meanwhile."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._once(folder, act)
            except FileNotFoundError:
                self._stood.clear()
                self._kept -= {folder, *self._above(folder)}
        return self._once(folder, act)

    def _once(self, folder: str, act: Callable[[], T]) -> T:
        # Made first: most copies begin a folder, and a link that fails for want of it costs more than a folder that stands.
        if folder not in self._stood:
            # One of that name may have been removed: the name of the new one is to be kept anew.
            self._kept.difference_update(make_folders(folder, self.root))
            _note(self._stood, folder)
        return act()

    def keep(self, folder: str) -> None:
        """Make the names in a folder survive a power cut, and its own too: whoever has made it may not have come to that yet."""
        if not self.durable:
            return
        sync_folder(folder)
        kept = []
        for above in self._above(folder):
            if folder in self._kept:
                break
            self._sync_above(above)
            kept.append(folder)
            folder = above
        for one in kept:  # only now: whoever finds one noted syncs nothing above it
            _note(self._kept, one)

    def _above(self, folder: str) -> Iterator[str]:
        """The folders that hold the names of this one and of those above it; that of the root is the last."""
        while folder != str(self.root):
            folder = folder[: folder.rindex("/")]
            yield folder
        yield str(self.root.parent)

    def _sync_above(self, folder: str) -> None:
        try:
            sync_folder(folder)
        except PermissionError:  # who may not read what is above the root has not made the root either
            if folder != str(self.root.parent):
                raise


def _note(known: set[str], folder: str) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known.add(folder)


def make_root(root: Path) -> None:
    """Make the folder of an archive, for its owner alone; one that exists keeps its rights."""
    root.mkdir(mode=_ROOT_MODE, parents=True, exist_ok=True)


def make_folders(folder: str, root: Path) -> list[str]:
    """Make it and what is missing above it, below the root; return those that did not stand."""
    try:
        rights = _rights(root)
    except FileNotFoundError:
        make_root(root)
        rights = _rights(root)
    return _make(folder, str(root), _ROOT_MODE | (rights & 0o2077))


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


def _make(folder: str, root: str, rights: int) -> list[str]:
    """From below: of a copy's folders all but that of the day nearly always stand."""
    try:
        return [folder] if _mkdir(folder, rights) else []
    except FileNotFoundError:
        above = folder[: folder.rindex("/")]
        if above == root:  # gone since we looked
            raise
        return _make(above, root, rights) + ([folder] if _mkdir(folder, rights) else [])


def _mkdir(folder: str, rights: int) -> bool:
    """False where it stands."""
    try:
        os.mkdir(folder, _ROOT_MODE)  # noqa: PTH102 - a string, as all that is done for each file
    except FileExistsError:  # it stood, or another writer was faster
        return False
    if rights != _ROOT_MODE:
        # Whatever the umask of this process: who may enter the root may enter what lies below.
        with contextlib.suppress(PermissionError):  # that of another user is that user's
            os.chmod(folder, rights)  # noqa: PTH101 - as above
    return True


def _rights(root: Path) -> int:
    return stat.S_IMODE(os.stat(root).st_mode)  # noqa: PTH116 - as above
