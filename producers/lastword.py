"""The status of a collector that ends before it has anything to write with: best effort, bounded in time."""

import logging
from contextlib import closing
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.broker import KafkaSettings
from schemas.clients import opened
from schemas.status import ConnectorStatus, encode_status, status_key
from schemas.topics import CONNECTOR_STATUS

log = logging.getLogger(__name__)

CALL_MS = 4_000


def last_word(kafka: KafkaSettings, status: ConnectorStatus) -> None:
    """Write one status without asking how topics are laid out, for that may be what went wrong. Raises nothing of Kafka's."""
    try:
        with closing(_producer(kafka)) as producer:
            topic = kafka.topic(CONNECTOR_STATUS.name)
            producer.send(topic, value=encode_status(status), key=status_key(status)).get(CALL_MS / 1000)
    except (KafkaError, OSError, ValueError) as error:
        log.debug("no status written: %s", error)


def _producer(kafka: KafkaSettings) -> Any:
    return opened(
        KafkaProducer, **kafka.client_kwargs(), acks="all", allow_auto_create_topics=False, max_block_ms=CALL_MS,
        bootstrap_timeout_ms=CALL_MS, request_timeout_ms=CALL_MS, delivery_timeout_ms=CALL_MS, linger_ms=0,
    )  # fmt: skip
