"""The counters of a connector, folded from the ledger `deliveries` by ids: reading a record twice changes nothing.

The numbers have Microsoft's meanings (data connector admin log): *available from source* counts items before they are
fanned out to participants, *available for import* after it, and always equals ok + partial + skipped + failed.
External participants are an outcome of their own, outside that sum.
"""

import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path

from schemas.ids import delivery_key
from schemas.records import Delivery

_TABLES = """
CREATE TABLE IF NOT EXISTS mail (
  id BLOB PRIMARY KEY, connector TEXT, conversation TEXT, events INTEGER, routed INTEGER, at_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS copy (id BLOB PRIMARY KEY, connector TEXT, outcome TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS position (partition INTEGER PRIMARY KEY, next INTEGER);
"""


@dataclass(frozen=True)
class Counters:
    """Counters of one connector; `completed_at_ms` is when its newest mail was stored, -1 for none."""

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
    completed_at_ms: int = -1

    def as_dict(self) -> dict[str, int]:
        """By name, for JSON."""
        return asdict(self)


class Tally:
    """A fold over deliveries that can be kept on disk, together with how far it has read."""

    def __init__(self, path: Path | None = None) -> None:
        """`path`: sqlite file; without it the fold is thrown away at the end."""
        self._db = sqlite3.connect(path or "", isolation_level=None)
        self._db.executescript(_TABLES)

    def add(self, deliveries: list[tuple[int, int, int, Delivery]]) -> None:
        """Fold (partition, offset, stored at ms, record), all or none."""
        self._db.execute("BEGIN")
        for partition, offset, at_ms, delivery in deliveries:
            self._one(delivery, at_ms)
            self._db.execute("INSERT OR REPLACE INTO position VALUES (?,?)", (partition, offset + 1))
        self._db.execute("COMMIT")

    def positions(self) -> dict[int, int]:
        """Where to read on."""
        return dict(self._db.execute("SELECT partition, next FROM position"))

    def connectors(self) -> list[str]:
        """Uids of all connectors that have deliveries."""
        return [uid for (uid,) in self._db.execute("SELECT DISTINCT connector FROM mail ORDER BY connector")]

    def counters(self, connector: str) -> Counters:
        """What the ledger says of one connector."""
        mails, conversations, events, routed, at_ms = self._db.execute(
            "SELECT count(*), count(DISTINCT conversation), coalesce(sum(events),0), coalesce(sum(routed),0),"
            " coalesce(max(at_ms),-1) FROM mail WHERE connector=?", (connector,),
        ).fetchone()  # fmt: skip
        by_outcome: dict[str, int] = dict(
            self._db.execute(
                "SELECT outcome, count(*) FROM copy WHERE connector=? GROUP BY outcome", (connector,)
            )
        )
        inside = {name: by_outcome.get(name, 0) for name in ("ok", "partial", "skipped", "failed")}
        return Counters(
            conversations=conversations, events=events, mails=mails, available_from_source=mails,
            available_for_import=sum(inside.values()), **inside, external=by_outcome.get("external", 0),
            unrouted=mails - routed, completed_at_ms=at_ms,
        )  # fmt: skip

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _one(self, delivery: Delivery, at_ms: int) -> None:
        routed = any(copy["path"] is not None for copy in delivery["copies"])
        self._db.execute(
            "INSERT OR IGNORE INTO mail VALUES (?,?,?,?,?,?)",
            (delivery["mail_id"], delivery["connector_uid"], delivery["conversation"], delivery["event_count"],
             routed, at_ms),
        )  # fmt: skip
        for copy in delivery["copies"]:
            ident = delivery_key(
                delivery["mail_id"], copy["participant"]["id"] + "|" + (copy["participant"]["email"] or "")
            )
            self._db.execute(
                "INSERT OR REPLACE INTO copy VALUES (?,?,?)",
                (ident, delivery["connector_uid"], copy["outcome"]),
            )
