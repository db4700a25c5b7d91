"""Which closing took an event or made a mail, by topic closings: an order names what was closed before its control record.

The assembler closes what an order names at its control record, so no mail mixes what came before with what came after it.
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple, Self

from consumers.disposition.books import Order
from consumers.reading import read_all
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.dispositions import Scope
from schemas.ids import mail_id, slice_key
from schemas.live import LIVE_GROUP
from schemas.records import Closing, Delivery, RawEvents
from schemas.topics import CLOSINGS


class Place(NamedTuple):
    """Where a slice was closed, and when: `at_ms` is Kafka's time stamp, so nothing in it was captured later."""

    partition: int
    position: int
    at_ms: int


class Closings:
    """Closings of some scopes; on disk, in a file without a name, since retention names very many."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute(
            "CREATE TABLE closing (key TEXT, partition INTEGER, position INTEGER, at_ms INTEGER, id BLOB, "
            "PRIMARY KEY (key, partition, position)) WITHOUT ROWID"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def fill(self, kafka: KafkaSettings, codec: Codec, scopes: Iterable[Scope]) -> None:
        """Read topic closings as it stands. Blocks; KafkaError."""
        wanted = list(scopes)
        self._db.execute("BEGIN")
        for record in read_all(kafka, CLOSINGS):
            try:
                name, one = codec.decode(record.value or b"")
            except DecodeError:
                continue
            if (
                name == "Closing"
                and one["group"] == LIVE_GROUP
                and any(_may_name(each, one) for each in wanted)
            ):
                self.add(one, record.at_ms)
        self._db.execute("COMMIT")

    def add(self, one: Closing, at_ms: int) -> None:
        """One closing; a repeat replaces itself."""
        key = slice_key(one["connector_uid"], one["conversation"], one["slice"])
        row = (key, one["partition"], one["position"], at_ms, one["closing_id"])
        self._db.execute("INSERT OR REPLACE INTO closing VALUES (?,?,?,?,?)", row)

    def made(self, one: Delivery) -> Place | None:
        """The closing that made a mail; None if the topic does not know it."""
        key = slice_key(one["connector_uid"], one["conversation"], one["slice"])
        rows = self._db.execute(
            "SELECT partition, position, at_ms, id FROM closing WHERE key=? AND id NOT NULL", (key,)
        )
        return next(
            (Place(*at) for *at, ident in rows if mail_id(ident, one["part"]) == one["mail_id"]), None
        )

    def took(self, one: RawEvents, partition: int, position: int) -> Place | None:
        """The closing that took the events of a record of raw-events; None while its slice is open."""
        key = slice_key(one["connector_uid"], one["conversation"], one["slice"])
        row = self._db.execute(
            "SELECT partition, position, at_ms FROM closing WHERE key=? AND partition=? AND position>? ORDER BY position LIMIT 1",
            (key, partition, position),
        ).fetchone()
        return Place(*row) if row else None


def is_below(order: Order, place: Place | None) -> bool:
    """Whether a closing lies below an order, or is its own; what nobody knows the closing of stays."""
    if place is None:
        return False
    at, limit = order.positions.get(place.partition, -1), order.scope.captured_before_ms
    return place.position == at or (place.position < at and (limit is None or place.at_ms < limit))


def _may_name(scope: Scope, one: Closing) -> bool:
    """By what does not change between a slice's records: closings of long ago say no start."""
    return (
        scope.connector_uid == one["connector_uid"]
        and scope.conversation in {None, one["conversation"]}
        and scope.slice in {None, one["slice"]}
    )
