"""One key, one partition, whoever writes: collectors (kafka-python), workers (Faust on aiokafka), and Kafka's own tools."""

import re
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner as WorkersPartitioner
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import KafkaProducer
from kafka.partitioner.default import DefaultPartitioner as CollectorsPartitioner
from kafka.partitioner.default import murmur2

from producers.sink import Sink
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.topics import CATALOGUE, CONNECTOR_STATUS, DEAD_LETTERS, RAW_EVENTS
from streams.app import new_app
from streams.settings import WorkerSettings

STREAMS = Path(__file__).parents[1] / "streams"
KAFKA = KafkaSettings(bootstrap="nowhere.invalid:1", partitions=3)
# From UtilsTest.testMurmur2 of Apache Kafka's own client, as unsigned numbers.
JAVAS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


def chosen_by_kafka_python(key: bytes, count: int) -> int:
    """What its producer takes where none is named: the monitor's, and that of `mapping apply`."""
    cluster = SimpleNamespace(
        topics=lambda: {"t"},
        partitions_for_topic=lambda _: set(range(count)),
        available_partitions_for_topic=lambda _: set(range(count)),
    )
    return int(CollectorsPartitioner().partition("t", key, key, b"", b"", cluster))


def chosen_by_us(key: bytes, count: int) -> int:
    """What a collector names, whatever the topic has."""
    kafka = KAFKA.model_copy(update={"partitions": count})
    record = Sink(kafka, Waiting(Event()))._addressed(RAW_EVENTS.name, b"", key, None)
    assert record.partition is not None
    return record.partition


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=40), st.integers(1, 64))
def test_all_clients_put_a_key_into_the_same_partition(key: bytes, count: int) -> None:
    """A conversation whose records were in two partitions would be two mails."""
    partitions = list(range(count))

    by_worker = WorkersPartitioner()(key, partitions, partitions)
    assert by_worker == chosen_by_kafka_python(key, count) == chosen_by_us(key, count)


@pytest.mark.parametrize("key", JAVAS)
def test_that_is_where_kafka_s_own_tools_put_it(key: bytes) -> None:
    """Who repairs a topic with them must not move a conversation."""
    assert murmur2(key) & 0xFFFFFFFF == JAVAS[key] & 0xFFFFFFFF


def test_these_are_the_partitioners_that_are_used_where_none_is_named() -> None:
    """Defaults of the installed versions, which nothing of ours replaces."""
    worker = new_app(KAFKA, WorkerSettings())

    assert isinstance(KafkaProducer.DEFAULT_CONFIG["partitioner"], CollectorsPartitioner)
    assert worker.conf.producer_partitioner is None
    assert type(AIOKafkaProducer.__init__.__kwdefaults__["partitioner"]) is WorkersPartitioner


def test_workers_name_the_partition_of_all_that_has_more_than_one() -> None:
    """What they write stays beside what they read; letters and status have one partition for everything."""
    single = {topic.name for topic in CATALOGUE if not topic.partitioned}
    texts = [path.read_text(encoding="utf-8") for path in STREAMS.rglob("*.py")]
    unnamed = re.findall(r"outbox\.send\(\s*(\w+),[^@]*?partition=(\S+)\)?\n", "\n".join(texts))

    assert len(unnamed) >= 5
    assert {DEAD_LETTERS.name, CONNECTOR_STATUS.name} <= single
    assert {topic for topic, partition in unnamed if partition.startswith("None")} == {"DEAD_LETTERS"}
