"""The file system's side of the folder store: whole files or none, never one over another. All blocking.

Files are strings here, also in `stores/folder_places.py`: a `Path` costs as much as the call to the system that it is for.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from stores import folder_places as places
from stores.interface import StoreError, StoreUnavailableError
from stores.paths import is_hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stores.folder_places import Folders

INCOMING: Final = ".incoming"
"""Below the root: where files grow until they are whole. Listings skip it."""

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
NO_NAMELESS: Final = {*_NO_LINKS, errno.EISDIR}
"""What says that files without a name don't exist here (EISDIR: nor in this kernel), or can't be given one."""


@contextlib.contextmanager
def explained(root: Path) -> Iterator[None]:
    """Turn an `OSError` into a `StoreError` with a sentence on what to do."""
    try:
        yield
    except OSError as error:
        raise explanation(root, error) from error


def new_file(root: Path) -> tuple[BinaryIO, str]:
    """Open a file of its own below `.incoming`, locked for as long as it is open; read by whom the root lets in."""
    incoming = f"{root}/{INCOMING}"
    path = f"{incoming}/{os.getpid()}-{time.time_ns():x}-{os.urandom(4).hex()}"
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    try:
        number = os.open(path, flags, 0o400)
    except FileNotFoundError:
        places.make_folders(incoming, root)
        number = os.open(path, flags, 0o400)
    os.fchmod(number, places.mode(root))
    with contextlib.suppress(OSError):  # a file system without locks: the sweep then goes by age alone
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return os.fdopen(number, "wb", buffering=0), path


def publish(
    temporary: str, target: str, folders: Folders, link: Callable[[str, str], None] = os.link
) -> bool:
    """Give a whole file its name, and return False if the name is taken; the temporary name goes."""
    try:
        _in_parent(target, folders, lambda: _take_name(temporary, target, folders.root, link))
    except FileExistsError:
        return False
    finally:
        remove(temporary)
    return True


def create_nameless(target: str, data: bytes, folders: Folders) -> os.stat_result | None:
    """Let a file with these bytes appear whole, and return what it is; None if the name is taken.

    It has no name before it is whole (`O_TMPFILE`, open(2)), so that a killed writer leaves nothing. An `OSError` with a number
    of NO_NAMELESS says that this place has no such files, or no /proc to name them through.
    """
    folder = target[: target.rindex("/")]
    try:
        found = folders.within(folder, lambda: _nameless(folder, target, data, folders))
    except FileExistsError:
        return None
    folders.keep(folder)
    return found


def _nameless(folder: str, target: str, data: bytes, folders: Folders) -> os.stat_result:
    number = _open_nameless(folder, folders.root)
    try:
        write(partial(os.write, number), data)
        if folders.durable:
            os.fsync(number)
        _give_name(number, target)
        return os.fstat(number)
    finally:
        os.close(number)


def _give_name(number: int, target: str) -> None:
    """Link an open file; FileNotFoundError where the folder is gone, EOPNOTSUPP where there is no /proc."""
    here = f"/proc/self/fd/{number}"
    try:
        # linkat(2) follows to the file only when it is given a folder, here without any meaning: the path is absolute
        os.link(here, target, src_dir_fd=number)
    except FileNotFoundError as error:
        if os.access(here, os.F_OK):
            raise
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), here) from error


def link_or_copy(
    source: str, target: str, folders: Folders, link: Callable[[str, str], None] = os.link
) -> bool:
    """Let `target` be `source` by hard link, or by a copy where links don't reach; False if it is taken."""
    try:
        _in_parent(target, folders, lambda: link(source, target))
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _copy(source, target, folders, link)
    return True


def write(take: Callable[[memoryview], int], data: bytes) -> None:
    """Hand all of it to `take`; the system may take it in pieces when the disk fills up."""
    rest = memoryview(data)
    while rest:
        rest = rest[take(rest) :]


def remove(path: str) -> None:
    """Remove a temporary name, if it is still there."""
    Path(path).unlink(missing_ok=True)


def sweep(root: Path) -> int:
    """Remove what killed writers left behind, and return how many files that were."""
    oldest = time.time() - _STALE_AFTER_S
    incoming = root / INCOMING
    leftovers = [path for path in incoming.iterdir() if _is_left(path, oldest)] if incoming.is_dir() else []
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def _open_nameless(folder: str, root: Path) -> int:
    mode = places.mode(root)
    number = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, mode)
    if stat.S_IMODE(os.fstat(number).st_mode) != mode:  # the umask, or a default of this folder
        os.fchmod(number, mode)
    return number


def _take_name(temporary: str, target: str, root: Path, link: Callable[[str, str], None]) -> None:
    try:
        link(temporary, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_under_lock(Path(temporary), Path(target), root)


def _rename_under_lock(temporary: Path, target: Path, root: Path) -> None:
    """Where there are no hard links, look and rename while nobody else on this machine does."""
    with (root / INCOMING / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        temporary.rename(target)


def _in_parent(target: str, folders: Folders, act: Callable[[], None]) -> None:
    """Run `act`, which makes `target`, after making its folder if it is missing."""
    folder = target[: target.rindex("/")]
    folders.within(folder, act)
    folders.keep(folder)


def _copy(source: str, target: str, folders: Folders, link: Callable[[str, str], None]) -> bool:
    file, temporary = new_file(folders.root)
    try:
        with file, Path(source).open("rb") as original:
            shutil.copyfileobj(original, file, 1 << 20)
            if folders.durable:
                os.fsync(file.fileno())
        return publish(temporary, target, folders, link)
    except BaseException:
        remove(temporary)
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


def explanation(root: Path, error: OSError) -> StoreError:
    """What the error means for who keeps an archive below `root`, with a sentence on what to do."""
    where = error.filename2 or error.filename or root  # of a link, its new name
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
