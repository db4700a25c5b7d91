"""Reading ranges of topics by position, a partition at a time and without a gap: what evidence is made of."""

import time
from collections.abc import Iterator
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition

from consumers.evidence.errors import EvidenceError
from consumers.evidence.statement import Ranges
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


def following(former: Ranges, bounds: dict[str, dict[int, tuple[int, int]]]) -> Ranges:
    """The ranges that follow the former ones up to the present ends. Pure.

    EvidenceError where the log is not the one that was covered before, or what is needed of it is gone.
    """
    ends = {topic: {partition: end for partition, _, end in parts} for topic, parts in former.items()}
    found: Ranges = {}
    for topic, parts in bounds.items():
        known = ends.get(topic, {})
        if known and set(known) != set(parts):
            raise EvidenceError(
                f"{topic} has other partitions than the manifests before cover; it is another log"
            )
        found[topic] = [
            [number, _begin(topic, number, one, known.get(number)), one[1]]
            for number, one in sorted(parts.items())
        ]
    return found


def _begin(topic: str, partition: int, bounds: tuple[int, int], covered: int | None) -> int:
    begin, end = bounds
    if covered is None:
        return begin
    if end < covered:
        msg = (
            f"{topic}/{partition} ends at {end}, but the manifests cover it up to {covered}: this is another log. Restore it, "
            "or keep the old evidence with the old archive and begin a new one"
        )
        raise EvidenceError(msg)
    if begin > covered:
        msg = (
            f"{topic}/{partition} begins at {begin}, but evidence ends at {covered}: what lies between was deleted before "
            "it was covered. Restore it; nothing can vouch for it otherwise"
        )
        raise EvidenceError(msg)
    return covered
