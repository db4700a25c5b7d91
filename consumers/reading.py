"""Read topics with a plain consumer, without a group: positions are the reader's own."""

import time
from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from schemas.broker import KafkaSettings
from schemas.clients import opened
from schemas.topics import Topic

ANSWER_MS = 5_000  # longest wait for a broker that does not answer: commands give up within ten seconds
SILENT_SECONDS = 30.0
WAIT_MS = 500  # a broker that has less than is asked for waits so long for more (Kafka's default)


class Read(NamedTuple):
    """One record as read: `at_ms` is Kafka's time stamp of it."""

    partition: int
    offset: int
    at_ms: int
    key: bytes | None
    value: bytes | None


class NoTopicError(LookupError):
    """The topic does not exist yet."""


class Reader:
    """Reads one topic from given positions on, in each partition's order. Blocks; one thread."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: Topic,
        only: Collection[int] | None = None,
        *,
        at_least_bytes: int = 1,
    ) -> None:
        """`only`: these partitions alone. `at_least_bytes`: fewer are waited for, half a second at most.

        KafkaError, NoTopicError without the topic.
        """
        self.topic, self._name, self._only = topic.name, kafka.topic(topic.name), only
        self._consumer: Any = opened(
            KafkaConsumer, **kafka.client_kwargs(), group_id=None, enable_auto_commit=False, allow_auto_create_topics=False,
            auto_offset_reset="earliest", max_partition_fetch_bytes=4_194_304, fetch_min_bytes=at_least_bytes,
            fetch_max_wait_ms=WAIT_MS, bootstrap_timeout_ms=ANSWER_MS,
        )  # fmt: skip
        try:
            self._partitions = self._found()
            self._consumer.assign(self._partitions)
        except BaseException:
            self.close()
            raise

    def _found(self) -> list[TopicPartition]:
        numbers = self._consumer.partitions_for_topic(self._name)
        if not numbers:
            msg = f"topic {self._name} does not exist; run `chatledger topics create`"
            raise NoTopicError(msg)
        wanted = sorted(numbers if self._only is None else numbers & set(self._only))
        return [TopicPartition(self._name, number) for number in wanted]

    @property
    def identity(self) -> str:
        """What tells this topic apart from all others that were ever made, on any cluster: Kafka's id of it.

        Its name, where the broker has no ids (before 2.8).
        """
        known = self._consumer._cluster.topic_id(self._name)  # noqa: SLF001 - else it takes an admin client, a connection more
        return str(known or self._name)

    def start_at(self, positions: dict[int, int]) -> None:
        """Seek each partition to its position, or to its beginning."""
        begins = self._consumer.beginning_offsets(self._partitions, timeout_ms=ANSWER_MS)
        for tp in self._partitions:
            self._consumer.seek(tp, max(positions.get(tp.partition, 0), begins[tp]))

    def positions_at(self, at_ms: int) -> dict[int, int]:
        """By partition its first record with this time stamp (ms since 1970 UTC) or a later one, else its end."""
        wanted = dict.fromkeys(self._partitions, max(0, at_ms))
        found = self._consumer.offsets_for_times(wanted, timeout_ms=ANSWER_MS)
        ends = self._consumer.end_offsets(self._partitions, timeout_ms=ANSWER_MS)
        places = ((tp, found.get(tp)) for tp in self._partitions)
        return {tp.partition: ends[tp] if place is None else place.offset for tp, place in places}

    def start_at_time(self, at_ms: int) -> None:
        """Seek each partition to its first record with this time stamp (ms since 1970 UTC) or a later one, else to its end."""
        found = self.positions_at(at_ms)
        for tp in self._partitions:
            self._consumer.seek(tp, found[tp.partition])

    def ends(self) -> dict[int, int]:
        """Where each partition ends now; KafkaTimeoutError from a broker that does not answer."""
        found = self._consumer.end_offsets(self._partitions, timeout_ms=ANSWER_MS)
        return {tp.partition: end for tp, end in found.items()}

    def count(self) -> int:
        """How many records there are, by offsets: compacted ones count too."""
        ends = self._consumer.end_offsets(self._partitions, timeout_ms=ANSWER_MS)
        begins = self._consumer.beginning_offsets(self._partitions, timeout_ms=ANSWER_MS)
        return sum(ends[tp] - begins[tp] for tp in self._partitions)

    def poll(self, timeout_ms: int = 500) -> list[Read]:
        """What has come, or nothing after the time-out."""
        batches = self._consumer.poll(timeout_ms=timeout_ms, max_records=2000)
        return [
            Read(r.partition, r.offset, r.timestamp, r.key, r.value)
            for rows in batches.values()
            for r in rows
        ]

    def to_end(self) -> Iterator[Read]:
        """Everything up to where the topic ends at the time of the call; KafkaTimeoutError if nothing more comes."""
        ends = self.ends()
        began = time.monotonic()
        while any(self._consumer.position(tp) < ends[tp.partition] for tp in self._partitions):
            found = self.poll()
            yield from (record for record in found if record.offset < ends[record.partition])
            if found:
                began = time.monotonic()
            elif time.monotonic() - began > SILENT_SECONDS:
                msg = f"{self._name}: nothing came for {SILENT_SECONDS:.0f} s before its end"
                raise KafkaTimeoutError(msg)

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()


def read_all(kafka: KafkaSettings, topic: Topic) -> Iterator[Read]:
    """The whole topic as it stands now."""
    with closing(Reader(kafka, topic)) as reader:
        reader.start_at({})
        yield from reader.to_end()


def latest(kafka: KafkaSettings, topic: Topic) -> dict[bytes, bytes]:
    """A compacted topic as a mapping: the last value of each key, tombstones left out."""
    found: dict[bytes, bytes] = {}
    for record in read_all(kafka, topic):
        if record.key is None:
            continue
        if record.value is None:
            found.pop(record.key, None)
        else:
            found[record.key] = record.value
    return found
