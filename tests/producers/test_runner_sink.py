"""What the sink and the desk promise about order, with a producer whose answers the test gives itself."""

import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest
from kafka.future import Future

from producers.controls import watermark
from producers.cursor import Saved
from producers.desk import Desk
from producers.lanes import LIVE, Lane
from producers.recall import Recall
from producers.rounds import LaneRun, Rounds
from producers.settings import ConnectorBase
from producers.sink import Sink
from producers.source import Captured, Refused
from producers.status import LaneStatus
from producers.waiting import StoppedError, Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec, expect
from schemas.records import ContentRef
from tests.producers.small_source import BASE_MS, DAY_MS, SmallSource, captured
from tests.producers.test_runner_kafka import NoContents

KAFKA = KafkaSettings(bootstrap="127.0.0.1:9", partitions=3)


class HeldProducer:
    """Accepts everything and answers nothing until told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, Any]] = []
        self.values: list[bytes] = []

    def send(self, topic: str, *, value: bytes, key: bytes | None, partition: int) -> Any:
        """Give a future that stays open."""
        self.sent.append((topic, partition, Future()))
        self.values.append(value)
        return self.sent[-1][2]

    def answer(self) -> None:
        """Confirm everything sent so far."""
        for _, _, future in self.sent:
            if not future.is_done:
                future.success(None)

    def wait_for(self, count: int) -> None:
        """Return when so many records were sent."""
        deadline = time.monotonic() + 10
        while len(self.sent) < count and time.monotonic() < deadline:
            time.sleep(0.005)

    def close(self, timeout: float) -> None:
        """Nothing to close."""


def held(stop: threading.Event | None = None) -> tuple[Sink, HeldProducer]:
    """A sink that needs no broker."""
    sink = Sink(KAFKA, Waiting(stop or threading.Event()))
    sink._producer = HeldProducer()
    return sink, sink._producer


def in_background(work: Any, *arguments: Any) -> threading.Thread:
    """Run it beside the test."""
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def test_confirm_returns_only_when_every_record_is_confirmed() -> None:
    """One open answer is enough to hold it."""
    sink, producer = held()
    for number in range(3):
        sink.send("raw-events", b"v", partition=number)
    producer.sent[0][2].success(None)
    producer.sent[2][2].success(None)
    thread = in_background(sink.confirm)
    thread.join(0.7)
    assert thread.is_alive()
    producer.answer()
    thread.join(10)
    assert not thread.is_alive()


def test_control_records_wait_for_the_events_of_all_partitions() -> None:
    """None is even sent before; the cursor waits for all control records in turn."""
    sink, producer = held()
    desk = Desk(sink, Codec(), KAFKA, NoContents(), "small-1", "webex", lambda: 1)
    desk.events(captured(1, 1_000), LIVE)

    def state() -> None:
        desk.controls(watermark("small-1", LIVE, 1_000, 1))
        desk.cursor(Saved(Lane(LIVE, 0, None, 1_000)))

    thread = in_background(state)
    for expected in (1, 4, 5):
        producer.wait_for(expected)
        time.sleep(0.1)
        assert len(producer.sent) == expected
        producer.answer()
    thread.join(10)
    assert not thread.is_alive()
    assert [topic for topic, _, _ in producer.sent] == ["raw-events"] * 4 + ["cursors"]
    assert [partition for _, partition, _ in producer.sent[1:4]] == [0, 1, 2]


class NothingToRecall(Recall):
    """A log that is read back already."""

    def catch_up(self, status: LaneStatus) -> None:
        """Nothing to read."""


def test_a_source_hears_of_a_confirmation_after_it_and_a_watermark_waits_for_both() -> None:
    """What a source remembers as sent is not yielded again: told too early, a kill in between would lose it."""
    sink, producer = held()
    waiting, codec, source = Waiting(threading.Event()), Codec(), SmallSource([BASE_MS], BASE_MS + 2 * DAY_MS)
    desk = Desk(sink, codec, KAFKA, NoContents(), "small-1", "webex", lambda: 1)
    lane = Lane(LIVE, BASE_MS - 1, None, BASE_MS - 1)
    connector = ConnectorBase(uid="small-1", name="Small")
    run = LaneRun(Saved(lane), LaneStatus(connector, "webex", LIVE, lambda _: None, lambda: 1))
    recall = NothingToRecall(KAFKA, codec, "small-1", source, waiting)
    rounds = Rounds(source, desk, connector.collect, waiting, recall, lambda: [lane])
    thread = in_background(rounds.poll, run, BASE_MS + DAY_MS)
    heard = []
    for expected in (1, 4, 5):  # the event, a watermark for each partition, the cursor
        producer.wait_for(expected)
        time.sleep(0.1)
        assert len(producer.sent) == expected
        heard.append(source.confirmations)
        producer.answer()
    thread.join(10)

    assert not thread.is_alive()
    assert heard == [0, 1, 1]


def test_a_stop_ends_confirm_with_an_error() -> None:
    """Never as if everything had been confirmed."""
    stop = threading.Event()
    sink, _ = held(stop)
    sink.send("raw-events", b"v", partition=0)
    stop.set()
    with pytest.raises(StoppedError):
        sink.confirm()
    assert sink.close(timeout_s=0.2) is False


def test_a_conversation_stays_in_its_partition() -> None:
    """The key alone decides, as Kafka's own default partitioner does (murmur2)."""
    sink, producer = held()
    for _ in range(3):
        sink.send("raw-events", b"v", key=b"acme/chat-1")
    sink.send("raw-events", b"v", key=b"foobar")
    partitions = [partition for _, partition, _ in producer.sent]
    assert len(set(partitions[:3])) == 1
    assert partitions[3] == (-790332482 & 0x7FFFFFFF) % 3  # Kafka's own test vector for "foobar"


def test_a_status_is_dropped_while_records_have_failed() -> None:
    """It must not queue behind a broker that is down."""
    sink, producer = held()
    assert sink.offer("connector-status", b"{}", key=b"k")
    sink.send("raw-events", b"v", partition=0)
    producer.sent[-1][2].failure(TimeoutError("gone"))
    assert not sink.offer("connector-status", b"{}", key=b"k")


def test_an_event_that_fits_no_record_is_refused_alone() -> None:
    """Its neighbours are archived, its raw bytes are in dead-letters."""
    sink, producer = held()
    desk = Desk(sink, Codec(), KAFKA, NoContents(), "small-1", "webex", lambda: 1)
    both = captured(1, 1_000)
    broken: Any = {**both.events[0], "at_ms": "yesterday"}
    desk.events(Captured(both.slice, [broken, *both.events]), LIVE)
    assert [topic for topic, _, _ in producer.sent] == ["dead-letters", "raw-events"]
    letter = expect("DeadLetter", producer.values[0])
    assert (letter["value"], letter["stage"], letter["origin"]) == (b'{"id": 1}', "collect", "webex: 1")
    assert expect("RawEvents", producer.values[1])["events"] == both.events


def test_large_refused_bytes_go_through_the_content_store() -> None:
    """The letter carries their claim check."""
    sink, producer = held()
    shelf: list[bytes] = []

    class Shelf:
        """Keeps what it gets."""

        def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
            """Keep it."""
            shelf.extend(chunks)
            return {"sha256": b"h" * 32, "size": len(shelf[0])}

        def has(self, content: ContentRef) -> bool:
            """It does."""
            return True

    desk = Desk(sink, Codec(), KAFKA, Shelf(), "small-1", "webex", lambda: 1)
    desk.refuse(Refused("too odd", "ValueError", "page 7", b"z" * 600_000))
    letter = expect("DeadLetter", producer.values[0])
    assert (letter["value"], letter["value_ref"]) == (b"", {"sha256": b"h" * 32, "size": 600_000})
    assert shelf == [b"z" * 600_000]
