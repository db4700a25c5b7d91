"""The file of what a Webex source remembers: its tables, and how it is opened."""

import contextlib
import logging
import os
import sqlite3
from pathlib import Path

from producers.damage import demand_sound

_LOG = logging.getLogger(__name__)
_TABLES = """
create table if not exists fact (name text primary key, value text);
create table if not exists sent (key blob primary key, body blob, seq integer);
create index if not exists sent_seq on sent (seq);
create table if not exists file (key text primary key, attachment text, seq integer);
create table if not exists said (message text, at_ms integer, text text, primary key (message, at_ms));
create table if not exists move (room text, at_ms integer, event text, person text, kind text,
    primary key (room, at_ms, event));
create table if not exists space (inner text primary key, room text);
create temp table item (room text, label text, at_ms integer, event text, body blob, raw blob,
    primary key (event, body));
create index item_order on item (room, label, at_ms, event);
"""


def opened(path: Path) -> sqlite3.Connection:
    """The file, of mode 0600; begun anew where it is damaged. sqlite3.OperationalError for a disk that is full."""
    try:
        return _connected(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        _LOG.warning("what was sent, %s, is damaged (%s): starting without it", path, error)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    database = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        database.execute("pragma journal_mode=wal")
        demand_sound(database)
        database.executescript(f"pragma synchronous=normal; {_TABLES}")
    except sqlite3.DatabaseError:
        with contextlib.suppress(sqlite3.Error):
            database.close()
        raise
    return database
