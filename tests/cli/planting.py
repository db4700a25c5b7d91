"""A copy of an archive and of its topics, to plant faults in (`tests.cli.faults`); knows nothing of the checker."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from schemas import codec
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.records import Delivery, RawEvents
from schemas.topics import CATALOGUE, MAX_RECORD_BYTES
from tests.cli.playground import Installation

COPIED = ("raw-events", "closings", "deliveries", "cursors", "dead-letters", "mappings")


class Planted(NamedTuple):
    """What a fault must be found as: connector, place, what is wrong, and the id or path that says where."""

    connector: str
    place: str
    what: str
    where: str


class Record(NamedTuple):
    """One record of a topic, as it stands there."""

    partition: int
    at_ms: int
    key: bytes | None
    value: bytes | None


@dataclass
class Damaged:
    """A copy of an installation: its topics in memory until `write`, its archive on disk at once."""

    of: Installation
    copy: Installation
    day: tuple[int, int]
    topics: dict[str, list[Record]] = field(default_factory=dict)
    planted: list[Planted] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    slices: set[tuple[str, str, str]] = field(default_factory=set)
    """Connector, conversation and label of those that hold an event of the day."""

    def __post_init__(self) -> None:
        for one in self.topics["raw-events"]:
            name, value = codec.decode(one.value or b"")
            if name == "RawEvents" and any(
                self.day[0] <= event["at_ms"] < self.day[1] for event in value["events"]
            ):
                self.slices.add((value["connector_uid"], value["conversation"], value["slice"]))

    def write(self) -> None:
        """Write the topics of the copy; all are confirmed on return."""
        kafka = self.copy.config.kafka
        create_topics(kafka)
        with closing(
            KafkaProducer(**kafka.client_kwargs(), acks="all", max_request_size=2 * MAX_RECORD_BYTES)
        ) as producer:
            for name, records in self.topics.items():
                for one in records:
                    producer.send(
                        kafka.topic(name),
                        key=one.key,
                        value=one.value,
                        partition=one.partition,
                        timestamp_ms=one.at_ms,
                    )
            producer.flush(60)

    def change(self, topic: str, name: str, edit: Callable[[Any], Any]) -> Any:
        """Put what `edit` makes of the first record that it wants (not None) in its place, or nothing for an empty dict."""
        records = self.topics[topic]
        for at, one in enumerate(records):
            found = codec.decode(one.value or b"")
            if found.name == name and (edited := edit(found.value)) is not None:
                records[at] = one._replace(value=codec.encode(name, edited) if edited else None)
                if not edited:
                    del records[at]
                return found.value
        raise AssertionError(f"nothing in {topic} to plant this fault in")

    def deliveries(self, connector: str) -> Iterator[Delivery]:
        """Mails of the day that bear no fault yet, with all of their results in one record."""
        records = (codec.decode(one.value or b"").value for one in self.topics["deliveries"])
        for found in sorted(records, key=lambda one: bytes(one["mail_id"])):
            if found["connector_uid"] == connector and self._free(found) and self._has_events(found):
                yield found

    def file_of(self, connector: str, *, mail: bool) -> str:
        """The path of a mail, or of a copy, that no other fault is about."""
        for one in self.deliveries(connector):
            standing = [copy["path"] for copy in one["copies"] if copy["outcome"] in {"ok", "partial"}]
            for path in [one["path"]] if mail else standing:
                if path is not None and path not in self.used:
                    self.used.add(path)
                    return path
        raise AssertionError(f"no file of {connector} left to damage")

    def take(self, connector: str, wanted: Callable[[Delivery], object] = lambda _: True) -> Delivery:
        """A mail of the day for one fault alone."""
        found = next(one for one in self.deliveries(connector) if wanted(one))
        self.used.add(found["conversation"])
        return found

    def note(self, connector: str, place: str, what: str, where: str) -> None:
        """Remember what a fault must be found as."""
        self.planted.append(Planted(connector, place, what, where))

    def file(self, path: str) -> Path:
        """A file of the copied archive, writable."""
        found = self.copy.archive / path
        found.chmod(0o600)
        return found

    def _free(self, one: Delivery) -> bool:
        return one["conversation"] not in self.used and one["parts"] == 1

    def _has_events(self, one: Delivery) -> bool:
        return (one["connector_uid"], one["conversation"], one["slice"]) in self.slices

    def raw(self, connector: str) -> Iterator[RawEvents]:
        """Events of a connector."""
        for one in self.topics["raw-events"]:
            found = codec.decode(one.value or b"")
            if found.name == "RawEvents" and found.value["connector_uid"] == connector:
                yield found.value


def damaged(made: Installation, folder: Path, day: tuple[int, int]) -> Damaged:
    """A copy to damage: archive, configuration with a topic prefix of its own, records; `day` in ms since 1970 UTC."""
    folder.mkdir()
    shutil.copytree(made.archive, folder / "archive")
    text = made.path.read_text(encoding="utf-8").replace(f'"{made.archive}"', f'"{folder / "archive"}"')
    text = text.replace(f'topic_prefix = "{made.folder.name}-"', f'topic_prefix = "{folder.name}-"')
    path = folder / "chatledger.toml"
    path.write_text(text.replace(f'"{made.folder / "state"}"', f'"{folder / "state"}"'), encoding="utf-8")
    kafka = made.config.kafka
    topics = {topic.name: read(kafka, topic.name) for topic in CATALOGUE if topic.name in COPIED}
    return Damaged(made, Installation(path), day, topics)


def read(kafka: KafkaSettings, name: str) -> list[Record]:
    """Every record of a topic; partitions one after the other."""
    found = []
    with closing(KafkaConsumer(**kafka.client_kwargs(), enable_auto_commit=False)) as consumer:
        for number in sorted(consumer.partitions_for_topic(kafka.topic(name)) or ()):
            place = TopicPartition(kafka.topic(name), number)
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            end = consumer.end_offsets([place])[place]
            while consumer.position(place) < end:
                for rows in consumer.poll(timeout_ms=1000).values():
                    found += [Record(number, row.timestamp, row.key, row.value) for row in rows]
    return found
