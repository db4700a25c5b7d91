"""How far each lane is collected and confirmed: the compacted topic `cursors`, key `<uid>/<lane>`, last wins.

The record's `state` is ours, not the source's alone: it holds the lane's range, what a restart must find
unchanged, and the source's own state. All of it is JSON.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from producers.lanes import Lane
from schemas.broker import KafkaSettings
from schemas.clients import opened
from schemas.codec import Codec, DecodeError
from schemas.records import Cursor

MAX_STATE_BYTES = 500_000
ORDER = "order"
"""In the place of a lane's name: the key of what an administrator ordered."""
CALL_MS = 4_000  # short, because a stop is only seen between calls


class CursorError(Exception):
    """A cursor that can't be understood: going on without it would leave a gap, so somebody has to look."""


@dataclass(frozen=True)
class Saved:
    """A lane as its cursor remembers it.

    `opened`: its lane_opened record is confirmed. `partitions`: of raw-events. `settings`: version last
    written. `counters`: confirmed up to the watermark, so that a restart continues them. `source`: JSON.
    `log`: by partition of raw-events, the position below which the source knows what was sent (`recall.py`).
    `ended`: its collector has ended it for good, after the last of its own events (`closing.py`). `order_ms`: of the order
    under which it was opened; under a later one it is opened again, for it was closed in between (`orders.py`).
    """

    lane: Lane
    opened: bool = False
    partitions: int = 0
    settings: str = ""
    counters: dict[str, int] = field(default_factory=dict)
    source: str = "{}"
    log: tuple[int, ...] = ()
    ended: bool = False
    order_ms: int = 0


def cursor_key(uid: str, lane: str) -> bytes:
    """Key of a lane's cursor."""
    return f"{uid}/{lane}".encode()


def to_cursor(uid: str, saved: Saved, now_ms: int) -> Cursor:
    """Make the record of a lane; without a source's state too large for it, which costs time."""
    lane = saved.lane
    state = {
        "from_ms": lane.from_ms,
        "to_ms": lane.to_ms,
        "closed": lane.closed,
        "opened": saved.opened,
        "partitions": saved.partitions,
        "settings": saved.settings,
        "counters": saved.counters,
        "source": saved.source if len(saved.source) <= MAX_STATE_BYTES // 4 else "{}",
        "log": saved.log,
        "ended": saved.ended,
        "order_ms": saved.order_ms,
    }
    return {
        "connector_uid": uid,
        "lane": lane.name,
        "watermark_ms": lane.watermark_ms,
        "state": json.dumps(state),
        "updated_at_ms": now_ms,
    }


def from_cursor(cursor: Cursor) -> Saved:
    """Return what a record remembers; CursorError if it is not one of ours."""
    try:
        state = json.loads(cursor["state"])
        lane = Lane(
            cursor["lane"], state["from_ms"], state["to_ms"], cursor["watermark_ms"], closed=state["closed"]
        )
        rest = {name: state[name] for name in ("opened", "partitions", "settings", "counters", "source")}
        log = tuple(map(int, state.get("log", ())))
        ended, order_ms = bool(state.get("ended")), int(state.get("order_ms", 0))
        return Saved(lane, **rest, log=log, ended=ended, order_ms=order_ms)
    except (ValueError, KeyError, TypeError) as error:
        msg = f"the cursor of {cursor['connector_uid']}/{cursor['lane']} is not one of ours: {error!r}"
        raise CursorError(msg) from error


def to_lanes(codec: Codec, uid: str, latest: Mapping[bytes, bytes | None]) -> dict[str, Saved]:
    """The lanes in the latest records of a connector; what is ordered for it (`orders.py`) is none. CursorError."""
    lanes = {key: value for key, value in latest.items() if key != cursor_key(uid, ORDER)}
    cursors = [decoded(codec, key, value) for key, value in lanes.items() if value is not None]
    return {cursor["lane"]: from_cursor(cursor) for cursor in cursors}


def decoded(codec: Codec, key: bytes, value: bytes) -> Cursor:
    """The record of a key; CursorError if it is no cursor."""
    try:
        name, cursor = codec.decode(value)
    except DecodeError as error:
        msg = f"the cursor {key.decode(errors='replace')} can't be read: {error}"
        raise CursorError(msg) from error
    if name != "Cursor":
        msg = f"the cursor {key.decode(errors='replace')} holds a {name}"
        raise CursorError(msg)
    found: Cursor = cursor
    return found


def new_consumer(kafka: KafkaSettings) -> Any:
    """A consumer for whole topics, in no group; short calls, because a stop is only seen between them."""
    return opened(
        KafkaConsumer,
        **kafka.client_kwargs(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        bootstrap_timeout_ms=CALL_MS,
        request_timeout_ms=CALL_MS,
        max_partition_fetch_bytes=2_000_000,
    )


def records_to_end(consumer: Any, topic: str) -> Iterator[tuple[bytes, bytes | None]]:
    """Every record of a topic up to where it ends now; KafkaError if that end can't be reached."""
    places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    if not places:
        msg = f"topic {topic} was not found (`chatledger topics create` makes it)"
        raise KafkaError(msg)
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    ends = consumer.end_offsets(places)
    idle = 0
    while any(consumer.position(place) < end for place, end in ends.items()):
        batches = consumer.poll(timeout_ms=1_000)
        idle = 0 if batches else idle + 1
        if idle > 3:
            msg = f"topic {topic} can't be read to its end"
            raise KafkaError(msg)
        for batch in batches.values():
            yield from ((record.key or b"", record.value) for record in batch)
