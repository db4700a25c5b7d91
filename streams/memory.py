"""What a worker remembers of earlier closings, settings and mappings: on local disk, restored from topic `closings`.

Everything is asked *as of* a position (rule 16): an event at position p sees what stands below p.
"""

import os
import sqlite3
import tempfile
from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple, TypeVar

import orjson

from schemas.ids import slice_key, split
from schemas.records import Closing, MappingInForce, Person, Settings, SettingsInForce

T = TypeVar("T")
_TABLE = """
CREATE TABLE IF NOT EXISTS closing (
  partition INTEGER, key TEXT, position INTEGER, closing_id BLOB, ids BLOB, people TEXT,
  PRIMARY KEY (partition, key, position)
) WITHOUT ROWID
"""


class PastClosing(NamedTuple):
    """One earlier closing of a slice."""

    position: int
    closing_id: bytes | None


def _unnamed(folder: Path | None) -> sqlite3.Connection:
    path = "" if folder is None else _new_file(folder)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=OFF")  # a cache: after a crash it is made anew
    db.execute("PRAGMA synchronous=OFF")
    db.execute(
        "PRAGMA locking_mode=EXCLUSIVE"
    )  # nobody else can open it: locks would be half of each query's cost
    if path:
        # Open, but without a name: the space is free again whatever happens to the process.
        Path(path).unlink()
    return db


def _new_file(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    handle, path = tempfile.mkstemp(prefix="memory-", suffix=".sqlite", dir=folder)
    os.close(handle)
    return path


class Memory:
    """Closings and settings of the partitions that this worker owns."""

    def __init__(self, folder: Path | None = None, *, db: sqlite3.Connection | None = None) -> None:
        """`folder`: where the SQLite file lies, by default where SQLite keeps temporary files.

        `db`: keep closings there instead, in the caller's own transactions; settings and mappings stay in memory.
        """
        self._db = _unnamed(folder) if db is None else db
        self._db.execute(_TABLE)
        self._settings: dict[tuple[int, str], list[tuple[int, Settings]]] = {}
        self._mappings: dict[int, list[tuple[int, str]]] = {}

    def add_closing(self, closing: Closing) -> None:
        """Remember a whole closing; a repeat replaces itself."""
        key = slice_key(closing["connector_uid"], closing["conversation"], closing["slice"])
        self._db.execute(
            "INSERT OR REPLACE INTO closing VALUES (?,?,?,?,?,?)",
            (
                closing["partition"],
                key,
                closing["position"],
                closing["closing_id"],
                closing["ids"],
                orjson.dumps(closing["people"]),
            ),
        )

    def add_settings(self, record: SettingsInForce) -> None:
        """Remember settings that came in force at a position; a repeat replaces itself."""
        history = self._settings.setdefault((record["partition"], record["connector_uid"]), [])
        _note(history, record["position"], record["settings"])

    def add_mapping(self, record: MappingInForce) -> None:
        """Remember the user mapping that came in force at a position; a repeat replaces itself."""
        _note(self._mappings.setdefault(record["partition"], []), record["position"], record["version"])

    def closings(self, partition: int, key: str) -> list[PastClosing]:
        """All known closings of a slice, by position."""
        rows = self._db.execute(
            "SELECT position, closing_id FROM closing WHERE partition=? AND key=? ORDER BY position",
            (partition, key),
        )
        return [PastClosing(position, closing) for position, closing in rows]

    def taken(self, partition: int, key: str, before: int) -> set[bytes]:
        """Event ids that closings of the slice below this position took."""
        rows = self._db.execute(
            "SELECT ids FROM closing WHERE partition=? AND key=? AND position<?", (partition, key, before)
        )
        return {one for (ids,) in rows for one in split(ids)}

    def people(self, partition: int, key: str, before: int) -> list[Person]:
        """Everybody whom the closings of the slice below this position knew."""
        row = self._db.execute(
            "SELECT people FROM closing WHERE partition=? AND key=? AND position<? ORDER BY position DESC LIMIT 1",
            (partition, key, before),
        ).fetchone()
        known: list[Person] = orjson.loads(row[0]) if row else []
        return known

    def settings(self, partition: int, connector_uid: str, before: int) -> Settings | None:
        """Settings of a connector as of this position; None if none came in force below it."""
        return _as_of(self._settings.get((partition, connector_uid), []), before)

    def mapping(self, partition: int, before: int) -> str:
        """Version of the user mapping as of this position; empty if none came in force below it."""
        return _as_of(self._mappings.get(partition, []), before) or ""

    def forget(self, partition: int) -> None:
        """The partition went to another worker."""
        self._db.execute("DELETE FROM closing WHERE partition=?", (partition,))
        for owner in [owner for owner in self._settings if owner[0] == partition]:
            del self._settings[owner]
        self._mappings.pop(partition, None)


def _note(history: list[tuple[int, T]], position: int, value: T) -> None:
    at = bisect_left(history, position, key=lambda entry: entry[0])
    history[at : at + (at < len(history) and history[at][0] == position)] = [(position, value)]


def _as_of(history: list[tuple[int, T]], before: int) -> T | None:
    at = bisect_left(history, before, key=lambda entry: entry[0])
    return history[at - 1][1] if at else None
