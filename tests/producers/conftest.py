"""Kafka for the producers' tests."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from sandbox.kafka import KafkaServer
from schemas.admin import create_topics
from schemas.broker import KafkaSettings


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """One real broker for all tests of this folder; a test that kills it starts it again."""
    with KafkaServer(tmp_path_factory.mktemp("kafka"), heap_mb=384) as server:
        yield server


@pytest.fixture
def fresh(broker: KafkaServer) -> Callable[..., KafkaSettings]:
    """Topics of one's own on that broker."""

    def make(partitions: int = 3) -> KafkaSettings:
        prefix = f"t{uuid.uuid4().hex[:8]}-"
        kafka = KafkaSettings(bootstrap=broker.bootstrap, partitions=partitions, topic_prefix=prefix)
        create_topics(kafka)
        return kafka

    return make
