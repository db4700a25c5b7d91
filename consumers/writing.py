"""A producer for what consumers write themselves: mappings, their activations, status."""

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import KafkaProducer

from schemas.broker import KafkaSettings
from schemas.clients import opened, shut
from schemas.status import ConnectorStatus, encode_status, status_key
from schemas.topics import CONNECTOR_STATUS, MAX_RECORD_BYTES

ANSWER_MS = 10_000  # longest wait for a broker that does not answer
CLOSE_S = 3.0


@contextmanager
def new_producer(kafka: KafkaSettings) -> Iterator[KafkaProducer]:
    """An idempotent producer for the block. Wait for each record's future: nothing else says that it arrived."""
    producer = opened(
        KafkaProducer, **kafka.client_kwargs(), acks="all", enable_idempotence=True, allow_auto_create_topics=False,
        max_request_size=MAX_RECORD_BYTES + 48_576, compression_type="zstd", max_block_ms=ANSWER_MS,
        bootstrap_timeout_ms=ANSWER_MS, request_timeout_ms=ANSWER_MS, delivery_timeout_ms=3 * ANSWER_MS,
    )  # fmt: skip
    try:
        yield producer
    finally:
        shut(producer, CLOSE_S)


def publish_status(kafka: KafkaSettings, status: ConnectorStatus) -> None:
    """Write a record of topic connector-status; confirmed on return. KafkaError."""
    with new_producer(kafka) as producer:
        topic = kafka.topic(CONNECTOR_STATUS.name)
        producer.send(topic, key=status_key(status), value=encode_status(status)).get(timeout=30)
