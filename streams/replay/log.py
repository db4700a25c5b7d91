"""Reading the log by position with plain consumers: no consumer group, so nothing of the live workers can move."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
from aiokafka.structs import OffsetAndMetadata

from schemas.broker import KafkaSettings
from schemas.commits import Bounds
from schemas.topics import RAW_EVENTS
from streams.connection import aiokafka_kwargs
from streams.positions import Stand
from streams.replay.errors import ReplayError

BATCH = 2_000  # records at a time, at most
FETCH_BYTES = 8 << 20
PATIENCE_SECONDS = 60.0
COORDINATOR_TRIES = 20  # half a second apart


class LogReadError(ReplayError):
    """Kafka did not give what it has; the message says what to do."""


class Entry(NamedTuple):
    """One record of the log, its bytes untouched."""

    position: int
    key: bytes | None
    value: bytes


class Log:
    """raw-events of one installation."""

    def __init__(self, kafka: KafkaSettings, consumer: AIOKafkaConsumer) -> None:
        self._topic, self._consumer = kafka.topic(RAW_EVENTS.name), consumer
        self._kafka = kafka

    async def bounds(self) -> dict[int, Bounds]:
        """By partition, now; LogReadError if there is no such topic."""
        numbers = await self._numbers()
        tps = [TopicPartition(self._topic, number) for number in sorted(numbers)]
        begins, ends = await self._consumer.beginning_offsets(tps), await self._consumer.end_offsets(tps)
        return {tp.partition: Bounds(begins[tp], ends[tp]) for tp in tps}

    async def _numbers(self) -> set[int]:
        # Only a topic that was asked for is known to a consumer without subscriptions.
        await self._consumer._client.force_metadata_update()  # noqa: SLF001 - no public way without a subscription
        found = await self._consumer._client.fetch_all_metadata()  # noqa: SLF001 - as above
        numbers: set[int] = found.partitions_for_topic(self._topic) or set()
        if not numbers:
            msg = f"topic {self._topic} does not exist; run `chatledger topics create`"
            raise LogReadError(msg)
        return numbers

    async def time_of(self, partition: int, position: int) -> int:
        """Kafka's time stamp (milliseconds since 1970 UTC) of the record at this position."""
        async for batch in self._batches(partition, position, position + 1):
            return int(batch[0].timestamp)
        raise LogReadError(f"{self._topic}/{partition}: nothing at position {position}")

    async def read(self, partition: int, start: int, until: int) -> AsyncIterator[list[Entry]]:
        """Records from `start` to below `until`, each once and in order; LogReadError where one is missing."""
        expected = start
        async for batch in self._batches(partition, start, until):
            for record in batch:
                if record.offset != expected:
                    raise LogReadError(
                        f"{self._topic}/{partition}: position {expected} is missing in the log"
                    )
                expected += 1
            yield [Entry(record.offset, record.key, record.value or b"") for record in batch]

    async def _batches(self, partition: int, start: int, until: int) -> AsyncIterator[list[Any]]:
        where = TopicPartition(self._topic, partition)
        self._consumer.assign([where])
        self._consumer.seek(where, start)
        at = start
        while at < until:
            found = await self._consumer.getmany(
                where, timeout_ms=int(PATIENCE_SECONDS * 1000), max_records=BATCH
            )
            batch = [record for record in found.get(where, []) if record.offset < until]
            if not batch:
                msg = f"{self._topic}/{partition}: nothing came for {PATIENCE_SECONDS:.0f} s at position {at}; is Kafka well?"
                raise LogReadError(msg)
            at = batch[-1].offset + 1
            yield batch


@asynccontextmanager
async def open_log(kafka: KafkaSettings) -> AsyncIterator[Log]:
    """A connection of its own, without a group."""
    consumer = AIOKafkaConsumer(
        **aiokafka_kwargs(kafka), group_id=None, enable_auto_commit=False, auto_offset_reset="none",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=FETCH_BYTES, fetch_max_bytes=4 * FETCH_BYTES,
    )  # fmt: skip
    await consumer.start()
    try:
        yield Log(kafka, consumer)
    finally:
        await consumer.stop()


async def _settled(admin: AIOKafkaAdminClient, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """What is committed; waits for a coordinator: Kafka makes its offsets topic when the first group asks for it."""
    for _ in range(COORDINATOR_TRIES):
        with suppress(
            GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError, GroupLoadInProgressError
        ):
            found: Mapping[TopicPartition, OffsetAndMetadata] = await admin.list_consumer_group_offsets(group)
            return found
        await asyncio.sleep(0.5)
    msg = f"Kafka names no coordinator of group {group}; is it well?"
    raise LogReadError(msg)


async def live_stands(kafka: KafkaSettings, group: str) -> Mapping[int, Stand]:
    """Where the live workers are in raw-events, by partition; empty where they never committed. Changes nothing."""
    admin = AIOKafkaAdminClient(**aiokafka_kwargs(kafka))
    await admin.start()
    try:
        stored = await _settled(admin, kafka.topic_prefix + group)
    finally:
        await admin.close()
    topic = kafka.topic(RAW_EVENTS.name)
    return {
        tp.partition: Stand.said(found.offset, found.metadata)
        for tp, found in stored.items()
        if tp.topic == topic and found.offset >= 0
    }
