"""Targets on this machine: a Maildir for each mailbox, and a folder of .eml files."""

import filecmp
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from consumers.importing.folders import levels, maildir_name
from consumers.importing.shape import Shaped
from consumers.importing.troubles import HostError, ItemError, LostError
from schemas.records import Receipt
from stores.folder_places import sync_folder
from stores.paths import check_path, safe_name


@dataclass(frozen=True)
class MaildirTarget:
    """A Maildir++ for each mailbox below `root`, as Dovecot and others read it.

    A file's name is made of the mail's id, so that putting it there twice is putting it there once; a program that reads the
    mail moves it from `new` to `cur` and changes the flags behind the colon, and it is still found. What lies in `tmp` is no
    mail: it may be the first part of one.
    """

    root: Path
    folder: str
    read: bool
    name: str = "maildir"

    def open(self, mailbox: str) -> "MaildirSession":
        """The mailbox's folder; made when something is put there."""
        return MaildirSession(self.root / safe_name(mailbox), self.folder, read=self.read)

    def check(self) -> None:
        """The folder can be written, or made. HostError."""
        _check(self.root)


class MaildirSession:
    """One mailbox's Maildir."""

    limit: int | None = None

    def __init__(self, home: Path, folder: str, *, read: bool) -> None:
        self._home, self._folder, self._read = home, folder, read
        self._aborted = False

    def place(self, folder: str) -> str:
        """The directory of the folder, below the mailbox's own."""
        return maildir_name(levels(self._folder, folder))

    def mark(self, one: Receipt) -> str:  # noqa: ARG002 - an item that is put once more has a name of its own
        """None is needed."""
        return ""

    def find(self, one: Receipt, since: str | None = None) -> str | None:  # noqa: ARG002 - as above
        """The file's name without its flags."""
        home, name = self._home / self.place(one["folder"]), _name(one)
        # In this order: a program that reads the mail moves it from the one to the other meanwhile.
        found = (
            path.name.partition(":")[0] for part in ("new", "cur") for path in (home / part).glob(f"{name}*")
        )
        return name if name in found else None

    def put(self, one: Receipt, mail: Shaped) -> str:
        """Write it into `tmp` and move it, whole, to `new` or `cur`; its time is the conversation's."""
        try:
            return self._put(one, mail)
        except OSError as error:
            raise HostError("folder can't be written", f"{self._home}: {error.strerror or error}") from error

    def abort(self) -> None:
        """What is being written stays away from its place."""
        self._aborted = True

    def close(self) -> None:
        """Nothing is held."""

    def _put(self, one: Receipt, mail: Shaped) -> str:
        home, name = self._home / self.place(one["folder"]), _name(one)
        for part in ("tmp", "new", "cur"):
            (home / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        if home != self._home:
            (home / "maildirfolder").touch(mode=0o600)
        _write(home / "tmp" / name, mail, one["date_ms"], lambda: self._aborted)
        end = home / "cur" / f"{name}:2,S" if self._read else home / "new" / name
        (home / "tmp" / name).replace(end)
        sync_folder(end.parent)
        return name


def _name(one: Receipt) -> str:
    """An item that is put there once more has a name of its own, by which its own replay finds it, and no other."""
    again = f"-{one['at_ms']}" if one["occasion"] == "again" else ""
    return f"{max(0, one['date_ms']) // 1000}.{one['mail_id'].hex()}.chatledger{again}"


@dataclass(frozen=True)
class EmlTarget:
    """A folder of .eml files, each at the path that its copy has in the store."""

    root: Path
    name: str = "folder"

    def open(self, mailbox: str) -> "EmlSession":  # noqa: ARG002 - the path has the mailbox
        """The whole folder."""
        return EmlSession(self.root)

    def check(self) -> None:
        """The folder can be written, or made. HostError."""
        _check(self.root)


class EmlSession:
    """The folder of .eml files."""

    limit: int | None = None

    def __init__(self, root: Path) -> None:
        self._root, self._aborted = root, False

    def place(self, folder: str) -> str:
        """As it is."""
        return folder

    def mark(self, one: Receipt) -> str:  # noqa: ARG002 - an item that is put once more has a name of its own
        """None is needed."""
        return ""

    def find(self, one: Receipt, since: str | None = None) -> str | None:  # noqa: ARG002 - as above
        """Its path below the folder, if that file is the copy byte for byte; `put` compares what a setting has shaped."""
        end = self._end(one)
        if end.is_symlink() or not end.is_file():
            return None
        try:
            with end.open("rb") as file:
                is_it = hashlib.file_digest(file, "sha256").digest() == one["sha256"]
        except OSError as error:
            raise HostError("folder can't be read", f"{end}: {error.strerror or error}") from error
        return str(end.relative_to(self._root)) if is_it else None

    def put(self, one: Receipt, mail: Shaped) -> str:
        """Write it beside its place and move it there; what stands there is never overwritten: the same bytes, or ItemError."""
        end = self._end(one)
        try:
            end.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = end.with_name(f".{end.name[:200]}.part")
            _write(beside, mail, one["date_ms"], lambda: self._aborted)
            _place_once(beside, end)
            sync_folder(end.parent)
        except OSError as error:
            raise HostError("folder can't be written", f"{end.parent}: {error.strerror or error}") from error
        return str(end.relative_to(self._root))

    def abort(self) -> None:
        """What is being written stays away from its place."""
        self._aborted = True

    def close(self) -> None:
        """Nothing is held."""

    def _end(self, one: Receipt) -> Path:
        end = self._root / check_path(one["path"])
        return end.with_name(f"{end.stem}-{one['at_ms']}{end.suffix}") if one["occasion"] == "again" else end


def _check(root: Path) -> None:
    """Looks at the folder, or at what is there of its parents; nothing is made."""
    there = next(path for path in (root.absolute(), *root.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "permission denied" if there.is_dir() else "it is no folder"
        raise HostError("folder can't be written", f"{there}: {why}")


def _place_once(beside: Path, end: Path) -> None:
    try:
        os.link(beside, end)
    except FileExistsError as error:
        if end.is_symlink() or not end.is_file() or not filecmp.cmp(beside, end, shallow=False):
            raise ItemError("another file is there", str(end)) from error
    finally:
        beside.unlink()


def _write(path: Path, mail: Shaped, date_ms: int, is_aborted: Callable[[], bool]) -> None:
    """Durable on return, and gone when it fails; its modification time is the mail's date. LostError when aborted meanwhile."""
    try:
        _fill(path, mail)
        _go_on(aborted=is_aborted())
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    with suppress(OverflowError, OSError):  # a time that the file system can't hold
        os.utime(path, ns=(date_ms * 1_000_000, date_ms * 1_000_000))


def _fill(path: Path, mail: Shaped) -> None:
    with path.open("wb") as file:
        for chunk in mail.chunks():
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _go_on(*, aborted: bool) -> None:
    if aborted:
        raise LostError("withdrawn")
