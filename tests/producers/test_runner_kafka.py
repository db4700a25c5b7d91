"""The runner and its sink against a real broker, with a small source."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.future import Future

from producers.cursor import Saved
from producers.lanes import LIVE, Lane
from producers.opening import check_partitions
from producers.runner import Runner
from producers.settings import CollectSettings, ConnectorBase
from producers.sink import PartitionCountError, Sink, SinkError
from producers.source import SourceRefusedError, SourceUnavailableError
from producers.waiting import StoppedError, Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import ContentRef
from tests.producers.cursors import read_cursors
from tests.producers.log_reader import broken_promises, controls, event_ids, read_log, read_raw
from tests.producers.small_source import BASE_MS, DAY_MS, UID, SmallSource, made_event

HOUR_MS = 3_600_000
NOON_MS = BASE_MS + 5 * DAY_MS + 12 * HOUR_MS
SINCE = CollectSettings(since=date(2026, 3, 2), poll_seconds=0.05)

pytestmark = pytest.mark.kafka


class NoContents:
    """A content store that nothing may reach."""

    def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
        """Fail."""
        raise AssertionError("nothing here is too large for a record")

    def has(self, content: ContentRef) -> bool:
        """Fail."""
        raise AssertionError("nothing here is too large for a record")


def hourly(now_ms: int = NOON_MS) -> SmallSource:
    """A source with an event every ten minutes up to its clock."""
    return SmallSource(list(range(BASE_MS, now_ms, 600_000)), now_ms)


def a_runner(
    source: SmallSource, kafka: KafkaSettings, collect: CollectSettings = SINCE, **more: Any
) -> Runner:
    """A runner of its own life."""
    connector = ConnectorBase(uid=UID, name=more.pop("title", "Small"), collect=collect)
    waiting = more.pop("waiting", None) or Waiting(threading.Event())
    return Runner(source, connector, kafka, NoContents(), waiting, **more)


def wanted(source: SmallSource, from_ms: int) -> set[bytes]:
    """Ids of the events from a moment on that are no longer hidden."""
    until = source.now - source.settle_ms
    return {made_event(n, 0)["id"] for n, at in enumerate(source.times) if from_ms <= at <= until}


def statuses(kafka: KafkaSettings) -> dict[bytes, Any]:
    """The latest status by key."""
    return {key: json.loads(value) for key, value in read_raw(kafka, "connector-status")[0] if key}


def test_a_first_run_collects_both_lanes(fresh: Callable[..., KafkaSettings]) -> None:
    """From `since` to now is there once, settings and lanes are announced before, the back-fill is closed."""
    kafka, source = fresh(), hourly()
    assert a_runner(source, kafka).once()
    log = read_log(kafka)
    ids = event_ids(log)
    assert set(ids) == wanted(source, BASE_MS + DAY_MS)
    assert len(ids) == len(set(ids))
    assert broken_promises(log) == []
    kinds = {tuple(e.value["kind"] for e in entries if e.name == "Control")[:3] for entries in log.values()}
    assert kinds == {("settings", "lane_opened", "lane_opened")}


def test_every_partition_gets_the_same_control_records(fresh: Callable[..., KafkaSettings]) -> None:
    """Also those partitions that hold no event."""
    kafka = fresh(partitions=5)
    a_runner(SmallSource([NOON_MS - HOUR_MS], NOON_MS), kafka).once()
    found = controls(read_log(kafka), "watermark")
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert all(each == found[0] for each in found.values())
    assert found[0]


def test_events_carry_the_lane_that_owns_their_slice(fresh: Callable[..., KafkaSettings]) -> None:
    """Slices before the day of the first start are the back-fill's, also where live captured the event."""
    kafka = fresh()
    a_runner(hourly(), kafka).once()
    today = BASE_MS + 5 * DAY_MS
    for entries in read_log(kafka).values():
        for record in (entry.value for entry in entries if entry.name == "RawEvents"):
            assert (record["lane"] == LIVE) == (record["slice_start_ms"] >= today)


def test_the_back_fill_ends_with_the_furthest_fact(fresh: Callable[..., KafkaSettings]) -> None:
    """Its last watermark reaches as far as live's, and only then it is closed."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    log = read_log(kafka)
    last = [each for each in controls(log, "watermark")[0] if each["lane"] != LIVE][-1]
    assert last["watermark_ms"] == source.now - source.settle_ms
    assert len(controls(log, "lane_closed")[0]) == 1


def test_a_second_run_adds_nothing(fresh: Callable[..., KafkaSettings]) -> None:
    """With a clock that stood still nothing is polled; the source gets back what it had said."""
    kafka = fresh()
    a_runner(hourly(), kafka).once()
    before = read_log(kafka)
    again = hourly()
    a_runner(again, kafka).once()
    assert read_log(kafka) == before
    assert again.windows == []
    assert json.loads(again.restored)["confirmations"] >= 1


def test_the_overlap_is_polled_but_not_sent_again(fresh: Callable[..., KafkaSettings]) -> None:
    """Within one life, what Kafka has confirmed is not sent twice although the source shows it again."""
    kafka, source, stop = fresh(), hourly(), threading.Event()
    collect = CollectSettings(since=date(2026, 3, 5), poll_seconds=0.02, overlap_seconds=7200)
    runner = a_runner(source, kafka, collect, waiting=Waiting(stop))
    thread = threading.Thread(target=runner.run)
    thread.start()
    deadline = time.monotonic() + 30
    while (
        len([window for window in source.windows if window.lane == LIVE]) < 5 and time.monotonic() < deadline
    ):
        source.now += 60_000
        time.sleep(0.05)
    stop.set()
    thread.join(10)
    ids = event_ids(read_log(kafka))
    assert len([window for window in source.windows if window.lane == LIVE]) >= 5
    assert len(ids) == len(set(ids))


def test_a_source_that_fails_midway_is_asked_again(fresh: Callable[..., KafkaSettings]) -> None:
    """The same window is polled again as a whole, and no watermark is stated before it came through."""
    kafka, source = fresh(), hourly()
    source.troubles = [SourceUnavailableError("the source answers 503"), SourceUnavailableError("again")]
    assert a_runner(source, kafka).once()
    log = read_log(kafka)
    assert set(event_ids(log)) == wanted(source, BASE_MS + DAY_MS)
    assert broken_promises(log) == []
    live = [window for window in source.windows if window.lane == LIVE]
    assert live[0].from_ms == live[1].from_ms
    assert statuses(kafka)[f"{UID}/collector/live".encode()]["last_error"]["message"].startswith("the source")


def test_a_refusal_is_told_and_ends_once(fresh: Callable[..., KafkaSettings]) -> None:
    """`once` can't wait for a person; the status says what to do."""
    kafka, source = fresh(), hourly()
    source.troubles = [SourceRefusedError("the token lacks the right to read events")]
    with pytest.raises(SourceRefusedError):
        a_runner(source, kafka).once()
    status = statuses(kafka)[f"{UID}/collector/live".encode()]
    assert status["last_error"]["message"] == "the token lacks the right to read events"
    assert not any(controls(read_log(kafka), "watermark").values())


def test_a_mistake_in_the_code_is_told_and_raised(fresh: Callable[..., KafkaSettings]) -> None:
    """A supervisor restarts the process; the status keeps why."""
    kafka, source = fresh(), hourly()
    source.troubles = [ZeroDivisionError("division by zero")]
    with pytest.raises(ZeroDivisionError):
        a_runner(source, kafka).once()
    status = statuses(kafka)[f"{UID}/collector/live".encode()]
    assert (status["state"], status["last_error"]["message"]) == (
        "failed",
        "ZeroDivisionError: division by zero",
    )


def test_a_back_fill_beyond_what_the_source_shows_is_refused(fresh: Callable[..., KafkaSettings]) -> None:
    """It would find nothing, say that it is complete, and nobody would know."""
    kafka, source = fresh(), hourly()
    with pytest.raises(SourceRefusedError, match="shows nothing before"):
        a_runner(source, kafka, replace_since(date(2025, 1, 1))).once()
    assert statuses(kafka)[f"{UID}/collector/live".encode()]["state"] in {"refused", "stopped"}
    assert not any(controls(read_log(kafka), "watermark").values())


def test_refused_bytes_are_in_dead_letters_before_the_watermark_moves(
    fresh: Callable[..., KafkaSettings],
) -> None:
    """Whole, with reason and origin."""
    kafka, source = fresh(), hourly()
    source.refused = {700: b"\xff not json"}
    a_runner(source, kafka).once()
    letters = [entry.value for entry in read_log(kafka, "dead-letters")[0]]
    assert [(each["value"], each["origin"], each["stage"]) for each in letters] == [
        (b"\xff not json", "small/700", "collect")
    ]


def test_an_id_that_no_key_can_bear_ends_in_dead_letters(fresh: Callable[..., KafkaSettings]) -> None:
    """An event in a conversation with an endless id: its bytes are kept, the collector goes on."""
    kafka, source = fresh(), hourly()
    source.endless = 700
    assert a_runner(source, kafka).once()
    letters = [entry.value for entry in read_log(kafka, "dead-letters")[0]]
    assert [each["value"] for each in letters] == [made_event(700, source.times[700])["raw"]]
    assert len(set(event_ids(read_log(kafka)))) == len(wanted(source, BASE_MS + DAY_MS)) - 1


def test_settings_are_written_again_when_they_change(fresh: Callable[..., KafkaSettings]) -> None:
    """And only then."""
    kafka = fresh()
    for title in ("One", "One", "Two"):
        a_runner(hourly(), kafka, title=title).once()
    written = controls(read_log(kafka), "settings")
    assert [each["settings"]["name"] for each in written[0]] == ["One", "Two"]


def test_an_earlier_since_adds_a_lane(fresh: Callable[..., KafkaSettings]) -> None:
    """The days before are collected by a back-fill of their own."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    a_runner(source, kafka, replace_since(date(2026, 3, 1))).once()
    log = read_log(kafka)
    assert set(event_ids(log)) == wanted(source, BASE_MS)
    assert broken_promises(log) == []
    assert len(controls(log, "lane_opened")[0]) == 3


def replace_since(day: date) -> CollectSettings:
    """The usual settings, from another day on."""
    return SINCE.model_copy(update={"since": day})


def test_the_clock_may_be_waited_for(fresh: Callable[..., KafkaSettings]) -> None:
    """`once` up to a later moment collects what happens until then."""
    kafka, source = fresh(), hourly(NOON_MS + HOUR_MS)
    source.now = NOON_MS
    thread = threading.Thread(target=a_runner(source, kafka).once, args=(NOON_MS + HOUR_MS,))
    thread.start()
    time.sleep(0.5)
    assert thread.is_alive()
    source.now = NOON_MS + HOUR_MS + source.settle_ms
    thread.join(20)
    assert not thread.is_alive()
    assert set(event_ids(read_log(kafka))) == wanted(source, BASE_MS + DAY_MS)


def test_cursors_are_read_to_the_end(fresh: Callable[..., KafkaSettings]) -> None:
    """Last one wins, each lane for itself; another connector's are not seen."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    cursors = read_cursors(kafka, Codec(), UID)
    assert sorted(cursors)[1] == LIVE
    assert cursors[LIVE].lane.watermark_ms == source.now - source.settle_ms
    assert all(saved.opened and saved.partitions == 3 for saved in cursors.values())
    assert read_cursors(kafka, Codec(), "small") == {}


def test_another_number_of_partitions_is_refused(fresh: Callable[..., KafkaSettings]) -> None:
    """Whether the cluster differs from the configuration, or both differ from what was remembered."""
    kafka = fresh()
    wrong = kafka.model_copy(update={"partitions": 4})
    with pytest.raises(PartitionCountError, match="has 3 partitions, expected 4"):
        a_runner(hourly(), wrong).once()


def test_a_changed_layout_is_remembered() -> None:
    """A cursor knows how many partitions raw-events had."""
    saved = {LIVE: Saved(Lane(LIVE, 0), partitions=3)}
    check_partitions(saved, 3)
    with pytest.raises(PartitionCountError, match="restore the former number"):
        check_partitions(saved, 6)


def test_missing_topics_are_waited_for(broker: Any) -> None:
    """The sink says which topic, and goes on when told to stop."""
    kafka = KafkaSettings(bootstrap=broker.bootstrap, topic_prefix="never-made-")
    stop = threading.Event()
    said: list[str] = []

    def tell(sentence: str) -> None:
        said.append(sentence)
        stop.set()

    with pytest.raises(StoppedError):
        Sink(kafka, Waiting(stop, tell)).open()
    assert "chatledger topics create" in said[0]


def test_the_sink_holds_no_more_than_its_bytes(fresh: Callable[..., KafkaSettings]) -> None:
    """send() waits for room: the account never exceeds the ceiling."""
    sink = Sink(fresh(), Waiting(threading.Event()), memory_bytes=200_000)
    sink.open()
    highest = 0
    for number in range(300):
        sink.send("raw-events", b"x" * 5_000, key=b"%d" % number)
        highest = max(highest, sink._pending.bytes)
    sink.confirm()
    assert sink.close()
    assert 100_000 < highest <= 200_000


def test_a_failed_record_goes_again(fresh: Callable[..., KafkaSettings]) -> None:
    """A future that fails, as after an epoch bump, makes the sink send that record with a new producer."""
    kafka = fresh()
    sink = Sink(kafka, Waiting(threading.Event()))
    sink.open()
    first = sink._producer
    failing = _FailingOnce(first)
    sink._producer = failing
    for number in range(10):
        sink.send("raw-events", b"record %d" % number, partition=0)
    sink.confirm()
    assert sink.close()
    values = {value for _, value in read_raw(kafka, "raw-events")[0]}
    assert values == {b"record %d" % number for number in range(10)}
    assert failing.failed == 1


class _FailingOnce:
    """A producer whose fourth record is accepted and never sent: its future fails, as documented for epoch bumps."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._count = 0
        self.failed = 0

    def send(self, *arguments: Any, **named: Any) -> Any:
        self._count += 1
        if self._count == 4:
            self.failed += 1
            return Future().failure(KafkaTimeoutError("gone with its epoch"))
        return self._producer.send(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)


def test_an_oversized_record_is_an_error_of_ours(fresh: Callable[..., KafkaSettings]) -> None:
    """It would never be accepted, so waiting for it would never end."""
    sink = Sink(fresh(), Waiting(threading.Event()))
    with pytest.raises(SinkError, match="1000001 bytes"):
        sink.send("raw-events", b"x" * 1_000_001, partition=0)
