"""What an administrator ordered for a connector: pause, resume, delete (rule 10).

One record in topic `cursors`, key `<uid>/order`, beside the lanes' own: a collector that writes its cursors
late, because it was stopped in the middle of a round, can't take an order back.
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from kafka import TopicPartition
from kafka.errors import KafkaError

from producers.cursor import (
    ORDER,
    CursorError,
    Saved,
    cursor_key,
    decoded,
    new_consumer,
    records_to_end,
    to_lanes,
)
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import Cursor
from schemas.topics import CURSORS

LOOK_MS = 2_000
POLL_MS = 200

Ordered = Literal["active", "paused", "deleted"]


class OrderError(Exception):
    """The connector is not to collect, by order of an administrator; one sentence says which."""


class PausedError(OrderError):
    """Until somebody resumes it."""


class DeletedError(OrderError):
    """For ever."""


@dataclass(frozen=True)
class Order:
    """What holds for a connector since `at_ms` (milliseconds since 1970 UTC)."""

    what: Ordered = "active"
    at_ms: int = 0

    def sentence(self, uid: str) -> str:
        """Why the connector does not collect."""
        since = f"{datetime.fromtimestamp(self.at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
        if self.what == "deleted":
            return f"connector {uid} was deleted on {since}: a uid is never used again, give the new connector one of its own"
        return f"connector {uid} is paused since {since}; `chatledger connector resume {uid}` lets it go on"


def refusal(order: Order, uid: str) -> OrderError:
    """Return the error that says why a connector does not collect."""
    return (DeletedError if order.what == "deleted" else PausedError)(order.sentence(uid))


def to_record(uid: str, order: Order) -> Cursor:
    """Make the record of an order."""
    state = json.dumps({"order": order.what})
    return {
        "connector_uid": uid, "lane": ORDER, "watermark_ms": -1, "state": state, "updated_at_ms": order.at_ms,
    }  # fmt: skip


def from_record(cursor: Cursor) -> Order:
    """Return what a record orders; CursorError if it is not one of ours."""
    try:
        what = json.loads(cursor["state"])["order"]
    except (ValueError, KeyError, TypeError):
        what = None
    if what not in get_args(Ordered):
        msg = f"the order for {cursor['connector_uid']} is not one of ours: {cursor['state'][:200]}"
        raise CursorError(msg)
    return Order(what, cursor["updated_at_ms"])


class Orders:
    """Reads the lanes and the order of one connector, then listens for the next order at little cost."""

    def __init__(self, kafka: KafkaSettings, codec: Codec, uid: str) -> None:
        self._kafka, self._codec, self._uid = kafka, codec, uid
        self._key = cursor_key(uid, ORDER)
        self._consumer: Any = None
        self._order = Order()

    def read(self) -> tuple[dict[str, Saved], Order]:
        """Lanes by name, and what is ordered, as they stand now. Blocks; KafkaError, CursorError."""
        self.close()
        self._consumer = new_consumer(self._kafka)
        records = records_to_end(self._consumer, self._kafka.topic(CURSORS.name))
        latest = {key: value for key, value in records if key.startswith(cursor_key(self._uid, ""))}
        self._order = Order()
        self._take(latest.get(self._key))
        return to_lanes(self._codec, self._uid, latest), self._order

    def look(self) -> Order:
        """What was ordered until now, or until Kafka last answered. Takes some 2 s at most; CursorError.

        In a topic in which others write all the time it reads no further than to where the topic ends at the call.
        """
        until = time.monotonic() + LOOK_MS / 1000
        try:
            ends = self._consumer.end_offsets(self._consumer.assignment(), timeout_ms=LOOK_MS)
            while self._behind(ends) and time.monotonic() < until:
                batches = self._consumer.poll(timeout_ms=POLL_MS)
                for record in (record for batch in batches.values() for record in batch):
                    if record.key == self._key:
                        self._take(record.value)
        except KafkaError:
            return self._order  # whoever writes next will notice that Kafka is away
        return self._order

    def close(self) -> None:
        """Let go of the connection."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _behind(self, ends: dict[TopicPartition, int]) -> bool:
        return any(self._consumer.position(place, timeout_ms=LOOK_MS) < end for place, end in ends.items())

    def _take(self, value: bytes | None) -> None:
        if value is not None:
            self._order = from_record(decoded(self._codec, self._key, value))
