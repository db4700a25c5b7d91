"""Mails that were disposed of: a replay neither makes them nor misses them (rule 28)."""

import sqlite3
from collections.abc import AsyncIterable
from typing import Self

from schemas import dispositions
from schemas.codec import Codec


class Disposed:
    """Their ids, from topic audit; on disk, in a file without a name, since retention names very many."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("CREATE TABLE disposed (mail BLOB PRIMARY KEY) WITHOUT ROWID")
        self._has_any = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def fill(self, values: AsyncIterable[bytes], codec: Codec, since_ms: int = 0) -> None:
        """Read topic audit as it stands; of what was disposed of at this time or later (ms since 1970 UTC)."""
        self._db.execute("BEGIN")
        async for data in values:
            name, one = codec.decode(data)
            if name == "Audit" and one["kind"] == "disposed" and one["at_ms"] >= since_ms:
                rows = ((mail,) for mail in dispositions.mails_of(one))
                self._db.executemany("INSERT OR IGNORE INTO disposed VALUES (?)", rows)
        self._db.execute("COMMIT")
        self._has_any = self._db.execute("SELECT 1 FROM disposed LIMIT 1").fetchone() is not None

    def __bool__(self) -> bool:
        return self._has_any

    def __contains__(self, mail: bytes) -> bool:
        if not self._has_any:  # as nearly always
            return False
        return self._db.execute("SELECT 1 FROM disposed WHERE mail=?", (mail,)).fetchone() is not None

    def close(self) -> None:
        """The space is free again."""
        self._db.close()
