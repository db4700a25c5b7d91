"""The topic catalogue: what must be kept is kept, what must be compacted is, and every topic has a writer and a reader."""

import re

import pytest

from schemas.broker import KafkaSettings
from schemas.topics import CATALOGUE, MAX_RAW_RECORD_BYTES, MAX_RECORD_BYTES, Topic

BY_NAME = {topic.name: topic for topic in CATALOGUE}
LEDGERS = {
    "raw-events",
    "closings",
    "mappings",
    "deliveries",
    "imports",
    "dead-letters",
    "cursors",
    "connector-status",
    "audit",
    "evidence",
}


@pytest.mark.parametrize("topic", CATALOGUE, ids=lambda topic: topic.name)
def test_every_topic_is_whole(topic: Topic) -> None:
    """A legal name, also behind a prefix; writers, readers, records; room for the largest record."""
    assert re.fullmatch(r"[a-z-]{1,200}", topic.name)
    assert topic.purpose
    assert topic.key
    assert topic.records
    assert topic.writers
    assert topic.readers
    assert int(topic.configs()["max.message.bytes"]) >= MAX_RECORD_BYTES > MAX_RAW_RECORD_BYTES
    assert KafkaSettings(bootstrap="x:1", topic_prefix="p-").topic(topic.name) == f"p-{topic.name}"


def test_names_are_unique() -> None:
    """Also for Kafka's metrics, which take a dot and an underscore for the same."""
    assert len(BY_NAME) == len(CATALOGUE)


@pytest.mark.parametrize("name", sorted(LEDGERS))
def test_ledgers_keep_for_ever(name: str) -> None:
    """Neither age nor size removes anything."""
    configs = BY_NAME[name].configs()

    assert (configs["retention.ms"], configs["retention.bytes"]) == ("-1", "-1")


def test_what_lies_between_stages_goes_by_age_and_never_by_size() -> None:
    """A busy day must not push out what is not processed yet."""
    between = [topic for topic in CATALOGUE if topic.name not in LEDGERS]

    assert {topic.name for topic in between} == {"conversations"}
    for topic in between:
        assert int(topic.configs()["retention.ms"]) >= 7 * 86_400_000
        assert topic.configs()["retention.bytes"] == "-1"
        assert topic.cleanup == "delete"


def test_what_has_a_latest_value_is_compacted_and_nothing_else() -> None:
    """An event, a mail, a delivery or a letter must never replace another."""
    compacted = {topic.name for topic in CATALOGUE if topic.configs()["cleanup.policy"] == "compact"}

    assert compacted == {"closings", "mappings", "cursors", "connector-status"}


def test_a_record_stays_in_its_partition_from_source_to_store() -> None:
    """So closings and deliveries have as many partitions as raw-events."""
    partitioned = {topic.name for topic in CATALOGUE if topic.partitioned}

    assert partitioned == {
        "raw-events",
        "closings",
        "conversations",
        "deliveries",
        "imports",
    }


def test_each_topic_names_the_stage_that_reads_it() -> None:
    """The flow can be followed in the catalogue alone."""
    readers = {topic.name: topic.readers for topic in CATALOGUE}

    for name, stage in (("raw-events", "assemble"), ("conversations", "archive")):
        assert f"streams: {stage}" in readers[name]
