"""Cursors that are lost while raw-events is there: collectors go on from what its control records state, and say so."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from producers import runner as runner_module
from producers import stated as stated_module
from producers.controls import lane_closed, lane_opened, to_settings, watermark
from producers.lanes import LIVE, Lane
from producers.orders import DeletedError, PausedError
from producers.settings import CollectSettings, ConnectorBase
from producers.source import Captured, Refused, Window
from producers.stated import Ledger, Stated
from producers.waiting import Waiting
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import Control
from tests.producers.cursors import read_cursors
from tests.producers.log_reader import broken_promises, controls, event_ids, read_log
from tests.producers.order_rig import LIVE_STATUS, mails, order
from tests.producers.small_source import BASE_MS, DAY_MS, UID, made_event
from tests.producers.test_runner_kafka import HOUR_MS, NOON_MS, SINCE, a_runner, hourly, statuses, wanted

NOW_ONLY = CollectSettings(poll_seconds=0.05)
SETTINGS = to_settings(ConnectorBase(uid=UID, name="Small"), "webex")


def lose_cursors(kafka: KafkaSettings) -> None:
    """Delete topic cursors and make it anew."""
    name = kafka.topic("cursors")
    with closing(KafkaAdminClient(**kafka.client_kwargs())) as admin:
        admin.delete_topics([name])
        deadline = time.monotonic() + 30
        while name in admin.list_topics():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    create_topics(kafka)


def lose_records(kafka: KafkaSettings, *partitions: int) -> None:
    """Delete all that stands in these partitions of raw-events."""
    with closing(KafkaAdminClient(**kafka.client_kwargs())) as admin:
        admin.delete_records({TopicPartition(kafka.topic("raw-events"), number): -1 for number in partitions})


@pytest.mark.kafka
def test_lost_cursors_without_since_leave_no_gap(fresh: Callable[..., KafkaSettings]) -> None:
    """Live goes on from its last watermark, a day later; log and status say why, and cursors are there again."""
    kafka, source = fresh(), hourly(NOON_MS + 2 * DAY_MS)
    source.now = NOON_MS
    a_runner(source, kafka, NOW_ONLY).once()
    source.now += 2 * HOUR_MS
    a_runner(source, kafka, NOW_ONLY).once()
    lose_cursors(kafka)
    source.now += DAY_MS
    a_runner(source, kafka, NOW_ONLY).once()
    log = read_log(kafka)
    assert set(event_ids(log)) >= wanted(source, NOON_MS)
    assert broken_promises(log) == []
    said = statuses(kafka)[LIVE_STATUS]["last_error"]["message"]
    assert "no cursor was found" in said
    assert "live from 2026-03-06 13:59 UTC" in said
    live = read_cursors(kafka, Codec(), UID)[LIVE]
    assert (live.lane.from_ms, live.lane.watermark_ms) == (NOON_MS, source.now - source.settle_ms)
    assert live.partitions == 3


@pytest.mark.kafka
def test_cursors_lost_together_with_partitions_leave_no_gap(fresh: Callable[..., KafkaSettings]) -> None:
    """What is left of the log decides, not its emptiest partition; which ones say nothing is told. Only an empty log is none."""
    kafka, source = fresh(), hourly(NOON_MS + 2 * DAY_MS)
    source.now = NOON_MS
    a_runner(source, kafka, NOW_ONLY).once()
    lose_cursors(kafka)
    lose_records(kafka, 2)
    source.now += DAY_MS
    a_runner(source, kafka, NOW_ONLY).once()
    ledger = Ledger(kafka, Codec(), UID, Waiting(threading.Event()))
    assert "partition 2 of raw-events any more" in statuses(kafka)[LIVE_STATUS]["last_error"]["message"]
    live = read_cursors(kafka, Codec(), UID)[LIVE].lane
    assert (live.from_ms, live.watermark_ms) == (NOON_MS, source.now - source.settle_ms)
    gap = {
        made_event(n, 0)["id"] for n, at in enumerate(source.times) if NOON_MS < at < NOON_MS + 23 * HOUR_MS
    }
    there = {number: set(event_ids({number: log})) for number, log in read_log(kafka).items()}
    assert gap <= there[0] | there[1] | there[2]
    assert [each["lane"] for each in controls(read_log(kafka), "lane_opened")[2]] == [LIVE], "stated again"
    lose_records(kafka, 2)
    source.now += HOUR_MS
    a_runner(source, kafka, NOW_ONLY).once()
    # Partition 2 has what was written since, and not the opening: another one is asked
    assert (ledger.stated(lambda _: None).begins, ledger.stated(lambda _: None).silent) == (True, ())
    lose_records(kafka, 0, 1)
    late = ledger.stated(lambda _: None)
    reached = source.now - source.settle_ms
    assert (late.begins, late.silent, late.lanes[LIVE].watermark_ms) == (False, (0, 1), reached)
    lose_records(kafka, 2)
    assert ledger.stated(lambda _: None) == Stated()


@pytest.mark.kafka
def test_lost_cursors_in_the_middle_of_a_back_fill(
    fresh: Callable[..., KafkaSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The back-fill goes on from its own watermark and comes to its end; once more lost, it stays finished."""
    monkeypatch.setattr(runner_module, "LOOK_S", 0.0)
    kafka, source = fresh(), hourly()
    slow = SINCE.model_copy(update={"window_hours": 6})
    poll, polls = source.poll, itertools.count(1)

    def ordering(window: Window) -> Iterator[Captured | Refused]:
        if next(polls) == 6:
            order(kafka, "paused")
        return poll(window)

    source.poll = ordering  # type: ignore[method-assign]  # so that it stops half-way
    with pytest.raises(PausedError):
        a_runner(source, kafka, slow).once()
    half = next(each.lane for name, each in read_cursors(kafka, Codec(), UID).items() if name != LIVE)
    assert half.from_ms < half.watermark_ms < (half.to_ms or 0)
    lose_cursors(kafka)
    asked = len(source.windows)
    a_runner(source, kafka, slow).once()
    assert min(each.to_ms for each in source.windows[asked:] if each.lane == half.name) > half.watermark_ms
    log = read_log(kafka)
    assert set(event_ids(log)) == wanted(source, BASE_MS + DAY_MS)
    assert broken_promises(log) == []
    assert "it may have been paused" in statuses(kafka)[LIVE_STATUS]["last_error"]["message"]
    lose_cursors(kafka)
    asked = len(source.windows)
    a_runner(source, kafka, slow).once()
    assert {each.lane for each in source.windows[asked:]} <= {LIVE}
    assert read_cursors(kafka, Codec(), UID)[half.name].lane.closed


@pytest.mark.kafka
def test_a_deletion_outlives_the_loss_of_its_order(fresh: Callable[..., KafkaSettings]) -> None:
    """Its last watermark says it: no collector starts, nobody resumes; and delete without cursors archives all."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    lose_cursors(kafka)
    order(kafka, "deleted")
    log = read_log(kafka)
    assert mails(log) == set(event_ids(log))
    lose_cursors(kafka)
    with pytest.raises(DeletedError):
        a_runner(source, kafka).once()
    with pytest.raises(DeletedError):
        order(kafka, "active")


@pytest.mark.kafka
def test_a_first_start_goes_on_from_nothing(
    fresh: Callable[..., KafkaSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others state is not ours, whatever its uid begins with; progress is told."""
    kafka = fresh()
    a_runner(hourly(), kafka).once()
    ledger = Ledger(kafka, Codec(), "small", Waiting(threading.Event()))
    told: list[float] = []
    monkeypatch.setattr(stated_module, "TOLD_RECORDS", 5)
    assert ledger.stated(told.append) == Stated()
    assert told == sorted(told)
    assert 0 < told[-1] <= 1


def _stated(*records: Control) -> Stated:
    found = Stated()
    for record in records:
        found.take(record)
    return found


BACK = Lane("backfill-1", BASE_MS, BASE_MS + 10 * DAY_MS)
OPENED = [
    lane_opened(UID, Lane(LIVE, BASE_MS + 10 * DAY_MS), SETTINGS, 1),
    lane_opened(UID, BACK, SETTINGS, 1),
]


@pytest.mark.parametrize(
    ("records", "reached", "opened", "closed"),
    [
        ([], -1, True, False),
        ([watermark(UID, BACK.name, BASE_MS + DAY_MS, BASE_MS + 99 * DAY_MS)], BASE_MS + DAY_MS, True, False),
        ([watermark(UID, BACK.name, BASE_MS + at, BASE_MS + 99 * DAY_MS) for at in (5, 9, 7)], BASE_MS + 9, True, False),
        ([lane_closed(UID, BACK, 2)], -1, False, False),
        ([lane_closed(UID, BACK, 2), OPENED[1]], -1, True, False),
        ([watermark(UID, BACK.name, BASE_MS + 11 * DAY_MS, BASE_MS + 99 * DAY_MS), lane_closed(UID, BACK, 2)],
         BASE_MS + 11 * DAY_MS, True, True),
    ],
    ids=["opened", "watermark", "zombie", "closed half-way", "opened again", "finished"],
)  # fmt: skip
def test_what_records_say_of_a_lane(records: list[Any], reached: int, opened: bool, closed: bool) -> None:
    """Range, furthest watermark, open or not; closed before its end it goes on, at its end it is finished."""
    saved = _stated(*OPENED, *records).saved()[BACK.name]
    assert (saved.lane.from_ms, saved.lane.to_ms) == (BACK.from_ms, BACK.to_ms)
    assert (saved.lane.watermark_ms, saved.opened, saved.lane.closed) == (reached, opened, closed)
    assert saved.settings == SETTINGS["version"]


def test_a_lane_of_a_command_is_not_gone_on_with() -> None:
    """What is collected again by `reconcile` has a lane for as long as that takes, also if it was killed."""
    again = Lane("again-20260306T120000.000Z", BASE_MS, BASE_MS + DAY_MS)
    assert set(_stated(*OPENED, lane_opened(UID, again, SETTINGS, 1)).saved()) == {LIVE, BACK.name}


def test_a_log_without_its_beginning_still_has_live() -> None:
    """Its watermarks say how far it is; a back-fill whose range nobody knows is left out."""
    marks = [watermark(UID, name, BASE_MS + at, BASE_MS) for name in (LIVE, "backfill-2") for at in (1, 5)]
    saved = _stated(*marks).saved()
    assert {name: each.lane.watermark_ms for name, each in saved.items()} == {LIVE: BASE_MS + 5}
