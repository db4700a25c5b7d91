"""What Kafka says of the work: what waits before each stage, how far collectors are. Asked all the time, in a thread."""

import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from consumers.drain import STAGES
from consumers.reading import Reader
from schemas import codec, commits
from schemas.broker import KafkaSettings
from schemas.topics import CURSORS

PERIOD_S = 0.3
ANSWER_MS = 5_000
Place = tuple[str, int]  # stage, partition


@dataclass(frozen=True)
class Look:
    """One look, at `at` of the monotonic clock. `captured`: ms since 1970 up to which each connector has everything, live."""

    at: float
    ends: Mapping[Place, int] = field(default_factory=dict)
    reached: Mapping[Place, int] = field(default_factory=dict)
    captured: Mapping[str, int] = field(default_factory=dict)

    def waiting(self, stage: str, partition: int) -> int:
        """Records that are there and that nobody has committed as done."""
        place = stage, partition
        return max(0, self.ends.get(place, 0) - self.reached.get(place, 0))

    def waiting_in_all(self, stage: str) -> int:
        """The same of all partitions."""
        return sum(self.waiting(name, number) for name, number in self.ends if name == stage)

    @property
    def done(self) -> int:
        """Records that were committed as done, over all stages."""
        return sum(self.reached.values())


class Pulse:
    """Looks three times a second while Kafka answers; `last` is the newest look, None before the first."""

    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        self._kafka, self._group = kafka, kafka.topic_prefix + group
        self._captured: dict[str, int] = {}
        self._positions: dict[int, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self.stages = {kafka.topic(topic.name): stage for stage, topic in STAGES}
        self.last: Look | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            # Whatever comes of a broker that is killed: ask again with new clients.
            with suppress(KafkaError, OSError, ValueError, LookupError):
                self._ask()
            self._stop.wait(PERIOD_S)

    def _ask(self) -> None:
        kwargs = self._kafka.client_kwargs()
        with (
            closing(
                KafkaAdminClient(**kwargs, bootstrap_timeout_ms=ANSWER_MS, request_timeout_ms=ANSWER_MS)
            ) as admin,
            closing(Reader(self._kafka, CURSORS)) as cursors,
        ):
            cursors.start_at(self._positions)
            while not self._stop.is_set():
                self._hear(cursors)
                self.last = self._look(admin)
                self._stop.wait(PERIOD_S)

    def _hear(self, cursors: Reader) -> None:
        for record in cursors.poll(timeout_ms=0):
            self._positions[record.partition] = record.offset + 1
            if record.value is not None:
                cursor: Any = codec.decode(record.value).value
                if cursor["lane"] == "live":
                    self._captured[cursor["connector_uid"]] = cursor["watermark_ms"]

    def _look(self, admin: Any) -> Look:
        names = self.stages
        tps = [TopicPartition(name, number) for name in names for number in range(self._kafka.partitions)]
        ends = admin.list_partition_offsets(dict.fromkeys(tps, OffsetSpec.LATEST))
        try:
            stored = admin.list_group_offsets(self._group)[self._group]
        except KafkaError:
            if self.last is not None and self.last.reached:
                raise  # the broker has just come back and does not know its groups yet
            stored = {}
        reached = {
            (names[tp.topic], tp.partition): note.reached
            for tp, each in stored.items()
            if tp.topic in names and (note := commits.read(each.metadata))
        }
        places = {(names[tp.topic], tp.partition): int(each.offset) for tp, each in ends.items()}
        return Look(time.monotonic(), places, reached, dict(self._captured))
