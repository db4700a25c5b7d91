"""What the ledger has already, so that a replay which was killed between a mail and its record tells it all the same."""

import sqlite3
from collections.abc import AsyncIterable

from schemas.codec import Codec
from schemas.deliveries import delivery_id, stands
from schemas.records import CopyResult, Delivery
from streams.replay.ledger import readable
from streams.replay.selection import Selection


class Told:
    """Which results of one partition's mails are in the ledger; on disk, in a file without a name."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("CREATE TABLE told (id BLOB, path TEXT, PRIMARY KEY (id, path)) WITHOUT ROWID")

    async def fill(self, values: AsyncIterable[bytes], codec: Codec, selection: Selection) -> None:
        """Read the ledger of a partition as it stands; only selected conversations are kept."""
        self._db.execute("BEGIN")
        async for one in readable(values, codec):
            if selection.names(one["connector_uid"], one["conversation"]):
                self._db.executemany("INSERT OR IGNORE INTO told VALUES (?,?)", _rows(one))
        self._db.execute("COMMIT")

    def lacks(self, one: Delivery) -> bool:
        """Whether the mail, a copy that stands, or any result of a participant is not in the ledger."""
        return not self._has(one["mail_id"]) or any(
            not self._has(delivery_id(one["mail_id"], copy["participant"]), _place(copy))
            for copy in one["copies"]
        )

    def _has(self, ident: bytes, path: str = "") -> bool:
        found = self._db.execute(
            "SELECT 1 FROM told WHERE id=?1 AND (path=?2 OR ?2='') LIMIT 1", (ident, path)
        )
        return found.fetchone() is not None

    def close(self) -> None:
        """The space is free again."""
        self._db.close()


def _rows(one: Delivery) -> list[tuple[bytes, str]]:
    copies = [(delivery_id(one["mail_id"], copy["participant"]), _place(copy)) for copy in one["copies"]]
    return [(one["mail_id"], ""), *copies]


def _place(copy: CopyResult) -> str:
    """Where the copy stands; empty for one that does not."""
    return copy["path"] or "" if stands(copy) else ""
