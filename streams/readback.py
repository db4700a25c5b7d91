"""Read a partition from its beginning to its present end, without a group: how a worker restores what it remembers."""

from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.broker import KafkaSettings
from schemas.commits import Bounds
from schemas.topics import Topic
from streams.connection import aiokafka_kwargs
from streams.refusals import DependencyError

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.5
Seen = Callable[[Bounds], None]
"""Told how the partition stands before the first value comes; what it raises ends the reading."""


class Kept(NamedTuple):
    """One record of a topic that is read back."""

    position: int
    key: bytes | None
    value: bytes


async def read_back(
    kafka: KafkaSettings, topic: Topic, partition: int, seen: Seen = lambda _: None
) -> AsyncIterator[bytes]:
    """The values of `read_records`."""
    async for record in read_records(kafka, topic, partition, seen):
        yield record.value


async def read_records(
    kafka: KafkaSettings, topic: Topic, partition: int, seen: Seen = lambda _: None, *, start: int = 0
) -> AsyncIterator[Kept]:
    """All records that stand there now, from position `start` on, tombstones left out.

    DependencyError when Kafka gives nothing more for PATIENCE_SECONDS, though there is more.
    """
    # A short wait: stopping a consumer lasts as long as the fetch that is under way.
    consumer = AIOKafkaConsumer(
        **aiokafka_kwargs(kafka), group_id=None, enable_auto_commit=False, fetch_max_wait_ms=50,
        auto_offset_reset="none",  # a partition that is cut meanwhile is an error, and no shorter one
    )  # fmt: skip
    await consumer.start()
    try:
        where = TopicPartition(kafka.topic(topic.name), partition)
        consumer.assign([where])
        # `seek_to_beginning` right after `assign` may stay at the end (measured); an explicit offset does not.
        begin = (await consumer.beginning_offsets([where]))[where]
        end = (await consumer.end_offsets([where]))[where]
        seen(Bounds(begin, end))
        begin = max(begin, start)
        consumer.seek(where, begin)
        async for record in records(consumer, where, begin, end):
            if record.value is not None:
                yield Kept(record.offset, record.key, record.value)
    finally:
        await consumer.stop()


async def records(consumer: Any, where: TopicPartition, at: int, end: int) -> AsyncIterator[Any]:
    """Records from `at` to below `end`, as an AIOKafkaConsumer gives them; DependencyError as above."""
    idle = 0
    while at < end:
        found = await consumer.getmany(where, timeout_ms=int(POLL_SECONDS * 1000))
        for record in found.get(where, []):
            if record.offset < end:
                yield record
        # And not the last record's offset: compaction may have taken the last ones out.
        before, at = at, await consumer.position(where)
        idle = 0 if at > before else idle + 1
        if idle * POLL_SECONDS > PATIENCE_SECONDS:
            name = f"{where.topic}/{where.partition}"
            msg = (
                f"{name}: nothing came for {PATIENCE_SECONDS:.0f} s at position {at} of {end}; is Kafka well?"
            )
            raise DependencyError(msg)
