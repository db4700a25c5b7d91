"""The file of the connector log: its tables."""

import sqlite3
from pathlib import Path

from consumers import cache_file

VERSION = 3
"""Of the tables and of what is counted; a file of another one is begun anew."""
_PRAGMAS = (
    "cache_size = -65536",  # KiB
    "synchronous = OFF",  # a cache: what a power cut damages is made anew
)
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
    return cache_file.opened(path, _TABLES, VERSION, pragmas=_PRAGMAS, timeout_s=60)
