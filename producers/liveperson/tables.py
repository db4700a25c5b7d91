"""The file of LivePerson's memory: its tables, and how it is opened."""

import sqlite3
from pathlib import Path

from producers import memory_file
from producers.owed import TABLE as OWED

OF_THE_LOG = ("meta", "logged", "conversations", "begun", OWED)
"""What goes when the memory does: all of it is read back from the log."""
_TABLES = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS logged(
    conversation TEXT NOT NULL, source_key TEXT NOT NULL, id BLOB NOT NULL, text TEXT, captured_ms INTEGER NOT NULL,
    number INTEGER PRIMARY KEY, recalled INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS logged_once ON logged(conversation, source_key, id);
CREATE TEMP TABLE pending(
    conversation TEXT NOT NULL, source_key TEXT NOT NULL, id BLOB NOT NULL, text TEXT, captured_ms INTEGER NOT NULL,
    number INTEGER PRIMARY KEY);
CREATE INDEX pending_of ON pending(conversation);
CREATE TABLE IF NOT EXISTS conversations(
    conversation TEXT PRIMARY KEY, last_ms INTEGER NOT NULL, fetched_ms INTEGER NOT NULL, open INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS conversations_open ON conversations(open, fetched_ms);
CREATE TABLE IF NOT EXISTS begun(conversation TEXT PRIMARY KEY, skill TEXT NOT NULL);
"""
_LAYOUT = 3
"""Of the tables; a memory of another one is forgotten, and read back."""


def opened(path: Path) -> sqlite3.Connection:
    """The file; begun anew where it is of another layout too; see `memory_file.opened`."""
    return memory_file.opened(path, "the memory of what was sent", _prepare)


def _prepare(database: sqlite3.Connection) -> None:
    if database.execute("PRAGMA user_version").fetchone()[0] != _LAYOUT:
        for table in OF_THE_LOG:
            database.execute(f"DROP TABLE IF EXISTS {table}")  # a name of ours
        database.execute(f"PRAGMA user_version = {_LAYOUT}")
    database.executescript(_TABLES)
