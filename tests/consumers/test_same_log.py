"""Caches of topics notice that they read another log now, however long it is: another prefix, or topics that were made anew."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from consumers.disposition.filling import fill
from consumers.disposition.index import Index
from consumers.importing.partition import Partition
from consumers.logbook.reading import catch_up
from consumers.logbook.runs import Runs
from consumers.monitor import Monitor
from consumers.reading import Reader
from consumers.tally import Tally
from consumers.writing import new_producer
from schemas import codec, ids
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.dispositions import Scope
from schemas.topics import CATALOGUE, DELIVERIES, IMPORTS
from stores.folder import FolderStore
from tests.consumers.ledger import delivery, write
from tests.schemas.test_formats import example

pytestmark = pytest.mark.kafka
Cache = Callable[[KafkaSettings, Path], int]


def monitor(kafka: KafkaSettings, folder: Path) -> int:
    """Mails that the monitor counts."""
    with contextlib.closing(Monitor(kafka, Codec(), {}, folder / "monitor.sqlite")) as one:
        stop = threading.Event()
        threading.Timer(0.1, stop.set).start()
        one.run(stop)
    with contextlib.closing(Tally(folder / "monitor.sqlite")) as tally:
        return tally.counters("lp").mails


def logbook(kafka: KafkaSettings, folder: Path) -> int:
    """Mails of the connector log."""
    with contextlib.closing(Runs(folder / "log.sqlite")) as runs:
        catch_up(runs, kafka, Codec())
        return runs.run("stored", "lp", datetime.now(UTC).date()).available_from_source


def disposition(kafka: KafkaSettings, folder: Path) -> int:
    """Mails that an order of everything would find."""
    with Index(folder / "disposition.sqlite") as index:
        asyncio.run(fill(index, kafka, Codec(), FolderStore(folder / "archive")))
        return len(list(index.standing(Scope("lp"))))


def receipts(kafka: KafkaSettings, folder: Path) -> int:
    """Copies that an importer takes for done."""
    one = Partition(0, kafka, Codec(), folder, committed=0, begin=0, end=0)
    with contextlib.closing(one):
        return sum(one.receipts.counts().get("lp", {}).values())


def say(kafka: KafkaSettings, *numbers: int) -> None:
    """Mails with these numbers, and a receipt for each."""
    write(kafka, [(0, delivery(number, {"ana": "ok"}, conversation=f"c{number}")) for number in numbers])
    with new_producer(kafka) as producer:
        for number in numbers:
            mail = ids.digest("mail", "lp", str(number))
            one = {**example("Receipt"), "connector_uid": "lp", "mail_id": mail, "outcome": "ok"}
            producer.send(kafka.topic(IMPORTS.name), partition=0, value=codec.encode("Receipt", one))


@pytest.mark.parametrize("cache", [monitor, logbook, disposition, receipts])
def test_another_log_is_not_added_to_what_was_read_of_the_first(
    new_kafka: Callable[..., KafkaSettings], tmp_path: Path, cache: Cache
) -> None:
    """Three mails there, five here: no position is beyond its end. Of the same log nothing is forgotten."""
    first, second = new_kafka(1), new_kafka(1)
    say(first, 0, 1, 2)
    say(second, 10, 11, 12, 0, 1)  # where the first one ended, nothing comes that it lacks
    assert [cache(kafka, tmp_path) for kafka in (first, second, second, first)] == [3, 5, 5, 3]
    say(first, 3)
    assert cache(first, tmp_path) == 4


def test_topics_that_are_made_anew_are_others(kafka: KafkaSettings) -> None:
    """The same name on the same cluster has another identity, and keeps it from then on."""
    former = identity(kafka)
    assert identity(kafka) == former
    with contextlib.closing(KafkaAdminClient(**kafka.client_kwargs())) as admin:
        admin.delete_topics([kafka.topic(topic.name) for topic in CATALOGUE])
        until = time.monotonic() + 30
        while set(admin.list_topics()) & {kafka.topic(topic.name) for topic in CATALOGUE}:
            assert time.monotonic() < until
            time.sleep(0.1)
    create_topics(kafka)
    assert identity(kafka) != former


def identity(kafka: KafkaSettings) -> str:
    """Of the ledger."""
    with contextlib.closing(Reader(kafka, DELIVERIES)) as reader:
        return reader.identity
