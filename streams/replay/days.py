"""On which day each slice is: decided once for the whole slice, or a replay of some days would cut it in two.

A label that is a date says it itself. Of any other (LivePerson's periods, `undated`) the first record in the log decides: the
UTC day on which the slice begins by it. Later ones may have other bounds, taken from their capture (decision 14), and
Kafka's time stamps are those of the collector's clock: both would tear a slice apart.
"""

import sqlite3
from datetime import date

from schemas.ids import slice_key
from schemas.records import Closing, RawEvents
from schemas.slices import label_day, utc_day

_TABLE = (
    "CREATE TABLE IF NOT EXISTS slice_day (key TEXT PRIMARY KEY, position INTEGER, day INTEGER) WITHOUT ROWID"
)
_EARLIER = """
INSERT INTO slice_day VALUES (?,?,?)
ON CONFLICT (key) DO UPDATE SET position=excluded.position, day=excluded.day WHERE excluded.position < position
"""


class Days:
    """Of the slices of one partition whose labels are no dates; in the caller's database and transactions."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._db.execute(_TABLE)

    def of(self, position: int, head: RawEvents) -> date:
        """The day of the slice of this record, which takes part in the log; records come in order, from the slice's first."""
        named = label_day(head["slice"])
        if named is not None:
            return named
        key = slice_key(head["connector_uid"], head["conversation"], head["slice"])
        known = self._db.execute("SELECT day FROM slice_day WHERE key=?", (key,)).fetchone()
        if known is not None:
            return date.fromordinal(known[0])
        day = utc_day(head["slice_start_ms"])
        self._db.execute(_EARLIER, (key, position, day.toordinal()))
        return day

    def note(self, closing: Closing) -> bool:
        """What a closing knows of its slice's first record; False if it was written before closings said it."""
        if label_day(closing["slice"]) is not None:
            return True
        if closing["slice_start_ms"] is None:
            return False
        key = slice_key(closing["connector_uid"], closing["conversation"], closing["slice"])
        row = (key, closing["first_position"], utc_day(closing["slice_start_ms"]).toordinal())
        self._db.execute(_EARLIER, row)
        return True

    def forget(self) -> None:
        """What was noted may lack the first records of some slices: let the log decide."""
        self._db.execute("DELETE FROM slice_day")

    def first(self, begin: date, end: date) -> int | None:
        """Where the first slice begins that is on one of these days, both included; None if none is known."""
        span = (begin.toordinal(), end.toordinal())
        row = self._db.execute(
            "SELECT min(position) FROM slice_day WHERE day BETWEEN ? AND ?", span
        ).fetchone()
        found: int | None = row[0]
        return found
