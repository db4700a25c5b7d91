"""The file system's side of the folder store: whole files or none, never one over another. All blocking."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import time
from itertools import takewhile
from typing import TYPE_CHECKING, BinaryIO, Final

from stores.interface import StoreError, StoreUnavailableError
from stores.paths import is_hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

INCOMING: Final = ".incoming"
"""Below the root: where files grow until they are whole. Listings skip it."""

_MODE = 0o400  # nobody writes: a copy may be a hard link, and what edits one in place would edit them all
_ROOT_MODE = 0o700
_STALE_AFTER_S = 60.0
_FULL = {errno.ENOSPC, errno.EDQUOT}
_PASSING = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN, errno.EBUSY, errno.ESTALE,
            errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN, errno.EIO}  # fmt: skip
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_LINKS = {
    errno.EPERM,
    errno.EACCES,
    errno.EMLINK,
    errno.EXDEV,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EINVAL,
}


@contextlib.contextmanager
def explained(root: Path) -> Iterator[None]:
    """Turn an `OSError` into a `StoreError` with a sentence on what to do."""
    try:
        yield
    except OSError as error:
        raise _explain(root, error) from error


def make_root(root: Path) -> None:
    """Make the folder of an archive, for its owner alone; one that exists keeps its rights."""
    root.mkdir(mode=_ROOT_MODE, parents=True, exist_ok=True)


def new_file(root: Path) -> tuple[BinaryIO, Path]:
    """Open a file of its own below `.incoming`, locked for as long as it is open; read by whom the root lets in."""
    incoming = root / INCOMING
    path = incoming / f"{os.getpid()}-{time.time_ns():x}-{os.urandom(4).hex()}"
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    try:
        number = os.open(path, flags, _MODE)
    except FileNotFoundError:
        make_root(root)
        _make_folders(incoming, root)
        number = os.open(path, flags, _MODE)
    os.fchmod(number, _MODE | (_rights(root) & 0o044))
    with contextlib.suppress(OSError):  # a file system without locks: the sweep then goes by age alone
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return os.fdopen(number, "wb", buffering=0), path


def publish(
    temporary: Path, target: Path, *, root: Path, durable: bool, link: Callable[[Path, Path], None] = os.link
) -> bool:
    """Give a whole file its name, and return False if the name is taken; the temporary name goes."""
    try:
        _in_parent(target, root, lambda: _take_name(temporary, target, root, link), durable=durable)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def link_or_copy(
    source: Path, target: Path, *, root: Path, durable: bool, link: Callable[[Path, Path], None] = os.link
) -> bool:
    """Let `target` be `source` by hard link, or by a copy where links don't reach; False if it is taken."""
    try:
        _in_parent(target, root, lambda: link(source, target), durable=durable)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _copy(source, target, root=root, durable=durable, link=link)
    return True


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut."""
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def sweep(root: Path) -> int:
    """Remove what killed writers left behind, and return how many files that were."""
    oldest = time.time() - _STALE_AFTER_S
    incoming = root / INCOMING
    leftovers = [path for path in incoming.iterdir() if _is_left(path, oldest)] if incoming.is_dir() else []
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def _take_name(temporary: Path, target: Path, root: Path, link: Callable[[Path, Path], None]) -> None:
    try:
        link(temporary, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_under_lock(temporary, target, root)


def _rename_under_lock(temporary: Path, target: Path, root: Path) -> None:
    """Where there are no hard links, look and rename while nobody else on this machine does."""
    with (root / INCOMING / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        temporary.rename(target)


def _in_parent(target: Path, root: Path, act: Callable[[], None], *, durable: bool) -> None:
    """Run `act`, which makes `target`, after making its folder if it is missing."""
    try:
        act()
    except FileNotFoundError:
        made = _make_folders(target.parent, root)
        act()
        for folder in made if durable else ():
            sync_folder(folder.parent)
    if durable:
        sync_folder(target.parent)


def _make_folders(folder: Path, root: Path) -> list[Path]:
    """Make it and what is missing above it, below the root; return those, the lowest first."""
    make_root(root)
    rights = _ROOT_MODE | (_rights(root) & 0o2077)
    missing = list(takewhile(lambda path: path != root and not path.exists(), (folder, *folder.parents)))
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):  # another writer was faster
            path.mkdir(_ROOT_MODE)
        # Whatever the umask of this process: who may enter the root may enter what lies below.
        with contextlib.suppress(PermissionError):  # that of another user is that user's
            path.chmod(rights)
    return missing


def _rights(root: Path) -> int:
    return stat.S_IMODE(root.stat().st_mode)


def _copy(
    source: Path, target: Path, *, root: Path, durable: bool, link: Callable[[Path, Path], None]
) -> bool:
    file, temporary = new_file(root)
    try:
        with file, source.open("rb") as original:
            shutil.copyfileobj(original, file, 1 << 20)
            if durable:
                os.fsync(file.fileno())
        return publish(temporary, target, root=root, durable=durable, link=link)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _is_left(path: Path, oldest: float) -> bool:
    """Tell whether a temporary file is old and nobody's: a living writer holds its lock."""
    if is_hidden(path.name):
        return False
    try:
        if path.stat().st_mtime > oldest:
            return False
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _explain(root: Path, error: OSError) -> StoreError:
    where = error.filename or root
    if error.errno in _FULL:
        return StoreUnavailableError(
            f"{root}: no space left ({error.strerror}); free some or raise the quota"
        )
    if error.errno in _PASSING:
        return StoreUnavailableError(f"{where}: {error.strerror}; trying again may help")
    if error.errno in _REFUSED:
        return StoreError(
            f"{where}: {error.strerror}; let user {os.getuid()} write to {root}, or name another folder"
        )
    if error.errno == errno.ENOTDIR:
        return StoreError(f"{where}: a file stands where a folder is needed; move it away")
    return StoreError(f"{where}: {error.strerror}")
