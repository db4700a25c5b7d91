"""Whether both stages have done all their work: compares what the workers' group has reached with where the topics end."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    GroupIdNotFoundError,
    KafkaError,
    NotCoordinatorError,
)

from schemas import commits
from schemas.broker import KafkaSettings
from schemas.topics import CONVERSATIONS, DELIVERIES, RAW_EVENTS, Topic

Stages = tuple[tuple[str, Topic], ...]
STAGES: Stages = (("assemble", RAW_EVENTS), ("archive", CONVERSATIONS))
IMPORT: Stages = (("import", DELIVERIES),)
"""The stage of the importers, whose group is their own."""


SETTLING_S = 5.0  # longest wait for a group's coordinator that is just changing


class NotDrainedError(TimeoutError):
    """Work is left and nothing has moved for too long; the message says which stage."""


@dataclass(frozen=True)
class Backlog:
    """How many records a stage has still to do, and how many there are in all."""

    stage: str
    waiting: int
    total: int


def backlogs(kafka: KafkaSettings, group: str, stages: Stages = STAGES) -> list[Backlog]:
    """One for each stage, in flow order, from what is committed."""
    with closing(KafkaAdminClient(**kafka.client_kwargs(), bootstrap_timeout_ms=5_000)) as admin:
        return list(_backlogs(admin, kafka, kafka.topic_prefix + group, stages))


def _backlogs(admin: KafkaAdminClient, kafka: KafkaSettings, group: str, stages: Stages) -> Iterator[Backlog]:
    try:
        stored = _settled(lambda: admin.list_group_offsets(group)[group])
    except CoordinatorNotAvailableError:
        stored = {}  # Kafka makes its offsets topic when the first group asks for it
    for stage, topic in stages:
        ends = ends_of(admin, kafka, topic)
        done = _all_reached(stored, kafka.topic(topic.name), ends)
        waiting = sum(max(0, end - done[number]) for number, end in ends.items())
        yield Backlog(stage, waiting, sum(ends.values()))


def ends_of(admin: Any, kafka: KafkaSettings, topic: Topic) -> dict[int, int]:
    """Where each partition of a topic ends. Blocks; KafkaError."""
    tps = [TopicPartition(kafka.topic(topic.name), number) for number in range(kafka.partitions)]
    found = admin.list_partition_offsets(dict.fromkeys(tps, OffsetSpec.LATEST))
    return {tp.partition: int(found[tp].offset) for tp in tps}


def reached_of(
    admin: Any, kafka: KafkaSettings, group: str, topic: Topic, numbers: Iterable[int]
) -> dict[int, int]:
    """Below which position of these partitions a group has done everything. Blocks; KafkaError."""
    name = kafka.topic_prefix + group
    stored = _settled(lambda: admin.list_group_offsets(name)[name])
    return _all_reached(stored, kafka.topic(topic.name), numbers)


def _all_reached(stored: Mapping[TopicPartition, Any], topic: str, numbers: Iterable[int]) -> dict[int, int]:
    return {number: _reached(stored.get(TopicPartition(topic, number))) for number in numbers}


def _reached(stored: object) -> int:
    """The position reached stands in the commit's metadata; the offset is only what is still needed."""
    return commits.reached(int(getattr(stored, "offset", 0)), getattr(stored, "metadata", None))


def group_members(kafka: KafkaSettings, group: str) -> list[dict[str, Any]]:
    """Kafka's descriptions of the workers in the group; empty when there never was one."""
    name = kafka.topic_prefix + group
    with closing(KafkaAdminClient(**kafka.client_kwargs(), bootstrap_timeout_ms=5_000)) as admin:
        try:
            found: list[dict[str, Any]] = _settled(lambda: admin.describe_groups([name])[name]).get(
                "members", []
            )
        except (CoordinatorNotAvailableError, GroupIdNotFoundError):
            return []
    return found


def _settled(ask: Callable[[], Any]) -> Any:
    """The answer; asks again for a while where the group's coordinator is just changing, as after a broker's start."""
    until = time.monotonic() + SETTLING_S
    while True:
        try:
            return ask()
        except (NotCoordinatorError, CoordinatorLoadInProgressError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def wait_until_drained(
    kafka: KafkaSettings,
    group: str,
    *,
    stages: Stages = STAGES,
    patience_s: float = 120.0,
    tell: Callable[[list[Backlog]], None] = lambda _: None,
) -> None:
    """Return when no stage has anything left; NotDrainedError when nothing has moved for `patience_s` seconds."""
    last, since = list[Backlog](), time.monotonic()
    while True:
        try:
            now = backlogs(kafka, group, stages)
        except KafkaError:
            now = last  # nothing moves while Kafka is away
        tell(now)
        if now and not any(backlog.waiting for backlog in now):
            return
        if now != last:
            last, since = now, time.monotonic()
        if time.monotonic() - since > patience_s:
            left = ", ".join(f"{b.stage} {b.waiting}" for b in now if b.waiting) or "Kafka does not answer"
            msg = f"no progress for {patience_s:.0f} s with work left ({left}); is a worker running? see its log"
            raise NotDrainedError(msg)
        time.sleep(0.5)
