"""What goes wrong before the first round of a collector is said where a monitor looks."""

import threading
from collections.abc import Callable

import pytest

from producers.cursor import CursorError, cursor_key
from producers.lanes import LIVE
from producers.sink import PartitionCountError, Sink
from producers.source import SourceUnavailableError
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from tests.producers.cursors import read_cursors
from tests.producers.small_source import BASE_MS, DAY_MS, UID, SmallSource
from tests.producers.test_runner_kafka import NOON_MS, a_runner, hourly, statuses

pytestmark = pytest.mark.kafka
LIVE_STATUS = f"{UID}/collector/live".encode()


def said(kafka: KafkaSettings) -> tuple[str, str]:
    """State and last error of live."""
    status = statuses(kafka)[LIVE_STATUS]
    return status["state"], status["last_error"]["message"]


@pytest.mark.parametrize("way", ["run", "once"])
def test_another_layout_of_the_topics_is_on_the_status_topic(
    fresh: Callable[..., KafkaSettings], way: str
) -> None:
    """Although the collector never got so far as to have a producer."""
    kafka = fresh()
    runner = a_runner(hourly(), kafka.model_copy(update={"partitions": 4}))
    with pytest.raises(PartitionCountError):
        getattr(runner, way)()
    state, message = said(kafka)
    assert state == "failed"
    assert "has 3 partitions, expected 4" in message


def test_a_layout_that_the_cursor_does_not_know_is_on_the_status_topic(
    fresh: Callable[..., KafkaSettings],
) -> None:
    """Cluster and configuration agree, but the cursor remembers another number."""
    before, now = fresh(partitions=3), fresh(partitions=4)
    a_runner(hourly(), before).once()
    saved = read_cursors(before, Codec(), UID)[LIVE]
    runner = a_runner(hourly(), now)
    runner._sink.open()
    runner._desk.cursor(saved)
    with pytest.raises(PartitionCountError):
        runner.once()
    assert said(now)[0] == "failed"


def test_a_cursor_that_cannot_be_read_is_on_the_status_topic(fresh: Callable[..., KafkaSettings]) -> None:
    """Somebody has to look, and is told where."""
    kafka = fresh()
    sink = Sink(kafka, Waiting(threading.Event()))
    sink.open()
    sink.send("cursors", b"\xc3\x01 no cursor", key=cursor_key(UID, LIVE))
    sink.confirm()
    sink.close()
    with pytest.raises(CursorError):
        a_runner(hourly(), kafka).once()
    assert said(kafka)[0] == "failed"
    assert "small-1/live can't be read" in said(kafka)[1]


def test_a_mistake_before_the_first_round_is_on_the_status_topic(
    fresh: Callable[..., KafkaSettings],
) -> None:
    """Whatever it is."""

    class Broken(SmallSource):
        def now_ms(self) -> int:
            raise ZeroDivisionError("no clock")

    kafka = fresh()
    with pytest.raises(ZeroDivisionError):
        a_runner(Broken([], BASE_MS + DAY_MS), kafka).once()
    assert said(kafka) == ("failed", "ZeroDivisionError: no clock")


def test_once_waits_for_a_source_that_is_down_after_its_first_answer(
    fresh: Callable[..., KafkaSettings],
) -> None:
    """Whichever of its first answers is a 503."""

    class Shaky(SmallSource):
        answers = 0

        def now_ms(self) -> int:
            self.answers += 1
            if self.answers == 2:
                raise SourceUnavailableError("503")
            return super().now_ms()

    source = Shaky([NOON_MS - 3_600_000], NOON_MS)
    assert a_runner(source, fresh()).once()
    assert source.answers > 2
