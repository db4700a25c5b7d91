"""What is on its way is waited for before it is called missing."""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from cli.parts.catching_up import caught_up
from cli.parts.config import Config, load
from cli.parts.reconciling import empty_day
from consumers.drain import IMPORT, backlogs, group_members, wait_until_drained
from consumers.reconciling.compare import archive_findings
from consumers.reconciling.reading import DayReader
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import DELIVERIES
from tests.consumers.ledger import delivery
from tests.streams.feeding import UID
from tests.streams.worker_rig import Rig

pytestmark = pytest.mark.kafka


def test_importers_are_waited_for_too(kafka: KafkaSettings, tmp_path: Path) -> None:
    """Mails that are stored and not yet imported: the importer's group is asked, though no worker runs."""
    config = importing(kafka, tmp_path)
    assert config.import_ is not None
    group = config.import_.group
    with new_producer(kafka) as producer:
        producer.send(kafka.topic(DELIVERIES.name), value=b"a mail").get(timeout=60)
    assert not caught_up(config)  # nobody imports, so there is nothing to wait for

    stop = threading.Event()
    importer = threading.Thread(target=imports, args=(kafka, group, stop))
    importer.start()
    try:
        while not group_members(kafka, group):
            stop.wait(0.1)
        assert caught_up(config)
        assert sum(one.waiting for one in backlogs(kafka, group, IMPORT)) == 0
        assert not caught_up(config)
    finally:
        stop.set()
        importer.join()


def test_who_has_just_ended_is_waited_for(kafka: KafkaSettings, tmp_path: Path) -> None:
    """An importer that was killed is started again after a pause: till then nobody is in its group, and nothing is missing."""
    config = importing(kafka, tmp_path)
    assert config.import_ is not None
    group = config.import_.group
    write(kafka)
    with member(kafka, group):
        wait_until_drained(kafka, group, stages=IMPORT, patience_s=30)
    write(kafka)
    assert not group_members(kafka, group)
    with member(kafka, group, after_s=2.0):
        assert caught_up(config)


def write(kafka: KafkaSettings) -> None:
    """One more record to import."""
    with new_producer(kafka) as producer:
        producer.send(kafka.topic(DELIVERIES.name), value=b"a mail", partition=0).get(timeout=60)


@contextlib.contextmanager
def member(kafka: KafkaSettings, group: str, after_s: float = 0.0) -> Iterator[None]:
    """A member of the group from so many seconds on, until the end of the block."""
    stop = threading.Event()
    started = threading.Timer(after_s, imports, args=(kafka, group, stop))
    started.start()
    try:
        yield
    finally:
        stop.set()
        started.join()


def importing(kafka: KafkaSettings, folder: Path) -> Config:
    """A configuration with imports into folders."""
    path = Rig(kafka, folder).write_config()
    with path.open("a", encoding="utf-8") as file:
        file.write(f'[import.target]\nkind = "folder"\npath = "{folder / "boxes"}"\n')
    return load(path)


def test_receipts_are_expected_where_imports_are_configured(kafka: KafkaSettings, tmp_path: Path) -> None:
    """An importer that was dead before the day began leaves none, and that is what has to be told."""
    config = importing(kafka, tmp_path)
    for one, count in ((config, 1), (config.model_copy(update={"import_": None}), 0)):
        day, mail = empty_day(one, UID, date(2026, 3, 2)), delivery(1, {"ana": "ok"})
        DayReader(kafka, Codec(), lambda _: b"").read(day, frozenset())  # nothing was ever written
        day.deliveries[mail["mail_id"]] = [mail]
        assert sum(each.place == "mailboxes" for each in archive_findings(day)) == count


def imports(kafka: KafkaSettings, group: str, stop: threading.Event) -> None:
    """A member of the group that takes its time, then has read everything."""
    with closing(KafkaConsumer(
        **kafka.client_kwargs(), group_id=kafka.topic_prefix + group, enable_auto_commit=False, auto_offset_reset="earliest",
    )) as consumer:  # fmt: skip
        consumer.subscribe([kafka.topic(DELIVERIES.name)])
        while not stop.is_set():
            if consumer.poll(timeout_ms=200):
                stop.wait(1.5)
                consumer.commit()
