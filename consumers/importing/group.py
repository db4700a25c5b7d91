"""The importers' consumer group: how it is joined, what is heard of it, and whether Kafka still counts us as a member."""

import time
from collections import deque
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import UnknownMemberIdError

from consumers.drain import group_members
from consumers.importing.desk import Desk
from consumers.importing.settings import ImportSettings
from consumers.reading import ANSWER_MS
from schemas.broker import KafkaSettings
from schemas.clients import opened

METADATA_MS = 30_000  # a new look at the cluster: what was assigned without knowing it is assigned again
CHECKS = 3  # sessions between two looks at whether Kafka counts us as a member


def new_consumer(kafka: KafkaSettings, settings: ImportSettings) -> Any:
    """A consumer of the group that has not joined it yet; KafkaError."""
    seconds = settings.session_seconds
    return opened(
        KafkaConsumer, **kafka.client_kwargs(), group_id=kafka.topic_prefix + settings.group,
        enable_auto_commit=False, allow_auto_create_topics=False, auto_offset_reset="earliest",
        session_timeout_ms=round(seconds * 1000), heartbeat_interval_ms=round(seconds * 300),
        max_poll_interval_ms=600_000, metadata_max_age_ms=METADATA_MS,
        bootstrap_timeout_ms=ANSWER_MS, max_partition_fetch_bytes=4_194_304,
    )  # fmt: skip


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Runs on the consumer's own loop: it may only note what happens, and see that nothing is under way."""

    def __init__(self, desk: Desk, wait_s: float) -> None:
        self._desk, self._wait_s = desk, wait_s
        self.news: deque[tuple[str, list[int]]] = deque()

    def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """These are another importer's soon: nothing is under way for them on return, or the wait was too long."""
        gone = sorted(tp.partition for tp in revoked)
        # First the news: else somebody might take the partition for open after it was withdrawn.
        self.news.append(("revoked", gone))
        self._desk.withdraw(gone, self._wait_s)

    def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """These are ours."""
        self.news.append(("assigned", sorted(tp.partition for tp in assigned)))


class Membership:
    """Asks Kafka now and then."""

    def __init__(self, kafka: KafkaSettings, settings: ImportSettings) -> None:
        self._kafka, self._settings = kafka, settings
        self._check_at, self._absences = time.monotonic() + CHECKS * settings.session_seconds, 0

    def check(self, consumer: Any) -> None:
        """UnknownMemberIdError when Kafka does not count us any more, and the client has not noticed: seen under load."""
        if time.monotonic() < self._check_at:
            return
        self._check_at = time.monotonic() + CHECKS * self._settings.session_seconds
        members = {one["member_id"] for one in group_members(self._kafka, self._settings.group)}
        self._absences = 0 if consumer.group_metadata().member_id in members else self._absences + 1
        if self._absences > 1:
            raise UnknownMemberIdError("the group has lost this importer; joining again")
