"""Connectors that are paused and resumed, on a real broker (rule 10)."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from producers import runner as runner_module
from producers.lanes import LIVE
from producers.orders import PausedError
from producers.runner import Runner
from producers.settings import CollectSettings, ConnectorBase
from producers.source import Captured, Refused, SourceUnavailableError, Window
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from tests.producers.cursors import read_cursors
from tests.producers.log_reader import broken_promises, controls, event_ids, read_log, read_raw
from tests.producers.order_rig import LIVE_STATUS, STALL_MS, mails, order, running, state, until
from tests.producers.small_source import BASE_MS, DAY_MS, UID, SmallSource
from tests.producers.test_runner_kafka import (
    HOUR_MS,
    NOON_MS,
    SINCE,
    NoContents,
    a_runner,
    hourly,
    statuses,
    wanted,
)
from tests.streams.oracle import oracle

pytestmark = pytest.mark.usefixtures("looks_often")


def test_a_pause_closes_live_in_every_partition(fresh: Callable[..., KafkaSettings]) -> None:
    """Without a collector the command does it; the status says so, and a finished back-fill stays closed."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    order(kafka, "paused")
    closed = controls(read_log(kafka), "lane_closed")
    assert [len([each for each in found if each["lane"] == LIVE]) for found in closed.values()] == [1, 1, 1]
    saved = read_cursors(kafka, Codec(), UID)
    assert saved[LIVE].lane.watermark_ms == source.now - source.settle_ms
    assert state(kafka) == "paused"
    assert {each.lane.closed for name, each in saved.items() if name != LIVE} == {True}


def test_once_does_not_collect_what_is_paused(fresh: Callable[..., KafkaSettings]) -> None:
    """It can't wait for a person: it says so and leaves the log alone."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    order(kafka, "paused")
    before = read_log(kafka)
    source.now += DAY_MS
    with pytest.raises(PausedError, match=f"connector resume {UID}"):
        a_runner(source, kafka).once()
    assert read_log(kafka) == before
    assert state(kafka) == "paused"


def test_a_running_collector_pauses_and_goes_on_without_a_gap(fresh: Callable[..., KafkaSettings]) -> None:
    """The same process, and nothing of the pause is missing; live is opened again after it was closed."""
    kafka, source = fresh(), hourly(NOON_MS + 2 * DAY_MS)
    source.now = NOON_MS
    with running(source, kafka) as raised:
        until(
            lambda: (
                state(kafka) == "idle" and set(event_ids(read_log(kafka))) >= wanted(source, BASE_MS + DAY_MS)
            )
        )
        order(kafka, "paused")
        time.sleep(0.5)
        polls = len(source.windows)
        source.now = NOON_MS + 2 * DAY_MS
        time.sleep(0.5)
        assert len(source.windows) == polls
        assert state(kafka) == "paused"
        order(kafka, "active")
        until(lambda: set(event_ids(read_log(kafka))) == wanted(source, BASE_MS + DAY_MS))
    assert raised == []
    log = read_log(kafka)
    assert broken_promises(log) == []
    for entries in log.values():
        live = [e.value["kind"] for e in entries if e.name == "Control" and e.value["lane"] == LIVE]
        life = [kind for kind in live if kind != "watermark"]
        assert life[0] == "lane_opened"
        assert life[-1] == "lane_opened"
        assert "lane_closed" in life


def test_a_pause_in_the_middle_of_a_back_fill_loses_nothing(fresh: Callable[..., KafkaSettings]) -> None:
    """The lane is closed, opened again with the same range, and comes to its end."""
    kafka, source = fresh(), hourly()
    slow = SINCE.model_copy(update={"window_hours": 6})
    source.troubles = [SourceUnavailableError("busy")] * 3  # so that it is not done before the order comes
    with running(source, kafka, slow):
        until(lambda: source.windows)
        order(kafka, "paused")
        until(lambda: state(kafka) == "paused")
    order(kafka, "active")
    a_runner(source, kafka, slow).once()
    log = read_log(kafka)
    assert set(event_ids(log)) == wanted(source, BASE_MS + DAY_MS)
    assert broken_promises(log) == []
    back_fills = {each["lane"] for each in controls(log, "lane_opened")[0]} - {LIVE}
    assert len(back_fills) == 1
    assert all(saved.lane.closed for name, saved in read_cursors(kafka, Codec(), UID).items() if name != LIVE)


def test_a_pause_in_the_middle_of_a_back_fill_tears_no_day(
    fresh: Callable[..., KafkaSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was collected of a day waits for the rest, whatever live states after the resume: no supplement."""
    monkeypatch.setattr(runner_module, "LOOK_S", 0.0)
    kafka, source = fresh(), hourly()
    slow = SINCE.model_copy(update={"window_hours": 5})
    poll, polls = source.poll, itertools.count(1)

    def ordering(window: Window) -> Iterator[Captured | Refused]:
        if next(polls) == 6:
            order(kafka, "paused")
        return poll(window)

    source.poll = ordering  # type: ignore[method-assign]  # an order in the middle of a day
    with pytest.raises(PausedError):
        a_runner(source, kafka, slow).once()
    reached = max(window.to_ms for window in source.windows if window.lane != LIVE)
    assert (reached - BASE_MS) % DAY_MS
    order(kafka, "active")
    source.now += 6 * HOUR_MS
    a_runner(source, kafka, slow).once()
    log = read_log(kafka)
    found = [
        mail
        for entries in log.values()
        for mail in oracle([*map(tuple, entries)], grace_ms=0, stall_ms=STALL_MS)
    ]
    assert found
    assert [mail[0] for mail in found if mail[1]] == []
    assert broken_promises(log) == []


def test_orders_write_no_cursor(fresh: Callable[..., KafkaSettings]) -> None:
    """They are the collector's: one written meanwhile would be taken back to what was read before."""
    kafka = fresh()
    a_runner(hourly(), kafka).once()

    def cursors() -> list[tuple[bytes | None, bytes]]:
        entries = [each for part in read_raw(kafka, "cursors").values() for each in part]
        return [(key, value) for key, value in entries if key != f"{UID}/order".encode()]

    before = cursors()
    assert before
    for what in ("paused", "active", "deleted"):
        order(kafka, what)
    assert cursors() == before


def test_a_pause_that_ended_within_a_round_opens_the_lanes_again(fresh: Callable[..., KafkaSettings]) -> None:
    """The collector never sees `paused`; but the command closed live, and the log says what holds."""
    kafka, source = fresh(), hourly()
    poll = source.poll

    def ordering(window: Window) -> Iterator[Captured | Refused]:
        source.poll = poll  # type: ignore[method-assign]  # and that only once
        order(kafka, "paused")
        order(kafka, "active")
        return poll(window)

    source.poll = ordering  # type: ignore[method-assign]  # in the middle of a round
    with running(source, kafka) as raised:
        until(lambda: len(controls(read_log(kafka), "lane_opened")[0]) > 2)
    assert raised == []
    for entries in read_log(kafka).values():
        live = [e.value["kind"] for e in entries if e.name == "Control" and e.value["lane"] == LIVE]
        assert [kind for kind in live if kind != "watermark"] == ["lane_opened", "lane_closed", "lane_opened"]


def test_another_connector_closes_what_a_paused_one_left(fresh: Callable[..., KafkaSettings]) -> None:
    """In the same partitions, 48 hours later and not before."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka, clock=lambda: source.now).once()
    order(kafka, "paused")
    left = set(event_ids(read_log(kafka))) - mails(read_log(kafka))
    assert left
    day_end = BASE_MS + 6 * DAY_MS
    for now_ms, closed in ((day_end + STALL_MS - HOUR_MS, False), (day_end + STALL_MS + HOUR_MS, True)):
        other = SmallSource([now_ms - 3 * HOUR_MS], now_ms)
        connector = ConnectorBase(uid="other-1", name="Other", collect=CollectSettings())
        waiting = Waiting(threading.Event())
        Runner(other, connector, kafka, NoContents(), waiting, clock=partial(int, now_ms)).once()
        assert (left <= mails(read_log(kafka))) == closed


def test_a_pause_longer_than_the_source_remembers_is_said(fresh: Callable[..., KafkaSettings]) -> None:
    """What can't be collected any more is named in the status, with its days."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    order(kafka, "paused")
    order(kafka, "active")
    source.now += 100 * DAY_MS
    a_runner(source, kafka, CollectSettings(window_hours=5000)).once()
    said = statuses(kafka)[LIVE_STATUS]["last_error"]["message"]
    assert "collected up to 2026-03-06" in said
    assert "shows nothing before 2026-03-16" in said
