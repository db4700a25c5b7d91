"""The file of what a Webex source remembers: its tables, and how it is opened."""

import sqlite3
from pathlib import Path

from producers import memory_file

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
    """The file; see `memory_file.opened`."""
    return memory_file.opened(path, "what was sent", _prepare)


def _prepare(database: sqlite3.Connection) -> None:
    database.isolation_level = None  # who writes here begins transactions by hand
    database.executescript(_TABLES)
