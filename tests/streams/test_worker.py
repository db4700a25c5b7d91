"""The worker as a process on a real broker: what it archives, what it commits, and what no crash may change."""

import json
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from consumers.reading import latest, read_all
from schemas import codec
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.topics import CLOSINGS, CONNECTOR_STATUS, DEAD_LETTERS, RAW_EVENTS
from tests.streams.feeding import Feeder, expected_mails
from tests.streams.worker_rig import GROUP, Rig, committed, delivered_mails, deliveries, end_of

SCHEMA = Path(__file__).parents[2] / "schemas" / "connector-status.schema.json"

pytestmark = pytest.mark.kafka


@pytest.fixture
def rig(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Rig]:
    """Workers with a folder as their store; none outlives its test."""
    with Rig(kafka, tmp_path) as made:
        yield made


def eventually(holds: Callable[[], bool], timeout_s: float = 30) -> None:
    """Return when it holds; AssertionError when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def archived(rig: Rig) -> set[str]:
    """Paths of all mails in the archive, below the store's root."""
    return {
        str(path.relative_to(rig.archive))
        for path in (rig.archive / "_mails").rglob("*.eml")
        if path.is_file()
    }


def letters(kafka: KafkaSettings) -> list[Any]:
    """Every dead letter."""
    return [codec.decode(record.value).value for record in read_all(kafka, DEAD_LETTERS) if record.value]


def test_archives_commits_and_reports(rig: Rig, kafka: KafkaSettings) -> None:
    """Mails as the oracle has them; open slices hold the commit back; every stage reports validly; SIGTERM ends with 0."""
    feeder = Feeder(kafka)  # settings are record 0 of each partition
    for conversation in range(6):
        feeder.say(conversation, 0, 0, 1, 2)  # records 1 and 2 of each
    feeder.watermark(1)  # record 3 closes them
    feeder.say(0, 1, 0)  # record 4 of partition 0 stays open
    feeder.say(0, 0, 1, 7)  # record 5: late, one message known, one new
    worker = rig.start()  # puts its user mapping in force: one more record in each partition
    rig.drained()
    assert delivered_mails(kafka) == expected_mails(kafka)
    eventually(lambda: committed(kafka, RAW_EVENTS) == {0: (4, 7), 1: (5, 5), 2: (5, 5)})
    feeder.watermark(2)
    rig.drained()
    assert delivered_mails(kafka) == expected_mails(kafka)
    assert sorted((count, revision) for _, revision, count, _ in expected_mails(kafka))[:3] == [
        (1, 0),
        (1, 1),
        (3, 0),
    ]
    assert archived(rig) == {one["path"] for one in deliveries(kafka)}
    eventually(lambda: committed(kafka, RAW_EVENTS) == {0: (8, 8), 1: (6, 6), 2: (6, 6)})
    eventually(lambda: reported(kafka) == {"assemble": 20, "archive": 8})
    assert rig.stop() == [0], end_of(worker)


def reported(kafka: KafkaSettings) -> dict[str, int]:
    """Sum of what each stage says that it has reached; every record is valid and under its own key."""
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    sums: dict[str, int] = {}
    for key, value in latest(kafka, CONNECTOR_STATUS).items():
        status = json.loads(value)
        validator.validate(status)
        assert key.decode() == f"*/{status['component']}/{status['partition']}"
        sums[status["component"]] = sums.get(status["component"], 0) + status["reached"]
    return sums


def test_what_is_malformed_goes_to_dead_letters_and_the_rest_flows_on(rig: Rig, kafka: KafkaSettings) -> None:
    """Bytes that are no record of ours are kept as they were, with place and reason; what follows is archived."""
    feeder = Feeder(kafka)
    feeder.say(0, 0, 0)
    bad = [b"not avro at all", b"", bytes(range(256)), codec.encode("Cursor", _cursor())]
    for value in bad:
        feeder.say_bytes(0, value)
    feeder.say(0, 0, 1)
    feeder.watermark(1)
    rig.start()
    rig.drained()
    found = letters(kafka)
    topic = kafka.topic(RAW_EVENTS.name)
    assert [(one["partition"], one["position"], one["value"]) for one in found] == [
        (0, 2 + number, value) for number, value in enumerate(bad)
    ]
    assert {(one["stage"], one["topic"]) for one in found} == {("assemble", topic)}
    assert all(one["reason"] for one in found)
    assert [count for _, _, count, _ in delivered_mails(kafka)] == [2]


def _cursor() -> dict[str, Any]:
    return {"connector_uid": "wx", "lane": "live", "watermark_ms": 1, "state": "open", "updated_at_ms": 1}


def test_a_log_that_was_cut_above_what_is_needed_stops_the_worker(rig: Rig, kafka: KafkaSettings) -> None:
    """Better no worker than conversations without their beginning: it ends with an error that says so."""
    feeder = Feeder(kafka)
    feeder.say_all([(0, 0, (0,)), (0, 0, (1,)), (0, 0, (2,))])
    rig.start()
    eventually(lambda: committed(kafka, RAW_EVENTS).get(0) == (1, 5))
    assert rig.stop() == [0]
    with closing(KafkaAdminClient(**kafka.client_kwargs())) as admin:
        admin.delete_records({TopicPartition(kafka.topic(RAW_EVENTS.name), 0): 3})
    worker = rig.start()
    assert worker.wait(60) != 0
    assert "still needed" in worker.log.read_text()


def test_closings_that_were_made_anew_stop_the_worker(rig: Rig, kafka: KafkaSettings) -> None:
    """The commits say how far the topic went, whatever is in it now; deleted with the group, all is read again."""
    feeder = Feeder(kafka)
    feeder.say(0, 0, 0, 1)
    feeder.watermark(1)
    rig.start()
    rig.drained()
    assert rig.stop() == [0]
    before = archived(rig)
    with closing(KafkaAdminClient(**kafka.client_kwargs())) as admin:
        admin.delete_topics([kafka.topic(CLOSINGS.name)])
        eventually(lambda: kafka.topic(CLOSINGS.name) not in admin.list_topics())
    create_topics(kafka)
    feeder.say(0, 0, 0, 1)
    worker = rig.start()
    assert worker.wait(60) != 0
    assert "closings/0 ends at 0, and" in worker.log.read_text()
    rig.running.clear()
    with closing(KafkaAdminClient(**kafka.client_kwargs())) as admin:
        admin.delete_groups([kafka.topic_prefix + GROUP])
    feeder.watermark(2)
    rig.start()
    rig.drained()
    assert archived(rig) == before


def test_a_worker_that_the_coordinator_refuses_ends(kafka: KafkaSettings, tmp_path: Path) -> None:
    """A session longer than the broker allows is refused for good: no silent waiting, but an exit within 15 s."""
    with Rig(kafka, tmp_path, worker={"session_seconds": 3600}) as rig:
        worker = rig.start()
        eventually(lambda: "InvalidSessionTimeout" in worker.log.read_text(), 60)
        began = time.monotonic()
        assert worker.wait(60) != 0
        assert time.monotonic() - began < 15


@pytest.mark.slow
@pytest.mark.parametrize(
    "after_s", [0.2, pytest.param(0.0, marks=pytest.mark.long), pytest.param(None, marks=pytest.mark.long)]
)
def test_a_second_worker_that_joins_at_once_loses_nothing(
    kafka: KafkaSettings, tmp_path: Path, after_s: float | None
) -> None:
    """A fresh group with a backlog is rebalanced before its first commit: nothing may be skipped. None: once one has joined."""
    feeder = Feeder(kafka)
    for day in range(3):
        feeder.say_all([(number % 60, day, (number,)) for number in range(600)])
    feeder.watermark(4)
    slow = {"session_seconds": 10, "commit_seconds": 5}
    with Rig(kafka, tmp_path, worker=slow) as rig:
        first = rig.start()
        if after_s is None:
            eventually(lambda: " owns " in first.log.read_text())
        time.sleep(after_s or 0)
        rig.start()
        rig.drained()
    assert delivered_mails(kafka) == expected_mails(kafka)
    assert len(expected_mails(kafka)) == 180


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_workers_killed_at_random_moments_lose_and_double_nothing(
    rig: Rig, kafka: KafkaSettings, seed: int
) -> None:
    """Two workers, six kills in the middle of writing: the same mails as the oracle's, each in the archive once."""
    chance = random.Random(seed)
    rig.start()
    rig.start()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(_write_days, kafka, random.Random(seed), 30)
        for _ in range(6):
            time.sleep(chance.uniform(1.0, 4.0))
            rig.running.pop(chance.randrange(2)).kill()
            rig.start()
        writing.result(120)
    rig.drained()
    want = expected_mails(kafka)
    assert len(want) > 900
    assert delivered_mails(kafka) == want
    paths = {one["path"] for one in deliveries(kafka)}
    assert archived(rig) == paths
    assert len(paths) == len(want)
    assert letters(kafka) == []
    assert _closings(kafka) == len(want)


def _write_days(kafka: KafkaSettings, chance: random.Random, days: int) -> None:
    """A day about every second, so that every stage always has something to do; late events and known ones between."""
    feeder = Feeder(kafka)
    for day in range(days):
        feeder.say_all([(n, day, (n, n + 1)) for n in range(30)])
        feeder.say_all([(n, chance.randrange(day + 1), (n, 500 + day)) for n in range(day, 30, 7)])
        time.sleep(chance.uniform(0.1, 1.0))
        feeder.watermark(day + 1)
    feeder.watermark(days + 2)


def _closings(kafka: KafkaSettings) -> int:
    """How many closings took events: repeats replace themselves, since they have the same key."""
    values = [codec.decode(value) for value in latest(kafka, CLOSINGS).values()]
    return sum(name == "Closing" and value["count"] > 0 for name, value in values)
