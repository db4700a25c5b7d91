"""Reading ranges of topics by position, a partition at a time and without a gap: what evidence is made of."""

import time
from collections.abc import Iterator
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition

from consumers.evidence.errors import EvidenceError
from consumers.reading import ANSWER_MS, SILENT_SECONDS, Read
from schemas.broker import KafkaSettings
from schemas.clients import opened
from schemas.topics import Topic


class RangeReader:
    """One connection without a group; use as a context manager. Blocks, and may raise KafkaError."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._consumer: Any = opened(
            KafkaConsumer, **kafka.client_kwargs(), group_id=None, enable_auto_commit=False, allow_auto_create_topics=False,
            auto_offset_reset="none", max_partition_fetch_bytes=4_194_304, bootstrap_timeout_ms=ANSWER_MS,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def bounds(self, topic: Topic) -> dict[int, tuple[int, int]]:
        """By partition: where it begins and ends now. LookupError where there is no such topic."""
        name = self._kafka.topic(topic.name)
        numbers = self._consumer.partitions_for_topic(name)
        if not numbers:
            msg = f"topic {name} does not exist; run `chatledger topics create`"
            raise LookupError(msg)
        tps = [TopicPartition(name, number) for number in sorted(numbers)]
        begins = self._consumer.beginning_offsets(tps, timeout_ms=ANSWER_MS)
        ends = self._consumer.end_offsets(tps, timeout_ms=ANSWER_MS)
        return {tp.partition: (begins[tp], ends[tp]) for tp in tps}

    def read(self, topic: Topic, partition: int, begin: int, end: int) -> Iterator[Read]:
        """Every record of [begin, end), in order; EvidenceError where one is not there."""
        tp, at = TopicPartition(self._kafka.topic(topic.name), partition), begin
        self._consumer.assign([tp])
        self._consumer.seek(tp, begin)
        heard = time.monotonic()
        while at < end:
            rows = self._consumer.poll(timeout_ms=500, max_records=2000).get(tp, [])
            for row in rows[: end - at]:
                if row.offset != at:
                    raise EvidenceError(f"{tp.topic}/{partition}: position {at} is not in the log any more")
                yield Read(partition, row.offset, row.timestamp, row.key, row.value)
                at += 1
            if rows:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENT_SECONDS:
                raise EvidenceError(
                    f"{tp.topic}/{partition}: nothing came for {SILENT_SECONDS:.0f} s at position {at}"
                )
