"""The monitor against real Kafka: counters on the compacted status topic, the same after any loss of its file."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from kafka import KafkaProducer

from cli.words.status import uncounted_line
from consumers.monitor import Monitor, uncounted
from consumers.reading import Read, Reader, latest, read_all
from consumers.status import read_status
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import CONNECTOR_STATUS, DELIVERIES
from tests.consumers.ledger import delivery, write

pytestmark = pytest.mark.kafka
SCHEMA = Path(__file__).parents[2] / "schemas" / "connector-status.schema.json"
NAMES = {"lp": ("LivePerson retail", "liveperson"), "quiet": ("Webex", "webex")}
LEDGER = [
    (0, delivery(1, {"ana": "ok", "dee": "failed"}, events=3)),
    (1, delivery(2, {"eve": "external"}, conversation="c2")),
    (2, delivery(3, {"ana": "partial"}, connector="new")),
]


@contextmanager
def monitoring(kafka: KafkaSettings, path: Path | None) -> Iterator[None]:
    """A monitor in a thread for the block; it must end soon after."""
    stop = threading.Event()

    def work() -> None:
        monitor = Monitor(kafka, Codec(), NAMES, path)
        monitor.run(stop)
        monitor.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def published(kafka: KafkaSettings) -> dict[str, Any]:
    """The latest status by key; every record of the topic must be valid."""
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for record in read_all(kafka, CONNECTOR_STATUS):
        validator.validate(json.loads(record.value or b""))
    return {key.decode(): json.loads(value) for key, value in latest(kafka, CONNECTOR_STATUS).items()}


def counted(kafka: KafkaSettings, key: str = "lp/delivery", **wanted: int) -> dict[str, Any]:
    """Wait until these counters are published; all that is."""
    deadline = time.monotonic() + 30
    while True:
        found = published(kafka)
        counters = found.get(key, {}).get("counters", {})
        same = len({one["reached"] for name, one in found.items() if name.endswith("/delivery")}) == 1
        if wanted.items() <= counters.items() and found.get(key, {}).get("state") == "idle" and same:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.3)


def without_time(found: dict[str, Any]) -> dict[str, Any]:
    """All but the moment of writing."""
    return {key: {**status, "updated_at_ms": 0} for key, status in found.items()}


def test_counters_survive_the_loss_of_the_file(kafka: KafkaSettings, tmp_path: Path) -> None:
    """Valid records for every connector, also one without deliveries; with or without the file the counters are the same."""
    path = tmp_path / "monitor.sqlite"
    write(kafka, LEDGER)
    with monitoring(kafka, path):
        for key in ("new/delivery", "quiet/delivery"):  # they come one by one
            counted(kafka, key)
        first = counted(kafka, mails=2)
    assert set(first) == {"lp/delivery", "quiet/delivery", "new/delivery"}
    assert first["lp/delivery"]["connector"] == "LivePerson retail"
    assert first["lp/delivery"]["counters"]["unrouted"] == 1
    assert first["quiet/delivery"]["counters"]["mails"] == 0
    assert first["quiet/delivery"]["last_success_ms"] is None

    write(kafka, [*LEDGER, (0, delivery(4, {"ana": "ok"}))])
    with monitoring(kafka, path):
        kept = counted(kafka, mails=3)
    path.unlink()
    with monitoring(kafka, path):
        again = counted(kafka, mails=3)
    assert without_time(again) == without_time(kept)
    assert kept["lp/delivery"]["counters"]["events"] == 5
    assert kept["lp/delivery"]["reached"] == 7


def test_what_came_just_before_a_stop_is_counted(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitor that is asked to stop before its first round counts to the end all the same."""
    write(kafka, LEDGER)
    stop = threading.Event()
    poll = Reader.poll

    def nothing_yet(reader: Reader, timeout_ms: int = 500) -> list[Read]:
        if stop.is_set():
            return poll(reader, timeout_ms)
        stop.set()
        return []

    monkeypatch.setattr(Reader, "poll", nothing_yet)
    monitor = Monitor(kafka, Codec(), NAMES)
    monitor.run(stop)
    monitor.close()
    assert published(kafka)["lp/delivery"]["counters"]["mails"] == 2


def test_status_knows_what_no_monitor_has_counted(kafka: KafkaSettings, tmp_path: Path) -> None:
    """As after a rerouting by hand; also a repeat, which changes no counter, is counted in the end."""
    path = tmp_path / "monitor.sqlite"
    write(kafka, LEDGER)
    assert uncounted(kafka, read_status(kafka)) == 3
    with monitoring(kafka, path):
        counted(kafka, mails=2)
    assert uncounted(kafka, read_status(kafka)) == 0
    write(kafka, LEDGER[:1])
    assert uncounted(kafka, read_status(kafka)) == 1
    assert "1 delivery is not counted above yet" in uncounted_line(1)
    with monitoring(kafka, path):
        deadline = time.monotonic() + 30
        while uncounted(kafka, read_status(kafka)):
            assert time.monotonic() < deadline
            time.sleep(0.3)


def test_what_is_no_delivery_is_skipped(kafka: KafkaSettings, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that nobody knows are said, with their place, and stop nothing."""
    producer = KafkaProducer(**kafka.client_kwargs())
    producer.send(kafka.topic(DELIVERIES.name), value=b"no record", partition=0).get(timeout=20)
    producer.close()
    write(kafka, LEDGER)
    with monitoring(kafka, None):
        counted(kafka, mails=2)
    assert "deliveries/0/0 skipped" in caplog.text


def test_a_ledger_made_anew_is_counted_anew(
    kafka: KafkaSettings, new_kafka: Callable[..., KafkaSettings], tmp_path: Path
) -> None:
    """A file that is ahead of the ledger belongs to another one."""
    write(kafka, LEDGER)
    with monitoring(kafka, tmp_path / "monitor.sqlite"):
        counted(kafka, mails=2)
    other = new_kafka()
    write(other, LEDGER[1:2])
    with monitoring(other, tmp_path / "monitor.sqlite"):
        found = counted(other, mails=1)
    assert "new/delivery" not in found
