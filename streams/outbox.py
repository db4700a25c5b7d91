"""What a batch sends: everything is handed over at once, and nothing counts before Kafka has confirmed all of it."""

from collections.abc import Awaitable
from typing import Any, Protocol

from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import Topic
from streams.refusals import dependency


class Producer(Protocol):
    """Faust's producer, as far as we use it; `send` returns a future that fails when delivery does."""

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

    async def confirm(self) -> None:
        """Wait until Kafka has everything; raises the error of the first record that it has not."""
        waiting, self._waiting = self._waiting, []
        with dependency("Kafka"):
            for sent in waiting:
                await sent
