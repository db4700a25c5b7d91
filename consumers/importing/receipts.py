"""What the receipts of one partition say, folded into a file: what is done, and what still waits for its mailbox.

The file is a cache of topic imports: one that is damaged, or of another version, is begun anew.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from consumers.cache_file import opened, transaction
from consumers.importing.items import FINAL, ident
from consumers.same_log import Logs
from schemas.codec import Codec
from schemas.records import Receipt
from schemas.topics import IMPORTS

VERSION = 1
_TABLES = """
CREATE TABLE copy (
  id BLOB PRIMARY KEY, routing INTEGER, connector TEXT, outcome TEXT, mailbox TEXT, reason TEXT, receipt BLOB
) WITHOUT ROWID;
CREATE INDEX waiting ON copy (mailbox) WHERE outcome = 'waiting';
CREATE TABLE position (next INTEGER);
INSERT INTO position VALUES (0);
"""
_GROUPS = "SELECT connector, outcome, mailbox, reason, count(*) FROM copy GROUP BY 1, 2, 3, 4"
_PAGE = """
SELECT id, routing, receipt FROM copy WHERE outcome = 'waiting' AND mailbox = ? AND id > ? ORDER BY id LIMIT ?
"""  # the index has the key behind the mailbox, as every index of a table without row ids


class Waiting(NamedTuple):
    """A copy that waits; `receipt` is read by `Receipts.decoded`."""

    id: bytes
    routing: int
    receipt: bytes


class Receipts:
    """The newest receipt of each copy of a partition; of those that are done, only that."""

    def __init__(self, path: Path | None, codec: Codec) -> None:
        """`path`: sqlite file; without it the fold is thrown away at the end."""
        self._codec = codec
        self._db = opened(path, _TABLES, VERSION)
        self.logs = Logs(self._db)
        # Counted here, and not asked for again: what waits may be very much, and is asked for all the time.
        self._counts = Counter[tuple[str, str]]()
        self._waiting = Counter[tuple[str, str, str]]()
        for uid, outcome, mailbox, reason, number in self._db.execute(_GROUPS):
            self._count(uid, outcome, mailbox, reason, number)

    @property
    def position(self) -> int:
        """The first offset of topic imports that is not folded yet."""
        return int(self._db.execute("SELECT next FROM position").fetchone()[0])

    def fold(self, receipts: list[Receipt], position: int | None = None) -> None:
        """Take these, in the topic's order; `position`: everything below it is folded now."""
        with transaction(self._db):
            for one in receipts:
                self._one(one)
            if position is not None:
                self._db.execute("UPDATE position SET next = ?", (position,))

    def clear(self) -> None:
        """Forget everything, or nothing where the process is killed: a position without its rows would pass over what waits."""
        with transaction(self._db):
            self._db.execute("DELETE FROM copy")
            self._db.execute("UPDATE position SET next = 0")
        self._counts.clear()
        self._waiting.clear()

    def is_settled(self, one: Receipt) -> bool:
        """Whether nothing is to be done for this routing of a copy: it is done, waits already, or was routed elsewhere."""
        row = self._db.execute("SELECT routing FROM copy WHERE id = ?", (ident(one),)).fetchone()
        return row is not None and int(row[0]) >= one["routing"]

    def is_news(self, one: Receipt) -> bool:
        """Whether a receipt says anything new: another outcome, or another kind of reason to wait."""
        row = self._db.execute(
            "SELECT routing, outcome, reason FROM copy WHERE id = ?", (ident(one),)
        ).fetchone()
        return row is None or (row[0], row[1], row[2]) != (one["routing"], one["outcome"], _kind(one))

    def waiting_mailboxes(self) -> list[str]:
        """Mailboxes for which copies wait, sorted."""
        return sorted({mailbox for _, mailbox, _ in self._waiting})

    def waiting(self, mailbox: str, after: bytes, most: int) -> list[Waiting]:
        """Copies that wait for this mailbox, by their ids, from the one behind `after` on."""
        return [Waiting(*row) for row in self._db.execute(_PAGE, (mailbox, after, most)).fetchall()]

    def decoded(self, one: Waiting) -> Receipt:
        """The whole receipt of a copy that waits."""
        found: Receipt = self._codec.decode(one.receipt).value
        return found

    def reasons(self) -> list[tuple[str, str, str, int]]:
        """(connector, mailbox, kind of reason, number of copies) of what waits."""
        return [(*place, number) for place, number in self._waiting.items()]

    def counts(self) -> dict[str, dict[str, int]]:
        """Copies by connector and outcome."""
        found: dict[str, dict[str, int]] = {}
        for (uid, outcome), number in sorted(self._counts.items()):
            found.setdefault(uid, dict.fromkeys((*sorted(FINAL), "waiting"), 0))[outcome] = number
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _one(self, one: Receipt) -> None:
        key, kind = ident(one), _kind(one)
        row = self._db.execute(
            "SELECT routing, connector, outcome, mailbox, reason FROM copy WHERE id = ?", (key,)
        ).fetchone()
        if row is not None and row[0] > one["routing"]:
            return
        if row is not None:
            _, uid, outcome, mailbox, reason = row
            self._count(uid, outcome, mailbox, reason, -1)
        self._count(one["connector_uid"], one["outcome"], one["mailbox"], kind, 1)
        whole = None if one["outcome"] in FINAL else self._codec.encode(IMPORTS.name, "Receipt", one)
        self._db.execute(
            "INSERT OR REPLACE INTO copy VALUES (?,?,?,?,?,?,?)",
            (key, one["routing"], one["connector_uid"], one["outcome"], one["mailbox"], kind, whole),
        )

    def _count(self, uid: str, outcome: str, mailbox: str, reason: str, number: int) -> None:
        self._counts[uid, outcome] += number
        if outcome == "waiting":
            self._waiting[uid, mailbox, reason] += number
            if not self._waiting[uid, mailbox, reason]:
                del self._waiting[uid, mailbox, reason]


def _kind(one: Receipt) -> str:
    """Of a reason what does not vary from try to try."""
    return (one["reason"] or "").partition(":")[0]
