"""What raw-events says of a connector's lanes: where a start goes on that finds no cursor.

Cursors are a convenience, control records are facts (rule 9): an opened lane with its range, a watermark up to which all of
it is in the log. They stand in every partition, so one is read, the shortest, from its beginning; events in it are
skipped undecoded. But a partition may have been lost together with the cursors: where one says nothing of a connector, or not
from when on it was collected, the next longer one is asked, and only where none says anything it is a first start. Memory: one
fetch.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from producers.closing import AHEAD_MS
from producers.cursor import CALL_MS, Saved, new_consumer
from producers.lanes import BACK_FILL, LIVE, Lane
from producers.orders import Order, Orders
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.records import Control
from schemas.topics import RAW_EVENTS

log = logging.getLogger(__name__)

POLL_MS = 500
IDLE_POLLS = 20
TOLD_RECORDS = 100_000
"""So many records between two words about how far the reading is."""


@dataclass
class Stated:
    """The lanes of a connector by its control records, taken one after the other."""

    lanes: dict[str, Lane] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    settings: str = ""
    """The version last written."""
    deleted_ms: int | None = None
    """When it was deleted: no watermark but a deletion's is further ahead than the longest slice (decision 12)."""
    begins: bool = False
    """Whether it is said from when on live collects: what says so has not lost its beginning."""
    silent: tuple[int, ...] = ()
    """Partitions that say nothing of it, though others do."""

    def take(self, control: Control) -> None:
        """Take the next record of this connector."""
        name, watermark = control["lane"], control["watermark_ms"]
        if control["settings"] is not None:
            self.settings = control["settings"]["version"]
        if control["kind"] in ("lane_opened", "lane_closed") and control["from_ms"] is not None:
            self.begins |= name == LIVE
            self._range(name, control["from_ms"], control["to_ms"])
            (self.closed.add if control["kind"] == "lane_closed" else self.closed.discard)(name)
        elif control["kind"] == "watermark" and watermark is not None:
            if watermark - control["recorded_at_ms"] >= AHEAD_MS:
                self.deleted_ms = control["recorded_at_ms"]
            elif name == LIVE or name in self.lanes:
                # Of a log without its beginning: live is known by its watermarks alone
                self.lanes[name] = self.lanes.get(name, Lane(name, watermark)).moved(watermark)

    def _range(self, name: str, from_ms: int, to_ms: int | None) -> None:
        known = self.lanes.get(name)
        self.lanes[name] = (
            replace(known, from_ms=from_ms, to_ms=to_ms) if known else Lane(name, from_ms, to_ms)
        )

    def saved(self) -> dict[str, Saved]:
        """The lanes as cursors would have them; a back-fill that was closed before its end goes on."""
        return {
            name: self._saved(lane, closed=name in self.closed)
            for name, lane in self.lanes.items()
            if name == LIVE or name.startswith(BACK_FILL)  # others end with the command that opened them
        }

    def _saved(self, lane: Lane, *, closed: bool) -> Saved:
        lane = replace(lane, closed=closed and lane.polled)
        ended = self.deleted_ms is not None
        if self.silent:  # where records were lost, nobody can know of it before it is stated again
            return Saved(lane, opened=lane.closed, ended=ended)
        return Saved(lane, opened=lane.closed or not closed, settings=self.settings, ended=ended)

    def sentence(self) -> str:
        """What a person must know of it."""
        reached = ", ".join(
            f"{name} {'finished' if each.lane.closed else f'from {_minute(each.lane.reached_ms)}'}"
            for name, each in sorted(self.saved().items(), reverse=True)
        )
        paused = (
            "; it may have been paused: if that still holds, pause it again" if LIVE in self.closed else ""
        )
        return f"no cursor was found; it goes on from what raw-events states of its lanes ({reached}){paused}{self._lost()}"

    def _lost(self) -> str:
        if not self.silent:
            return ""
        numbers = ", ".join(map(str, self.silent))
        return f"; nothing of it stands in partition {numbers} of raw-events any more, as it should: records were lost there"


@dataclass(frozen=True)
class Remembered:
    """Lanes by name, the order in force, and what is to be said of it if the log had to be asked."""

    lanes: dict[str, Saved]
    order: Order
    sentence: str | None = None


def remembered(orders: Orders, ledger: "Ledger", tell: Callable[[float], None]) -> Remembered:
    """Lanes and order by the cursors; without one of live by the log, which knows of deletions too. KafkaError, CursorError.

    `tell` hears how much of the log is read, 0 to 1, if that takes long.
    """
    saved, order = orders.read()
    if LIVE in saved or order.what == "deleted":
        return Remembered(saved, order)
    stated = ledger.stated(tell)
    if not stated.lanes:
        return Remembered(saved, order)
    if stated.deleted_ms is not None:
        order = Order("deleted", stated.deleted_ms)
    return Remembered(stated.saved() | saved, order, stated.sentence())


@dataclass(frozen=True)
class Ledger:
    """Reads what raw-events states of connector `uid`; waits while Kafka is down, StoppedError when asked to stop."""

    kafka: KafkaSettings
    codec: Codec
    uid: str
    waiting: Waiting

    def stated(self, tell: Callable[[float], None]) -> Stated:
        """What its control records say; `tell` hears of progress, 0 to 1, if it takes long."""
        attempt = 0
        while True:
            try:
                return self._read(tell)
            except KafkaError as error:
                self.waiting.trouble(f"raw-events can't be read: {error}", attempt)
                attempt += 1

    def _read(self, tell: Callable[[float], None]) -> Stated:
        found, silent = Stated(), list[int]()
        with closing(new_consumer(self.kafka)) as consumer:
            log_ = _Log(consumer, self.kafka.topic(RAW_EVENTS.name), self.waiting, tell)
            for place in log_.places:
                one = self._of(log_.records(place))
                if one == Stated():
                    silent.append(place.partition)
                elif one.begins or found == Stated():
                    found = one
                if found.begins:
                    break
        if found != Stated():
            found.silent = tuple(sorted(silent))
        return found

    def _of(self, records: Iterable[Any]) -> Stated:
        found = Stated()
        for control in self._controls(records):
            if control["connector_uid"] == self.uid:
                found.take(control)
        return found

    def _controls(self, records: Iterable[Any]) -> Iterator[Control]:
        for record in records:
            if record.key is not None or record.value is None:  # events have a key
                continue
            with contextlib.suppress(DecodeError):
                name, value = self.codec.decode(record.value)
                if name == "Control":
                    yield value


class _Log:
    """Reads raw-events, one partition after the other; KafkaError."""

    def __init__(self, consumer: Any, topic: str, waiting: Waiting, tell: Callable[[float], None]) -> None:
        self._consumer, self._topic, self._waiting, self._tell = consumer, topic, waiting, tell
        found = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        # Without any it is a first start: whoever writes next says that the topic is missing
        self._begins = consumer.beginning_offsets(found, timeout_ms=CALL_MS) if found else {}
        self._ends = consumer.end_offsets(found, timeout_ms=CALL_MS) if found else {}
        self._done = 0
        self.places = sorted(found, key=self._length)
        """The shortest first."""

    def _length(self, place: TopicPartition) -> int:
        return int(self._ends[place] - self._begins[place])

    def records(self, place: TopicPartition) -> Iterator[Any]:
        """Every record of a partition, up to where it ended at first; KafkaError if that end can't be reached."""
        self._consumer.assign([place])
        self._consumer.seek(place, self._begins[place])
        idle = 0
        while self._consumer.position(place, timeout_ms=CALL_MS) < self._ends[place]:
            self._waiting.check()
            polled = self._consumer.poll(timeout_ms=POLL_MS)
            batch = [each for records in polled.values() for each in records]
            idle = 0 if batch else idle + 1
            if idle > IDLE_POLLS:
                msg = f"{self._topic} can't be read to its end"
                raise KafkaError(msg)
            yield from batch
            self._note(len(batch))

    def _note(self, more: int) -> None:
        if (self._done + more) // TOLD_RECORDS > self._done // TOLD_RECORDS:
            total = sum(map(self._length, self.places))
            self._tell(min(1.0, (self._done + more) / max(1, total)))
        self._done += more


def _minute(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
