"""sqlite files that collectors remember by. They only save reading the log again: one that is damaged is begun anew."""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

_LOG = logging.getLogger(__name__)
Prepare = Callable[[sqlite3.Connection], None]


def opened(path: Path, what: str, prepare: Prepare) -> sqlite3.Connection:
    """The file, of mode 0600 if it is new; begun anew, with a warning that says `what`, where it is damaged.

    `prepare` makes the tables. Reads the whole file, some 0.5 s for 100 MB: sqlite itself would notice a damaged page only when
    that one is needed. sqlite3.OperationalError for a disk that is full or a file that another process holds.
    """
    try:
        return _connected(path, prepare)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        _LOG.warning("%s, %s, is damaged (%s): starting without it", what, path, error)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connected(path, prepare)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Operational errors are the fault of disk, rights or neighbours, except the one about the file's own header."""
    return not isinstance(error, sqlite3.OperationalError) or str(error) == "unsupported file format"


def _connected(path: Path, prepare: Prepare) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    # Calls come from one thread, but not always the one that made the source.
    database = sqlite3.connect(path, timeout=30, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        _demand_sound(database)
        prepare(database)
    except sqlite3.DatabaseError:
        with contextlib.suppress(sqlite3.Error):
            database.close()
        raise
    return database


def _demand_sound(database: sqlite3.Connection) -> None:
    found = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise sqlite3.DatabaseError(found)
