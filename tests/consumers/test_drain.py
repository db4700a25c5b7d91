"""Whether work is left: by what is reached, which a commit's offset alone does not say."""

import threading
from contextlib import closing
from types import SimpleNamespace

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from consumers.drain import Backlog, NotDrainedError, _reached, backlogs, group_members, wait_until_drained
from schemas.broker import KafkaSettings
from schemas.topics import CONVERSATIONS, RAW_EVENTS

GROUP = "workers"


@pytest.mark.parametrize(
    ("offset", "metadata", "reached"),
    [(3, "9", 9), (3, "", 3), (3, None, 3), (3, "x", 3), (-1, "", 0), (-1, None, 0), (0, "0", 0)],
)
def test_what_is_reached_stands_in_the_metadata(offset: int, metadata: str | None, reached: int) -> None:
    """The offset is only what is still needed; without metadata it has to do."""
    assert _reached(SimpleNamespace(offset=offset, metadata=metadata)) == reached


def test_nothing_committed_is_nothing_reached() -> None:
    """A group that never was has everything before it."""
    assert _reached(None) == 0


def produce(kafka: KafkaSettings, topic: str, count: int) -> None:
    """So many records into partition 0."""
    with closing(KafkaProducer(**kafka.client_kwargs())) as producer:
        for future in [producer.send(kafka.topic(topic), value=b"x", partition=0) for _ in range(count)]:
            future.get(timeout=20)


def commit(kafka: KafkaSettings, topic: str, needed: int, reached: int) -> None:
    """As a worker commits: the offset still needed, and what is reached beside it."""
    group = kafka.topic_prefix + GROUP
    with closing(
        KafkaConsumer(**kafka.client_kwargs(), group_id=group, enable_auto_commit=False)
    ) as consumer:
        tp = TopicPartition(kafka.topic(topic), 0)
        consumer.assign([tp])
        consumer.commit({tp: OffsetAndMetadata(needed, str(reached), -1)})


@pytest.mark.kafka
def test_held_back_records_do_not_count_as_waiting(kafka: KafkaSettings) -> None:
    """A stage that has reached the end has nothing to do, though its commit lies far behind."""
    assert group_members(kafka, GROUP) == []
    produce(kafka, RAW_EVENTS.name, 5)
    produce(kafka, CONVERSATIONS.name, 2)
    assert backlogs(kafka, GROUP) == [Backlog("assemble", 5, 5), Backlog("archive", 2, 2)]
    commit(kafka, RAW_EVENTS.name, 1, 5)
    commit(kafka, CONVERSATIONS.name, 1, 1)
    assert [one.waiting for one in backlogs(kafka, GROUP)] == [0, 1]
    assert group_members(kafka, GROUP) == []


@pytest.mark.kafka
def test_waiting_ends_when_all_is_done_or_nothing_moves(kafka: KafkaSettings) -> None:
    """It returns once the last stage has committed; without progress it names the stage that stands still."""
    produce(kafka, CONVERSATIONS.name, 2)
    with pytest.raises(NotDrainedError, match=r"archive 2"):
        wait_until_drained(kafka, GROUP, patience_s=1)
    later = threading.Timer(1, commit, (kafka, CONVERSATIONS.name, 2, 2))
    later.start()
    seen = list[int]()
    wait_until_drained(kafka, GROUP, patience_s=20, tell=lambda now: seen.append(sum(b.waiting for b in now)))
    later.join()
    assert (seen[0], seen[-1]) == (2, 0)
