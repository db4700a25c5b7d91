"""Topics on a cluster against the catalogue: make them, and find what drifted.

Both block; each call opens and closes a client of its own. Errors of Kafka are kafka-python's KafkaError.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError, for_code

from schemas.broker import KafkaSettings
from schemas.topics import CATALOGUE, Topic

CREATE = "run `chatledger topics create`"


@dataclass(frozen=True)
class Drift:
    """One way in which a topic differs from the catalogue; `expected` and `found` as Kafka writes them."""

    topic: str
    setting: str
    expected: str
    found: str
    advice: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.setting} is {self.found}, expected {self.expected}; {self.advice}"


def create_topics(kafka: KafkaSettings) -> list[str]:
    """Create every topic of the catalogue that is missing; return the new ones' names on the cluster.

    What exists stays as it is, also if it drifted. Several processes may do this at once.
    """
    with closing(_client(kafka)) as admin:
        existing = set(admin.list_topics())
        wanted = {kafka.topic(topic.name): _layout(topic, kafka) for topic in CATALOGUE}
        missing = {name: layout for name, layout in wanted.items() if name not in existing}
        made = _create(admin, missing) if missing else []
        admin.wait_for_topics(list(wanted))
        return made


def check_topics(kafka: KafkaSettings) -> list[Drift]:
    """Compare the cluster with the catalogue; an empty list means that every topic is as it must be."""
    names = [kafka.topic(topic.name) for topic in CATALOGUE]
    with closing(_client(kafka)) as admin:
        counts = {
            t["name"]: len(t["partitions"]) for t in admin.describe_topics(names) if not t["error_code"]
        }
        configs = _configs(admin, list(counts))
    return [drift for topic in CATALOGUE for drift in _compare(topic, kafka, counts, configs)]


def _client(kafka: KafkaSettings) -> Any:
    return KafkaAdminClient(**kafka.client_kwargs(), bootstrap_timeout_ms=5_000, request_timeout_ms=20_000)


def _layout(topic: Topic, kafka: KafkaSettings) -> dict[str, Any]:
    return {
        "num_partitions": _count(topic, kafka),
        "replication_factor": kafka.replication,
        "configs": topic.configs(),
    }


def _count(topic: Topic, kafka: KafkaSettings) -> int:
    return kafka.partitions if topic.partitioned else 1


def _create(admin: Any, missing: Mapping[str, dict[str, Any]]) -> list[str]:
    answer = admin.create_topics(dict(missing), raise_errors=False)
    made = []
    for topic in answer["topics"]:
        error = for_code(topic["error_code"])
        if topic["error_code"] == 0:
            made.append(topic["name"])
        elif error is not TopicAlreadyExistsError:  # another process was faster: as good
            msg = f"{topic['name']}: {topic['error_message'] or error.description}"
            raise error(msg)
    return made


def _configs(admin: Any, names: list[str]) -> Mapping[str, Mapping[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    described = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {key: str(entry["value"]) for key, entry in configs.items()}
        for name, configs in described.items()
    }


def _compare(
    topic: Topic, kafka: KafkaSettings, counts: Mapping[str, int], configs: Mapping[str, Mapping[str, str]]
) -> Iterator[Drift]:
    name = kafka.topic(topic.name)
    if name not in counts:
        yield Drift(name, "existence", "present", "missing", CREATE)
        return
    expected, found = _count(topic, kafka), counts[name]
    if found != expected:
        yield Drift(name, "partitions", str(expected), str(found), _count_advice(kafka, found))
    for setting, value in sorted(topic.configs().items()):
        actual = configs[name].get(setting, "unknown")
        if actual != value:
            yield Drift(name, setting, value, actual, _config_advice(kafka, name, setting, value))


def _count_advice(kafka: KafkaSettings, found: int) -> str:
    return (
        "partition counts are fixed at creation, never add partitions: "
        f"set kafka.partitions = {found} if the topic holds data (now {kafka.partitions}),"
        f" or delete the empty topic and {CREATE}"
    )


def _config_advice(kafka: KafkaSettings, name: str, setting: str, value: str) -> str:
    return (
        f"fix it with `kafka-configs --bootstrap-server {kafka.bootstrap} --entity-type topics"
        f" --entity-name {name} --alter --add-config {setting}={value}`"
    )
