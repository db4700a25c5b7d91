"""Collectors and brokers killed at random moments: nothing is lost, and no watermark lies."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from kafka import TopicPartition

from sandbox.kafka import KafkaServer
from schemas.broker import KafkaSettings
from tests.producers.collector_process import BEGIN_MS, FastSource
from tests.producers.log_reader import a_consumer, broken_promises, controls, event_ids, read_log
from tests.producers.small_source import BASE_MS, DAY_MS, made_event

UNTIL_MS = BASE_MS + 6 * DAY_MS
SPEED = 20_000.0  # two days of the source's clock in some 9 s
SLOWER = 7_000.0  # in some 25 s, so that a broker can be killed meanwhile
PATIENCE_S = 180
"""Of a machine that has much else to do."""

pytestmark = pytest.mark.kafka


class Collectors:
    """Starts collector processes that share one source, one log and one clock."""

    def __init__(self, kafka: KafkaSettings, folder: Path, speed: float = SPEED) -> None:
        self._kafka = kafka
        self._origin = folder / "origin"
        self._clock = FastSource(self._origin, speed, UNTIL_MS)
        self._arguments = [
            kafka.bootstrap,
            kafka.topic_prefix,
            str(self._origin),
            str(speed),
            str(UNTIL_MS),
            str(folder),
        ]

    def let_time_run(self, part: float = 2.0) -> None:
        """On to this part of the two days behind the fourth, 2: for ever. However slow we are, nothing later is collected."""
        now, to_ms = self._clock.now_ms(), BEGIN_MS + int(part * (UNTIL_MS - BEGIN_MS))
        draft = self._origin.with_suffix(".draft")
        draft.write_text(f"{time.time_ns() // 1_000_000} {now} {to_ms}")
        draft.rename(self._origin)

    def start(self, mode: str) -> subprocess.Popen[bytes]:
        """A process that runs on, or collects once up to UNTIL_MS."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.producers.collector_process", *self._arguments, mode]
        )

    def at_work(self, process: subprocess.Popen[bytes], more_than: int = 0) -> int:
        """Wait until the log holds more records than that, and make sure that there is work left; returns how many."""
        count = self.gets_on(process, more_than)
        assert set(event_ids(read_log(self._kafka))) < expected_ids(), "there is nothing left to do"
        return count

    def gets_on(self, process: subprocess.Popen[bytes], more_than: int) -> int:
        """Wait until the log holds more records than that; returns how many."""
        deadline = time.monotonic() + PATIENCE_S
        while (count := records(self._kafka)) <= more_than:
            assert process.poll() is None
            assert time.monotonic() < deadline, "the collector does not get on"
            time.sleep(0.05)
        assert process.poll() is None
        return count

    def finish(self) -> None:
        """Collect the rest."""
        self.let_time_run()
        assert self.start("once").wait(PATIENCE_S) == 0


def records(kafka: KafkaSettings) -> int:
    """How many records there are in raw-events."""
    with closing(a_consumer(kafka)) as consumer:
        places = [TopicPartition(kafka.topic("raw-events"), number) for number in range(kafka.partitions)]
        return sum(consumer.end_offsets(places).values())


def expected_ids() -> set[bytes]:
    """Ids of all events up to UNTIL_MS."""
    return {made_event(n, 0)["id"] for n in range(len(FastSource(Path("none"), 1.0, UNTIL_MS).times))}


@pytest.mark.slow
def test_a_collector_killed_at_random_moments_loses_nothing(
    fresh: Callable[..., KafkaSettings], tmp_path: Path
) -> None:
    """Six SIGKILLs between start and end: all events are there, and none comes after its watermark."""
    kafka = fresh()
    collectors = Collectors(kafka, tmp_path)
    chance = random.Random(7)
    for turn in range(6):
        count = records(kafka)
        process = collectors.start("run")
        if turn >= 2:  # the first two lives are spent on the back-fill
            collectors.let_time_run((turn - 1) / 5)
        collectors.at_work(process, count)
        time.sleep(chance.uniform(0.0, 0.5))
        assert process.poll() is None
        process.kill()
        process.wait()
    collectors.finish()
    log = read_log(kafka)
    assert set(event_ids(log)) == expected_ids()
    assert broken_promises(log) == []
    assert all(len(closed) >= 1 for closed in controls(log, "lane_closed").values())


@pytest.mark.slow
def test_two_collectors_of_one_connector_do_no_harm(
    fresh: Callable[..., KafkaSettings], tmp_path: Path
) -> None:
    """A second one that should not run repeats what the first has said, and neither lies."""
    kafka = fresh()
    collectors = Collectors(kafka, tmp_path)
    collectors.let_time_run()
    both = [collectors.start("once"), collectors.start("once")]
    assert [process.wait(PATIENCE_S) for process in both] == [0, 0]
    log = read_log(kafka)
    assert set(event_ids(log)) == expected_ids()
    assert broken_promises(log) == []


@pytest.mark.slow
def test_a_broker_killed_twice_loses_nothing(
    broker: KafkaServer, fresh: Callable[..., KafkaSettings], tmp_path: Path
) -> None:
    """The collector goes on by itself once the broker is back; it is not restarted."""
    kafka = fresh()
    collectors = Collectors(kafka, tmp_path, SLOWER)
    process = collectors.start("once")
    count = collectors.at_work(process)
    for part in (0.4, 0.8):
        collectors.let_time_run(part)
        count = collectors.at_work(process, count)
        broker.kill()
        time.sleep(1.0)
        broker.start()
    collectors.let_time_run()
    assert process.wait(PATIENCE_S) == 0
    log = read_log(kafka)
    assert set(event_ids(log)) == expected_ids()
    assert broken_promises(log) == []


@pytest.mark.slow
def test_a_broker_away_for_longer_than_a_record_may_take(
    broker: KafkaServer, fresh: Callable[..., KafkaSettings], tmp_path: Path
) -> None:
    """Records that kafka-python gave up on are sent again by a new producer."""
    kafka = fresh()
    collectors = Collectors(kafka, tmp_path, SLOWER)
    process = collectors.start("impatient")
    count = collectors.at_work(process)
    collectors.let_time_run(0.5)
    collectors.at_work(process, count)
    broker.kill()
    collectors.let_time_run()
    time.sleep(7.0)
    broker.start()
    assert process.wait(PATIENCE_S) == 0
    log = read_log(kafka)
    assert set(event_ids(log)) == expected_ids()
    assert broken_promises(log) == []


@pytest.mark.slow
def test_a_stop_ends_the_collector_in_time(
    broker: KafkaServer, fresh: Callable[..., KafkaSettings], tmp_path: Path
) -> None:
    """SIGTERM ends it within 10 s, at work and while Kafka is down."""
    kafka = fresh()
    collectors = Collectors(kafka, tmp_path, SLOWER)
    for down in (False, True):
        collectors.let_time_run(0.8 if down else 0.4)
        count = records(kafka)
        process = collectors.start("run")
        collectors.at_work(process, count)
        if down:
            broker.kill()
            time.sleep(1.5)  # so long that it has noticed
            assert process.poll() is None
        began = time.monotonic()
        process.terminate()
        assert process.wait(30) == 0
        assert time.monotonic() - began < 10
    broker.start()
