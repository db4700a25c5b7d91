"""Topics against the catalogue on a real broker."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from sandbox.kafka import KafkaServer
from schemas.admin import Drift, check_topics, create_topics
from schemas.broker import KafkaSettings
from schemas.topics import CATALOGUE

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A real broker."""
    with KafkaServer(tmp_path_factory.mktemp("kafka"), heap_mb=256) as server:
        yield server


@pytest.fixture
def kafka(broker: KafkaServer, request: pytest.FixtureRequest) -> KafkaSettings:
    """Settings with a prefix of their own."""
    prefix = request.node.name.replace("test_", "")[:30] + "-"
    return KafkaSettings(bootstrap=broker.bootstrap, partitions=3, topic_prefix=prefix)


def alter(kafka: KafkaSettings, topic: str, **settings: str) -> None:
    """Change a topic behind the catalogue's back."""
    changes = {name.replace("_", "."): value for name, value in settings.items()}
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, kafka.topic(topic), changes)])


def settled_drift(kafka: KafkaSettings, count: int = 1) -> list[Drift]:
    """What check_topics finds once a change has reached the broker: the controller answers before that."""
    deadline = time.monotonic() + 10
    while len(found := check_topics(kafka)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def test_what_is_created_has_no_drift(kafka: KafkaSettings) -> None:
    """Every topic of the catalogue, once; again creates nothing."""
    assert sorted(create_topics(kafka)) == sorted(kafka.topic(topic.name) for topic in CATALOGUE)
    assert check_topics(kafka) == []
    assert create_topics(kafka) == []


def test_missing_topics_are_named(kafka: KafkaSettings) -> None:
    """Each with the command that makes it."""
    drifts = check_topics(kafka)
    assert [drift.topic for drift in drifts] == [kafka.topic(topic.name) for topic in CATALOGUE]
    assert all("chatledger topics create" in str(drift) for drift in drifts)


def test_only_what_is_missing_is_created(kafka: KafkaSettings) -> None:
    """A topic that is there stays as it is."""
    create_topics(kafka)
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        admin.delete_topics([kafka.topic("conversations")])
    settled_drift(kafka)
    assert create_topics(kafka) == [kafka.topic("conversations")]


def test_a_status_topic_that_is_not_compacted_is_found(kafka: KafkaSettings) -> None:
    """With the sentence that mends it."""
    create_topics(kafka)
    alter(kafka, "connector-status", cleanup_policy="delete")
    (drift,) = settled_drift(kafka)
    assert (drift.setting, drift.expected, drift.found) == ("cleanup.policy", "compact", "delete")
    assert (
        f"--entity-name {kafka.topic('connector-status')} --alter --add-config cleanup.policy=compact"
        in str(drift)
    )


def test_a_ledger_with_retention_is_found(kafka: KafkaSettings) -> None:
    """Originals that expire are lost."""
    create_topics(kafka)
    alter(kafka, "raw-events", retention_ms="604800000", max_message_bytes="1000")
    found = {drift.setting: (drift.expected, drift.found) for drift in settled_drift(kafka, 2)}
    assert found == {"retention.ms": ("-1", "604800000"), "max.message.bytes": ("1048576", "1000")}


def test_another_number_of_partitions_is_found(kafka: KafkaSettings) -> None:
    """It can't be mended on the cluster: keys have their place."""
    create_topics(kafka)
    drifts = check_topics(kafka.model_copy(update={"partitions": 5}))
    assert len(drifts) == sum(topic.partitioned for topic in CATALOGUE)
    assert all((drift.setting, drift.expected, drift.found) == ("partitions", "5", "3") for drift in drifts)
    assert "never add partitions" in drifts[0].advice
