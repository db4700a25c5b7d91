"""What is on its way is waited for before it is called missing."""

import threading
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from cli.parts.catching_up import caught_up
from cli.parts.config import load
from consumers.drain import IMPORT, backlogs, group_members
from consumers.writing import new_producer
from schemas.broker import KafkaSettings
from schemas.topics import DELIVERIES
from tests.streams.worker_rig import Rig

pytestmark = pytest.mark.kafka


def test_importers_are_waited_for_too(kafka: KafkaSettings, tmp_path: Path) -> None:
    """Mails that are stored and not yet imported: the importer's group is asked, though no worker runs."""
    path = Rig(kafka, tmp_path).write_config()
    with path.open("a", encoding="utf-8") as file:
        file.write(f'[import.target]\nkind = "folder"\npath = "{tmp_path / "boxes"}"\n')
    config = load(path)
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
