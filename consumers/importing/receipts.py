"""What the receipts of one partition say, folded into a file: what is done, and what still waits for its mailbox.

The file is a cache of topic imports: one that is damaged, or of another version, is begun anew.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from consumers.cache_file import opened, transaction
from consumers.importing.items import FINAL, ident
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


class Receipts:
    """The newest receipt of each copy of a partition; of those that are done, only that."""

    def __init__(self, path: Path | None, codec: Codec) -> None:
        """`path`: sqlite file; without it the fold is thrown away at the end."""
        self._codec = codec
        self._db = opened(path, _TABLES, VERSION)
        rows = self._db.execute("SELECT connector, outcome, count(*) FROM copy GROUP BY 1, 2")
        self._counts = Counter[tuple[str, str]]({(uid, outcome): number for uid, outcome, number in rows})

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
        """Forget everything."""
        self._db.execute("DELETE FROM copy")
        self._db.execute("UPDATE position SET next = 0")
        self._counts.clear()

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
        """Mailboxes for which copies wait."""
        rows = self._db.execute(
            "SELECT DISTINCT mailbox FROM copy WHERE outcome = 'waiting' ORDER BY mailbox"
        )
        return [str(mailbox) for (mailbox,) in rows]

    def waiting(self, mailbox: str) -> Iterator[Receipt]:
        """The receipts of the copies that wait for this mailbox."""
        rows = self._db.execute(
            "SELECT receipt FROM copy WHERE outcome = 'waiting' AND mailbox = ? ORDER BY id", (mailbox,)
        )
        for (value,) in rows.fetchall():
            yield self._codec.decode(value).value

    def reasons(self) -> list[tuple[str, str, str, int]]:
        """(connector, mailbox, kind of reason, number of copies) of what waits."""
        return self._db.execute(
            "SELECT connector, mailbox, reason, count(*) FROM copy WHERE outcome = 'waiting' GROUP BY 1, 2, 3"
        ).fetchall()

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
        key = ident(one)
        row = self._db.execute("SELECT routing, connector, outcome FROM copy WHERE id = ?", (key,)).fetchone()
        if row is not None and row[0] > one["routing"]:
            return
        if row is not None:
            self._counts[row[1], row[2]] -= 1
        self._counts[one["connector_uid"], one["outcome"]] += 1
        whole = None if one["outcome"] in FINAL else self._codec.encode(IMPORTS.name, "Receipt", one)
        self._db.execute(
            "INSERT OR REPLACE INTO copy VALUES (?,?,?,?,?,?,?)",
            (key, one["routing"], one["connector_uid"], one["outcome"], one["mailbox"], _kind(one), whole),
        )


def _kind(one: Receipt) -> str:
    """Of a reason what does not vary from try to try."""
    return (one["reason"] or "").partition(":")[0]
