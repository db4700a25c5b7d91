"""The file of the mailboxes' passwords: for its owner alone, read again whenever it has changed."""

import csv
import logging
import os
import shlex
import stat
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from schemas.addresses import comparable

HEADINGS = ("mailbox", "password")
log = logging.getLogger(__name__)


class PasswordsFile:
    """Used by many threads."""

    def __init__(self, path: Path) -> None:
        """ValueError, in a sentence without a password, where it can't be used."""
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None
        self._seen, self._known = _read(path)

    def passwords(self) -> dict[str, str]:
        """By mailbox, as `comparable` writes it. A file that was changed into one that can't be used counts as it was before."""
        with self._lock:
            seen = _mark(self._path)
            if seen != self._seen:
                self._seen = seen
                self._change()
            return self._known

    def _change(self) -> None:
        try:
            self._seen, self._known = _read(self._path)
        except ValueError as error:
            log.warning("passwords stay as they were: %s", error)
        else:
            log.info("%s has changed: passwords of %d mailboxes", self._path, len(self._known))


def _mark(path: Path) -> tuple[int, ...] | None:
    """Another one for another file; None where there is none."""
    try:
        return _mark_of(path.stat())
    except OSError:
        return None


def _mark_of(found: os.stat_result) -> tuple[int, ...]:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode


def _read(path: Path) -> tuple[tuple[int, ...], dict[str, str]]:
    """The file's mark and what is in it; ValueError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = os.fstat(file.fileno())
            _guard(path, found.st_mode)
            return _mark_of(found), dict(_rows(path, file))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text, or no CSV"
        raise ValueError(f"passwords_file {path} can't be read: {why}") from error


def _guard(path: Path, mode: int) -> None:
    if stat.S_IMODE(mode) & 0o077:
        msg = f"others can read passwords_file {path}; run `chmod 600 {shlex.quote(str(path))}`"
        raise ValueError(msg)


def _rows(path: Path, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    rows, seen = csv.DictReader(lines), set[str]()
    if not set(HEADINGS) <= set(rows.fieldnames or ()):
        msg = f"passwords_file {path} has not the headings {','.join(HEADINGS)} in its first line"
        raise ValueError(msg)
    for row in rows:
        mailbox, password = (row[name] or "" for name in HEADINGS)
        name = comparable(mailbox)
        if not name or not password or name in seen:
            why = "stands there twice" if name in seen else "needs a mailbox and a password"
            raise ValueError(f"passwords_file {path}, line {rows.line_num}: {mailbox or 'the line'} {why}")
        seen.add(name)
        yield name, password
