"""Read a partition from its beginning to its present end, without a group: how a worker restores what it remembers."""

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.broker import KafkaSettings
from schemas.topics import Topic
from streams.connection import aiokafka_kwargs


async def read_back(kafka: KafkaSettings, topic: Topic, partition: int) -> AsyncIterator[bytes]:
    """Values of all records that stand there now, tombstones left out."""
    # A short wait: stopping a consumer lasts as long as the fetch that is under way.
    consumer = AIOKafkaConsumer(
        **aiokafka_kwargs(kafka), group_id=None, enable_auto_commit=False, fetch_max_wait_ms=50
    )
    await consumer.start()
    try:
        where = TopicPartition(kafka.topic(topic.name), partition)
        consumer.assign([where])
        end = (await consumer.end_offsets([where]))[where]
        # `seek_to_beginning` right after `assign` may stay at the end (measured); an explicit offset does not.
        consumer.seek(where, (await consumer.beginning_offsets([where]))[where])
        while await consumer.position(where) < end:
            for records in (await consumer.getmany(where, timeout_ms=500)).values():
                for record in records:
                    if record.offset < end and record.value is not None:
                        yield record.value
    finally:
        await consumer.stop()
