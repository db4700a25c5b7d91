"""A connector's lanes over time, on a real broker: away for days, frozen and thawed, collected again, clocks that are wrong."""

import signal
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from producers import beginning
from producers.lanes import LIVE
from producers.settings import CollectSettings
from producers.stated import Remembered
from producers.webex.slices import day_slice
from schemas.broker import KafkaSettings
from tests.producers.log_reader import Entry, broken_promises, controls, event_ids, read_log
from tests.producers.small_source import BASE_MS, DAY_MS
from tests.producers.test_runner_kafka import HOUR_MS, NOON_MS, a_runner, hourly, wanted
from tests.producers.test_runner_kills import SLOWER, Collectors, expected_ids, records
from tests.streams.oracle import Mail, oracle

pytestmark = pytest.mark.kafka
STALL_MS = 48 * HOUR_MS


def mails(log: dict[int, list[Entry]]) -> list[Mail]:
    """All mails that this log makes."""
    found = (oracle([*map(tuple, entries)], grace_ms=0, stall_ms=STALL_MS) for entries in log.values())
    return [mail for each in found for mail in each]


def test_a_collector_that_was_down_for_two_days_leaves_no_gap(fresh: Callable[..., KafkaSettings]) -> None:
    """What happened meanwhile is collected by live, in windows that follow each other; each day is one mail."""
    kafka, source = fresh(), hourly(NOON_MS + 2 * DAY_MS + 12 * HOUR_MS)
    source.now = NOON_MS
    a_runner(source, kafka).once()
    source.now = NOON_MS + 2 * DAY_MS + 12 * HOUR_MS + source.settle_ms
    before = len(source.windows)
    a_runner(source, kafka).once()
    windows = source.windows[before:]
    assert {window.lane for window in windows} == {LIVE}
    assert all(later.from_ms <= earlier.to_ms for earlier, later in pairwise(windows))
    log = read_log(kafka)
    assert set(event_ids(log)) == wanted(source, BASE_MS + DAY_MS)
    assert broken_promises(log) == []
    assert {mail[1] for mail in mails(log)} == {0}


def test_live_and_back_fill_make_the_mails_of_live_alone(fresh: Callable[..., KafkaSettings]) -> None:
    """A day is the same mail whether a back-fill brought it beside live or live brought it as it happened."""
    beside, alone = fresh(), fresh()
    source = hourly()
    a_runner(source, beside).once()
    slowly = hourly()
    for day in range(2, 6):
        slowly.now = BASE_MS + day * DAY_MS + (12 if day == 5 else 0) * HOUR_MS
        a_runner(slowly, alone, CollectSettings(since=date(2026, 3, 2), poll_seconds=0.05)).once()
    closed = {mail for mail in mails(read_log(beside)) if mail[1] == 0}
    assert closed == {mail for mail in mails(read_log(alone)) if mail[1] == 0}
    assert closed


def test_what_is_collected_again_makes_no_second_mail(
    fresh: Callable[..., KafkaSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if nothing was ever stated: the same events and watermarks once more, and the mails are those of before."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    before = sorted(mails(read_log(kafka)))
    again = hourly()
    monkeypatch.setattr(beginning, "remembered", lambda orders, *_: Remembered({}, orders.read()[1]))
    a_runner(again, kafka).once()
    log = read_log(kafka)
    assert len(event_ids(log)) > len(set(event_ids(log))), "nothing was collected again"
    assert sorted(mails(log)) == before


@pytest.mark.parametrize("ahead_ms", [-3 * HOUR_MS, 3 * HOUR_MS])
def test_our_own_clock_may_be_wrong(fresh: Callable[..., KafkaSettings], ahead_ms: int) -> None:
    """Watermarks are of the source's clock: ours, hours off, moves none of them, and nothing is missing."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka, clock=lambda: source.now + ahead_ms).once()
    log = read_log(kafka)
    stated = {each["watermark_ms"] for each in controls(log, "watermark")[0]}
    assert max(stated) == source.now - source.settle_ms
    assert set(event_ids(log)) == wanted(source, BASE_MS + DAY_MS)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_days_of_changing_clocks_are_one_mail(day: date, hours: int) -> None:
    """Every minute of a local day of 23 or 25 hours lies in one slice, and its neighbours begin where it ends."""
    zone = ZoneInfo("Europe/Berlin")
    noon = int((day - date(1970, 1, 1)).total_seconds() * 1000) + 12 * HOUR_MS
    one = day_slice("R", noon, zone)
    assert (one.label, one.end_ms - one.start_ms) == (day.isoformat(), hours * HOUR_MS)
    assert {day_slice("R", at, zone) for at in range(one.start_ms, one.end_ms, 60_000)} == {one}
    assert day_slice("R", one.end_ms, zone).start_ms == one.end_ms
    assert day_slice("R", one.start_ms - 1, zone).end_ms == one.start_ms


@pytest.mark.slow
def test_a_frozen_collector_that_goes_on_does_no_harm(
    fresh: Callable[..., KafkaSettings], tmp_path: Path
) -> None:
    """Stopped in the middle of its work, replaced by another that finishes, and let go on: no watermark lies."""
    kafka = fresh()
    collectors = Collectors(kafka, tmp_path, SLOWER)
    zombie = collectors.start("run")
    try:
        collectors.let_time_run(0.5)
        collectors.at_work(zombie)
        zombie.send_signal(signal.SIGSTOP)
        assert zombie.poll() is None
        collectors.finish()
        done = sorted(mails(read_log(kafka)))
        count = records(kafka)
        zombie.send_signal(signal.SIGCONT)
        collectors.gets_on(zombie, count)
        zombie.terminate()
        assert zombie.wait(30) == 0
    finally:
        zombie.kill()
        zombie.wait()
    log = read_log(kafka)
    assert set(event_ids(log)) >= expected_ids()
    until = [mail for mail in mails(log) if mail in set(done)]
    assert sorted(until) == done, "what was archived is archived"
    assert not [mail for mail in mails(log) if mail[1] > 0], "nothing was missing from a mail"
