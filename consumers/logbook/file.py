"""The file of the connector log: its tables, and what is done with one that is damaged or of another version."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

VERSION = 1
"""Of the tables; a file of another one is begun anew."""
CACHE_KIB = 65_536
_TABLES = """
CREATE TABLE item (ledger TEXT, id BLOB, state BLOB, PRIMARY KEY (ledger, id)) WITHOUT ROWID;
CREATE TABLE counter (ledger TEXT, connector TEXT, day INTEGER, name TEXT, value INTEGER,
    PRIMARY KEY (ledger, connector, day, name)) WITHOUT ROWID;
CREATE TABLE line (ledger TEXT, connector TEXT, day INTEGER, kind TEXT, key BLOB, item BLOB, user TEXT, name TEXT,
    mailbox TEXT, reason TEXT, path TEXT, count INTEGER, PRIMARY KEY (ledger, connector, day, kind, key)) WITHOUT ROWID;
CREATE INDEX line_key ON line (key);
CREATE TABLE position (ledger TEXT, part INTEGER, next INTEGER, PRIMARY KEY (ledger, part)) WITHOUT ROWID;
"""


def opened(path: Path | None) -> sqlite3.Connection:
    """The file, ready for use; sqlite3.OperationalError for a disk that is full or a folder that is missing."""
    try:
        db = sqlite3.connect(path or "", isolation_level=None, timeout=60)
        if _prepared(db):
            return db
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        pass
    db.close()
    if path is not None:
        path.unlink()
    return opened(path)


def _prepared(db: sqlite3.Connection) -> bool:
    """Make the tables in an empty file; False for a file of another version."""
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    db.execute("PRAGMA synchronous = OFF")  # a cache: what a power cut damages is made anew
    with transaction(db):
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION and db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return False
        if version != VERSION:
            for statement in _TABLES.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")
    return True


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of the block, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
