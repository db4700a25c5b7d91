"""The one way from a collector to Kafka: nothing counts as sent before its own future says so.

    send() ─▶ [ at most `memory_bytes` on their way ] ─▶ kafka-python ─▶ broker
                 └─ a future failed: drain, new producer, the same records again ◀─┘
    confirm() returns when every record is in the log.

A record whose answer was lost may be in the log twice: duplicates are harmless (rule 1), losses are not.
After any failure the producer is replaced, because an idempotent one that has lost a batch either bumps its
epoch, which fails other batches without sending them again, or stays in an error state for good
(kafka-python 3.0.12, `TransactionManager.bump_producer_id_and_epoch`).
"""

import logging
from collections.abc import Callable
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.partitioner.default import murmur2

from producers.pending import Outgoing, Pending
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.clients import opened, shut
from schemas.topics import CATALOGUE, CONNECTOR_STATUS, CURSORS, DEAD_LETTERS, MAX_RECORD_BYTES, RAW_EVENTS

log = logging.getLogger(__name__)

TICK_S = 0.5
BLOCK_MS = 4_000  # short, because a stop is only seen between calls
REQUEST_TIMEOUT_MS = 10_000
DELIVERY_S = 30.0
"""How long kafka-python tries before a record counts as failed."""
LONGEST_PAUSE_S = 15.0
_COUNTS_MATTER = (RAW_EVENTS, CURSORS, DEAD_LETTERS, CONNECTOR_STATUS)


class SinkError(Exception):
    """A record that can't be sent as it is; trying again would not help."""


class PartitionCountError(SinkError):
    """A topic has another number of partitions than it was laid out with: keys would move to other ones."""


class Sink:
    """Sends records and knows which of them are in the log. To be used from one thread.

    `memory_bytes` bounds records that Kafka has not confirmed, the producer's own copies included: send()
    waits for room.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        waiting: Waiting,
        *,
        memory_bytes: int = 256_000_000,
    ) -> None:
        self._kafka = kafka
        self._waiting = waiting
        self._delivery_s = DELIVERY_S
        self._pending = Pending(memory_bytes)
        self._counts = {topic.name: kafka.partitions if topic.partitioned else 1 for topic in CATALOGUE}
        self._producer: Any = None
        self._attempt = 0

    @property
    def partitions(self) -> int:
        """Number of partitions of raw-events."""
        return self._counts[RAW_EVENTS.name]

    def open(self) -> None:
        """Connect; wait while Kafka is down or topics are missing. PartitionCountError, StoppedError."""
        while self._producer is None:
            try:
                self._producer = self._connect()
            except (KafkaError, OSError) as error:
                self._trouble(f"Kafka at {self._kafka.bootstrap} can't be used: {_said(error)}")
        self._attempt = 0

    def send(
        self, topic: str, value: bytes, *, key: bytes | None = None, partition: int | None = None
    ) -> None:
        """Put a record on its way; `topic` as in the catalogue. Waits for room, never for the answer."""
        if len(value) + len(key or b"") > MAX_RECORD_BYTES:
            msg = f"a record for {topic} has {len(value)} bytes, topics take {MAX_RECORD_BYTES}"
            raise SinkError(msg)
        record = self._addressed(topic, value, key, partition)
        self._wait(lambda: self._pending.has_room(record.cost))
        self._hand_over(record)

    def to_every_partition(self, topic: str, value: bytes) -> None:
        """Put a control record into each partition; the caller confirms before and after."""
        for partition in range(self._counts[topic]):
            self.send(topic, value, partition=partition)

    def confirm(self) -> None:
        """Return when everything sent so far is in the log, however long that takes; or StoppedError."""
        self._wait(self._pending.empty)
        self._attempt = 0
        self._waiting.fine()

    def offer(self, topic: str, value: bytes, *, key: bytes) -> bool:
        """Send a record that may get lost (a status that the next one replaces); never waits for trouble."""
        if self._producer is None or self._pending.failed():
            return False
        record = self._addressed(topic, value, key, None)
        try:
            self._producer.send(record.topic, value=value, key=key, partition=record.partition)
        except (KafkaError, ValueError) as error:
            log.debug("no status written: %s", _said(error))
            return False
        return True

    def close(self, timeout_s: float = 4.0) -> bool:
        """Give records on their way a last chance, then disconnect; True if all are in the log."""
        if self._producer is not None:
            self._pending.wait(self._pending.empty, timeout_s / 2)
            shut(self._producer, timeout_s / 2)
            self._producer = None
        return self._pending.empty()

    def _addressed(self, topic: str, value: bytes, key: bytes | None, partition: int | None) -> Outgoing:
        # Our own choice: partitions added at run time move no key before the next start refuses.
        if partition is None:
            partition = (murmur2(key or b"") & 0x7FFFFFFF) % self._counts[topic]
        return Outgoing(self._kafka.topic(topic), key, value, partition)

    def _hand_over(self, record: Outgoing) -> None:
        ticket = self._pending.add(record)
        try:
            future = self._producer.send(
                record.topic, value=record.value, key=record.key, partition=record.partition
            )
        except (KafkaError, ValueError) as error:  # ValueError: metadata does not know the partition
            self._pending.fail(ticket, error)
            return
        future.add_callback(lambda _: self._pending.done(ticket))
        future.add_errback(lambda error: self._pending.fail(ticket, error))

    def _wait(self, wanted: Callable[[], bool]) -> None:
        while not self._pending.wait(wanted, TICK_S):
            self._waiting.check()
            if self._pending.failed() or self._pending.still_s() > self._delivery_s + 10:
                self._recover()

    def _recover(self) -> None:
        """Replace the producer and send again whatever it has not confirmed."""
        before = self._pending.confirmed
        self._trouble(
            f"Kafka at {self._kafka.bootstrap} has not confirmed {self._pending.count()} records"
            f" ({self._pending.error or 'no answer'}); sending them again"
        )
        self._drain()
        shut(self._producer, 1.0)
        self._producer = None
        again = self._pending.take_failed()
        try:
            self.open()
        finally:  # a stop while waiting for Kafka must not make them look confirmed
            for record in again:
                self._keep_or_send(record)
        if self._pending.confirmed > before:
            self._attempt = 0

    def _keep_or_send(self, record: Outgoing) -> None:
        if self._producer is None:
            self._pending.fail(self._pending.add(record), "stopped")
        else:
            self._hand_over(record)

    def _drain(self) -> None:
        """Let the old producer finish what it can; its records end as confirmed or failed."""
        while not self._pending.wait(self._pending.landed, TICK_S, alert=False):
            self._waiting.check()
            if self._pending.still_s() > self._delivery_s + 10:
                return

    def _trouble(self, sentence: str) -> None:
        self._attempt += 1
        self._waiting.trouble(sentence, self._attempt - 1, longest=LONGEST_PAUSE_S)

    def _connect(self) -> Any:
        producer = opened(
            KafkaProducer,
            **self._kafka.client_kwargs(),
            acks="all",
            enable_idempotence=True,  # explicit: only then does a conflicting setting raise
            compression_type="zstd",
            linger_ms=10,
            batch_size=131_072,
            max_request_size=MAX_RECORD_BYTES + 48_576,
            allow_auto_create_topics=False,
            max_block_ms=BLOCK_MS,
            bootstrap_timeout_ms=BLOCK_MS,
            reconnect_backoff_max_ms=2_000,
            request_timeout_ms=min(REQUEST_TIMEOUT_MS, int(self._delivery_s * 500)),
            delivery_timeout_ms=int(self._delivery_s * 1000),
        )
        try:
            for topic in _COUNTS_MATTER:
                self._check_count(producer, topic.name)
        except BaseException:
            shut(producer, 1.0)
            raise
        return producer

    def _check_count(self, producer: Any, topic: str) -> None:
        found = len(_partitions(producer, self._kafka.topic(topic)))
        if found != self._counts[topic]:
            msg = (
                f"topic {self._kafka.topic(topic)} has {found} partitions, expected {self._counts[topic]}:"
                " partition counts are fixed at creation; correct `partitions` in the configuration"
            )
            raise PartitionCountError(msg)


def _partitions(producer: Any, topic: str) -> set[int]:
    try:
        return set(producer.partitions_for(topic))
    except KafkaError as error:
        msg = f"topic {topic} was not found (`chatledger topics create` makes it)"
        raise KafkaError(msg) from error


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
