"""What a connector has in the log is read back for its source: the log is the truth about what was sent.

    cursor: log positions ─▶ raw-events from there on ─▶ our own events ─▶ source.recall()

A source's memory of what it sent is a cache of the log. It may lack what a collector sent before it was killed,
what a poll sent before it failed, what another collector sent, or everything; so it is brought into step at the
start, before each poll and after it. Memory: one fetch, at most 2 MB for each partition.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from producers.cursor import CALL_MS, Saved, new_consumer
from producers.desk import Desk
from producers.lanes import LIVE
from producers.seen import Seen
from producers.source import Captured, Slice, Source
from producers.status import LaneStatus
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.ids import conversation_key
from schemas.records import RawEvents
from schemas.topics import RAW_EVENTS

log = logging.getLogger(__name__)

POLL_MS = 500
RECORDS = 200
"""Records handled between two looks at whether somebody asked to stop."""
QUIET_S = 2.0
"""A catching up that takes no longer than this is not worth a word; a longer one is told of so often."""
SILENT_S = 10.0


class Recall:
    """Keeps a source in step with the log. From one thread; waits while Kafka is down, StoppedError when asked to stop.

    A long catching up shows in the status of the lane at work as "reading back", with its progress.
    """

    def __init__(
        self, kafka: KafkaSettings, codec: Codec, uid: str, source: Source, waiting: Waiting
    ) -> None:
        self._kafka, self._codec, self._uid = kafka, codec, uid
        self._source, self._waiting = source, waiting
        self.seen = Seen()
        """Ids of the overlap."""
        self._topic = kafka.topic(RAW_EVENTS.name)
        self._mine = conversation_key(uid, "")
        self._consumer: Any = None
        self._counted: tuple[int, ...] | None = None
        self.positions: tuple[int, ...] = ()
        """By partition of raw-events: the source knows all of its events below; empty before the first reading."""

    def begin(self, saved: Mapping[str, Saved], status: LaneStatus) -> None:
        """Bring the source into step with the log, from where the cursors say, or from the log's beginning.

        What was sent after the last cursor was written was never counted, so it counts with the next poll.
        """
        live = saved.get(LIVE)
        if live is not None:
            status.place(live.lane, live.counters)
        trusted = self._source.restore(live.source if live is not None else "{}")
        cursors = _furthest(each.log for each in saved.values())
        self.positions = _known_to_both(cursors, self._source.recalled()) if trusted else ()
        self._counted = cursors
        self.catch_up(status)
        self._counted = None

    def vouched(self, desk: Desk, saved: Saved) -> Saved:
        """The live lane with what its cursor must say now, so that the next start reads no more than needed."""
        now = replace(saved, source=self._source.state(), log=self.positions)
        if saved.lane.name != LIVE or now == saved:
            return saved
        desk.cursor(now)
        return now

    def catch_up(self, status: LaneStatus) -> None:
        """Let the source know everything of its connector that stands in the log by now."""
        reached = list(self.positions)
        self._source.recall(self._earlier(reached, status), reached)
        self.positions = tuple(reached)

    def close(self) -> None:
        """Let go of the connection."""
        if self._consumer is not None:
            with contextlib.suppress(KafkaError):
                self._consumer.close()
            self._consumer = None

    def _earlier(self, reached: list[int], status: LaneStatus) -> Iterator[Captured]:
        """Our own events from these positions to the present end of the log; moves the positions."""
        ends = self._patiently(self._ends)
        named = (*zip(reached, ends, strict=False), *zip(self._counted or (), ends, strict=False))
        if any(position > end for position, end in named):
            log.warning("%s: the log is shorter than it was: reading it from its beginning", self._uid)
            self._source.restore("{}")  # before the first event is handed over
            reached.clear()
        reached += [0] * (len(ends) - len(reached))
        self._seek(reached)
        told = _Told(self._uid, sum(ends) - sum(reached), status)
        while any(position < end for position, end in zip(reached, ends, strict=True)):
            for record in self._patiently(lambda: self._batch(reached)):
                yield from self._ours(record)
                reached[record.partition] = record.offset + 1  # only now: the source has it
            told.left(sum(max(0, end - position) for position, end in zip(reached, ends, strict=True)))

    def _ends(self) -> list[int]:
        """Where each partition ends now."""
        if self._consumer is None:
            self._consumer = new_consumer(self._kafka)
            found = sorted(self._consumer.partitions_for_topic(self._topic) or ())
            if not found:
                self.close()
                msg = f"topic {self._topic} was not found (`chatledger topics create` makes it)"
                raise KafkaError(msg)
            self._consumer.assign([TopicPartition(self._topic, number) for number in found])
        places = sorted(self._consumer.assignment())
        ends = self._consumer.end_offsets(places, timeout_ms=CALL_MS)
        return [ends[place] for place in places]

    def _batch(self, reached: list[int]) -> list[Any]:
        """The next records, of any connector; KafkaError if none come for long."""
        if self._consumer is None:
            self._ends()
            self._seek(reached)
        began = time.monotonic()
        while time.monotonic() - began < SILENT_S:
            self._waiting.check()
            batches = self._consumer.poll(timeout_ms=POLL_MS, max_records=RECORDS)
            if batches:
                return [record for records in batches.values() for record in records]
        msg = f"{self._topic} can't be read to its end"
        raise KafkaError(msg)

    def _seek(self, reached: list[int]) -> None:
        for number, position in enumerate(reached):
            self._consumer.seek(TopicPartition(self._topic, number), position)

    def _patiently(self, ask: Callable[[], list[Any]]) -> list[Any]:
        attempt = 0
        while True:
            try:
                return ask()
            except KafkaError as error:
                self.close()
                self._waiting.trouble(f"what was sent can't be read back: {error}", attempt)
                attempt += 1

    def _ours(self, record: Any) -> Iterator[Captured]:
        if not (record.key or b"").startswith(self._mine) or record.value is None:
            return
        try:
            name, value = self._codec.decode(record.value)
        except DecodeError as error:
            log.warning("%s: %s/%s@%s: %s", self._uid, self._topic, record.partition, record.offset, error)
            return
        if name == "RawEvents" and value["connector_uid"] == self._uid:
            captured = _captured(value)
            self._count(record, captured)
            yield captured

    def _count(self, record: Any, captured: Captured) -> None:
        if self._counted is None:
            return
        counted = self._counted[record.partition] if record.partition < len(self._counted) else 0
        if record.offset >= counted:
            self.seen.note(self.seen.fresh(captured.events))


class _Told:
    """Says how far a long reading is, in the log and in the status."""

    def __init__(self, uid: str, total: int, status: LaneStatus) -> None:
        self._uid, self._total, self._status = uid, max(1, total), status
        self._last = time.monotonic()

    def left(self, records: int) -> None:
        """So many records are still to be read."""
        if time.monotonic() - self._last < QUIET_S:
            return
        self._last = time.monotonic()
        done = self._total - records
        part = max(0.0, done / self._total)
        log.info(
            "%s: reading back what was sent: %s of %s records (%.0f %%)",
            self._uid, f"{done:,}", f"{self._total:,}", part * 100,
        )  # fmt: skip
        self._status.progress = part
        self._status.show("reading back")


def _furthest(positions: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """By partition the furthest position: each cursor was written when the source knew all below its own."""
    found: list[int] = []
    for each in positions:
        found += [0] * (len(each) - len(found))
        found = [
            max(known, new)
            for known, new in zip(found, (*each, *[0] * (len(found) - len(each))), strict=True)
        ]
    return tuple(found)


def _known_to_both(cursors: tuple[int, ...], memory: Sequence[int] | None) -> tuple[int, ...]:
    """The cursors' positions, or the memory's where it lost what it knew (a power cut, an older copy of its folder)."""
    if memory is None:
        return cursors
    return tuple(min(pair) for pair in zip(cursors, memory, strict=False))


def _captured(record: RawEvents) -> Captured:
    place = Slice(record["conversation"], record["slice"], record["slice_start_ms"], record["slice_end_ms"])
    return Captured(place, record["events"], record["captured_at_ms"])
