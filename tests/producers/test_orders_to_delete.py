"""Connectors that are deleted, on a real broker (rule 10)."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from producers.administer import Administrator
from producers.lanes import LIVE, Lane
from producers.orders import DeletedError
from producers.settings import ConnectorBase
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from tests.producers.cursors import read_cursors
from tests.producers.log_reader import controls, event_ids, read_log
from tests.producers.order_rig import STALL_MS, mails, order, running, state, until
from tests.producers.small_source import BASE_MS, DAY_MS, UID, captured
from tests.producers.test_runner_kafka import NOON_MS, SINCE, a_runner, hourly

pytestmark = pytest.mark.usefixtures("looks_often")


def test_a_deleted_uid_never_collects_again(fresh: Callable[..., KafkaSettings]) -> None:
    """Neither once nor for long, and no resume brings it back; the status keeps saying it."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    order(kafka, "deleted")
    with pytest.raises(DeletedError):
        a_runner(source, kafka).once()
    before = read_log(kafka)  # the first start ends it once more; every further one writes nothing
    for start in (a_runner(source, kafka).once, a_runner(source, kafka).run):
        with pytest.raises(DeletedError, match="a uid is never used again"):
            start()
    for what in ("active", "paused"):
        with pytest.raises(DeletedError):
            order(kafka, what)
    assert read_log(kafka) == before
    assert state(kafka) == "deleted"


def test_a_running_collector_ends_when_its_connector_is_deleted(fresh: Callable[..., KafkaSettings]) -> None:
    """With a sentence, and its last word is `deleted`."""
    kafka, source = fresh(), hourly()
    with running(source, kafka) as raised:
        until(lambda: state(kafka) == "idle")
        order(kafka, "deleted")
        until(lambda: raised)
    assert isinstance(raised[0], DeletedError)
    assert state(kafka) == "deleted"
    assert not read_cursors(kafka, Codec(), UID)[LIVE].opened


def test_a_deletion_archives_what_is_open(fresh: Callable[..., KafkaSettings]) -> None:
    """The day that was not over becomes a mail although no other connector will ever state anything."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    assert mails(read_log(kafka)) < set(event_ids(read_log(kafka)))
    now_ms = [NOON_MS]
    connector = ConnectorBase(uid=UID, name="Small", collect=SINCE)
    Administrator(
        connector, "webex", kafka, Codec(), Waiting(threading.Event()), clock=lambda: now_ms[0]
    ).order("deleted")
    log = read_log(kafka)
    assert mails(log) == set(event_ids(log))
    last = controls(log, "watermark")[0][-1]["watermark_ms"]
    assert NOON_MS + DAY_MS <= last < NOON_MS + STALL_MS  # never far enough to close what others have open


@pytest.mark.parametrize("again", [False, True], ids=["at its next start", "by a second order"])
def test_what_a_collector_sends_after_its_deletion_is_archived(
    fresh: Callable[..., KafkaSettings], again: bool
) -> None:
    """Stopped in mid-round behind the last watermark: events of live and of a back-fill become mails, said once."""
    kafka, source = fresh(), hourly()
    a_runner(source, kafka).once()
    half = Lane("backfill-half", BASE_MS - 9 * DAY_MS, BASE_MS)
    zombie = a_runner(source, kafka)
    zombie._sink.open()
    zombie._desk.cursor(replace(read_cursors(kafka, Codec(), UID)[LIVE], lane=half))
    order(kafka, "deleted")
    zombie._desk.events(captured(90_001, NOON_MS + 1), LIVE)
    zombie._desk.events(captured(90_002, BASE_MS - DAY_MS), half.name)
    zombie._end()
    assert len(set(event_ids(read_log(kafka))) - mails(read_log(kafka))) == 2
    if again:
        order(kafka, "deleted")
    else:
        with pytest.raises(DeletedError):
            a_runner(source, kafka).once()
    log = read_log(kafka)
    assert mails(log) == set(event_ids(log))
