"""Whether what a cache has folded is the log that stands there now: topics that were made anew, of another prefix or cluster.

A log that ends before what was read is another one, but one that was made anew may be longer already. Kafka gives every topic
that is made a random id (KIP-516, brokers from 2.8 on), so the cache keeps those of the topics that it has read.
"""

import sqlite3
from collections.abc import Mapping

from consumers.reading import Reader


class Logs:
    """By name of a topic in the catalogue, the id of the one that was read; a table of its own in a cache's file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.execute("CREATE TABLE IF NOT EXISTS log (topic TEXT PRIMARY KEY, id TEXT) WITHOUT ROWID")

    def are_others(self, reader: Reader, positions: Mapping[int, int]) -> bool:
        """Whether these positions are not of the log that the reader has open. Also where nobody knows: then it is read again."""
        if not positions:
            return False
        row = self._db.execute("SELECT id FROM log WHERE topic=?", (reader.topic,)).fetchone()
        ends = reader.ends()
        return row != (reader.identity,) or any(at > ends.get(number, 0) for number, at in positions.items())

    def reads(self, reader: Reader) -> None:
        """The cache reads what this reader has open: said before the first record, when nothing is left of another log."""
        self._db.execute("INSERT OR REPLACE INTO log VALUES (?,?)", (reader.topic, reader.identity))
