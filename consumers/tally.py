"""The counters of a connector, folded from the ledger `deliveries` by ids: reading a record twice changes nothing.

The numbers have Microsoft's meanings (data connector admin log): *available from source* counts items before they are
fanned out to participants, *available for import* after it, and always equals ok + partial + skipped + failed.
External participants are an outcome of their own, outside that sum. *Superseded* is outside of it too: of how many deliveries
a copy stands at a former mailbox, because the user mapping changed and the mail was routed again (rule 23).
"""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from consumers.cache_file import opened, transaction
from consumers.same_log import Logs
from schemas.deliveries import STANDS, delivery_id, routing
from schemas.records import CopyResult, Delivery

VERSION = 4  # of the tables; a file of another one is begun anew
IMPORTED = ("ok", "partial", "skipped", "failed")
_TABLES = """
CREATE TABLE mail (id BLOB PRIMARY KEY, routed INTEGER) WITHOUT ROWID;
CREATE TABLE conversation (connector TEXT, id TEXT, PRIMARY KEY (connector, id)) WITHOUT ROWID;
CREATE TABLE copy (id BLOB PRIMARY KEY, outcome TEXT, routing INTEGER, superseded INTEGER) WITHOUT ROWID;
CREATE TABLE counter (connector TEXT, name TEXT, value INTEGER, PRIMARY KEY (connector, name)) WITHOUT ROWID;
CREATE TABLE position (partition INTEGER PRIMARY KEY, next INTEGER);
"""


@dataclass(frozen=True)
class Counters:
    """Counters of one connector; `completed_at_ms` is when its latest delivery was recorded, -1 for none."""

    conversations: int = 0
    events: int = 0
    mails: int = 0
    available_from_source: int = 0
    available_for_import: int = 0
    ok: int = 0
    partial: int = 0
    skipped: int = 0
    failed: int = 0
    external: int = 0
    unrouted: int = 0
    superseded: int = 0
    completed_at_ms: int = -1

    def as_dict(self) -> dict[str, int]:
        """By name, for JSON."""
        return asdict(self)


class Tally:
    """A fold over deliveries that can be kept on disk, together with how far it has read.

    Its file is a cache of what the ledger says: one that is damaged, or of another version, is begun anew.
    """

    def __init__(self, path: Path | None = None) -> None:
        """`path`: sqlite file; without it the fold is thrown away at the end."""
        self._db = opened(path, _TABLES, VERSION)
        self.logs = Logs(self._db)
        self._changes = Counter[tuple[str, str]]()

    def add(self, deliveries: list[tuple[int, int, int, Delivery]]) -> None:
        """Fold (partition, offset, recorded at ms, record), all or none; work does not grow with what is counted."""
        with transaction(self._db):
            self._changes.clear()
            completed, reached = dict[str, int](), dict[int, int]()
            for partition, offset, at_ms, delivery in deliveries:
                self._mail(delivery)
                for copy in delivery["copies"]:
                    self._copy(delivery, copy)
                uid = delivery["connector_uid"]
                completed[uid], reached[partition] = max(completed.get(uid, -1), at_ms), offset + 1
            self._db.executemany("INSERT OR REPLACE INTO position VALUES (?,?)", reached.items())
            self._db.executemany(
                "INSERT INTO counter VALUES (?,'completed_at_ms',?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
                completed.items(),
            )
            for (connector, name), change in self._changes.items():
                self._db.execute(
                    "INSERT INTO counter VALUES (?,?,?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
                    (connector, name, change),
                )

    def positions(self) -> dict[int, int]:
        """Where to read on."""
        return dict(self._db.execute("SELECT partition, next FROM position"))

    def connectors(self) -> list[str]:
        """Uids of all connectors that have deliveries."""
        return [
            uid for (uid,) in self._db.execute("SELECT DISTINCT connector FROM counter ORDER BY connector")
        ]

    def counters(self, connector: str) -> Counters:
        """What the ledger says of one connector."""
        found = dict(self._db.execute("SELECT name, value FROM counter WHERE connector=?", (connector,)))
        found["available_from_source"] = found.get("mails", 0)
        found["available_for_import"] = sum(found.get(name, 0) for name in IMPORTED)
        return Counters(**found)

    def is_routed(self, mail: bytes) -> bool:
        """Whether any record of this mail has a copy."""
        found = self._db.execute("SELECT routed FROM mail WHERE id=?", (mail,)).fetchone()
        return found is not None and bool(found[0])

    def clear(self) -> None:
        """Forget everything."""
        with transaction(self._db):
            for table in ("mail", "conversation", "copy", "counter", "position"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _mail(self, delivery: Delivery) -> None:
        uid, routed = delivery["connector_uid"], is_routed(delivery)
        known = self._db.execute("SELECT routed FROM mail WHERE id=?", (delivery["mail_id"],)).fetchone()
        if known is None:
            self._changes[uid, "mails"] += 1
            self._changes[uid, "events"] += delivery["event_count"]
            self._changes[uid, "unrouted"] += not routed
            self._conversation(uid, delivery["conversation"])
        elif routed and not known[0]:
            self._changes[uid, "unrouted"] -= 1
        if known is None or routed:
            self._db.execute("INSERT OR REPLACE INTO mail VALUES (?,?)", (delivery["mail_id"], routed))

    def _conversation(self, uid: str, conversation: str) -> None:
        done = self._db.execute("INSERT OR IGNORE INTO conversation VALUES (?,?)", (uid, conversation))
        self._changes[uid, "conversations"] += done.rowcount

    def _copy(self, delivery: Delivery, copy: CopyResult) -> None:
        """The newest result of a participant counts; of those that lead to the same mailbox, the last in the ledger.

        But a copy that stands and stands there once more was made again, perhaps with placeholders, by a worker that was stopped
        while an order removed it: it counts as it did first.
        """
        uid, ident = delivery["connector_uid"], delivery_id(delivery["mail_id"], copy["participant"])
        new = (copy["outcome"], routing(copy), copy.get("supersedes") is not None)
        row = self._db.execute(
            "SELECT outcome, routing, superseded FROM copy WHERE id=?", (ident,)
        ).fetchone()
        if row is not None and (row[1] > new[1] or (row[1] == new[1] and {row[0], new[0]} <= STANDS)):
            return
        if row is not None:
            self._changes[uid, row[0]] -= 1
            self._changes[uid, "superseded"] -= row[2]
        self._changes[uid, new[0]] += 1
        self._changes[uid, "superseded"] += new[2]
        self._db.execute("INSERT OR REPLACE INTO copy VALUES (?,?,?,?)", (ident, *new))


def positions_in(path: Path) -> dict[int, int]:
    """Where a tally that another process keeps in this file reads on; empty while it has no tables of this version.

    Nothing is looked through, made or begun anew: whoever keeps the file would have to wait for that, or would lose it.
    sqlite3.Error.
    """
    with closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    ) as db:
        if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            return {}
        return dict(db.execute("SELECT partition, next FROM position"))


def is_routed(delivery: Delivery) -> bool:
    """Whether at least one copy of the mail stands in a mailbox's folder."""
    return any(copy["outcome"] in STANDS for copy in delivery["copies"])
