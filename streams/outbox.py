"""What a batch sends: everything is handed over at once, and nothing counts before Kafka has confirmed all of it."""

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import Topic
from streams.refusals import dependency


class Producer(Protocol):
    """Faust's producer, as far as we use it; `send` returns a future that fails when delivery does.

    What it gives has `topic`, `partition` and `offset` (aiokafka's RecordMetadata; offset -1: the broker doesn't remember).
    """

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None,
        timestamp: float | None, headers: Any,
    ) -> Awaitable[Any]:  # fmt: skip
        """Hand over one record."""


class Outbox:
    """Records on their way; one for each batch."""

    def __init__(self, producer: Producer, kafka: KafkaSettings, codec: Codec) -> None:
        self._producer, self._kafka, self._codec = producer, kafka, codec
        self._waiting: list[Awaitable[Any]] = []

    def encode(self, topic: Topic, name: str, record: object) -> bytes:
        """The bytes that `send` would send, to see their size."""
        return self._codec.encode(self._kafka.topic(topic.name), name, record)

    async def send(self, topic: Topic, value: bytes, *, key: bytes | None, partition: int | None) -> None:
        """Hand over one encoded record."""
        name = self._kafka.topic(topic.name)
        with dependency(name):
            self._waiting.append(await self._producer.send(name, key, value, partition, None, None))

    async def confirm(self) -> Mapping[tuple[str, int | None], int]:
        """Wait until Kafka has everything; raises the error of the first record that it has not.

        By full topic name and partition: the offset behind the last record, where the broker has said it.
        """
        waiting, self._waiting = self._waiting, []
        ends: dict[tuple[str, int | None], int] = {}
        with dependency("Kafka"):
            for sent in waiting:
                place = await sent
                ends[place.topic, place.partition] = place.offset + 1
        return {where: end for where, end in ends.items() if end > 0}
