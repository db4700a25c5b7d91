"""Whether the workers are past a position of the log, through both their stages: what was closed before it is stored by then."""

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from consumers.disposition.books import DispositionError
from consumers.drain import STAGES, ends_of, reached_of
from schemas.broker import KafkaSettings
from schemas.topics import Topic

Positions = Mapping[int, int]
LOOK_S = 0.3


@dataclass
class Watch:
    """How far a group has come in a topic. While Kafka does not answer it has come no further, and no less far."""

    ask: Callable[[Topic, Iterable[int]], dict[int, int]]
    _last: dict[tuple[str, int], int] = field(default_factory=dict)

    def reached(self, topic: Topic, numbers: Iterable[int]) -> dict[int, int]:
        """Below which position of these partitions everything is done."""
        wanted = list(numbers)
        with contextlib.suppress(KafkaError):  # a group that is just changing, or that never was
            self._last.update({(topic.name, number): at for number, at in self.ask(topic, wanted).items()})
        return {number: self._last.get((topic.name, number), 0) for number in wanted}


def wait_until_passed(
    kafka: KafkaSettings,
    group: str,
    positions: Positions,
    *,
    patience_s: float,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Return when every stage has done what these positions of raw-events made; DispositionError if nothing moves any more.

    `check` is called now and then, and may raise. Blocks.
    """
    wanted = {number: at + 1 for number, at in positions.items()}
    with closing(_admin(kafka)) as admin:
        watch = Watch(lambda topic, numbers: reached_of(admin, kafka, group, topic, numbers))
        for number, (stage, topic) in enumerate(STAGES):
            if number:  # what the stage before has sent by now
                wanted = ends_of(admin, kafka, topic)
            _wait(watch, stage, topic, wanted, patience_s, check)


def has_passed(kafka: KafkaSettings, group: str, topic: Topic, *, patience_s: float) -> bool:
    """Whether a group comes to where a topic ends now, before nothing has moved for so long. Blocks; KafkaError."""
    with closing(_admin(kafka)) as admin:
        watch = Watch(lambda topic, numbers: reached_of(admin, kafka, group, topic, numbers))
        return not _left(watch, topic, ends_of(admin, kafka, topic), patience_s, lambda: None)


def _admin(kafka: KafkaSettings) -> Any:
    return KafkaAdminClient(**kafka.client_kwargs(), bootstrap_timeout_ms=5_000)


def _wait(
    watch: Watch, stage: str, topic: Topic, wanted: Positions, patience_s: float, check: Callable[[], None]
) -> None:
    left = _left(watch, topic, wanted, patience_s, check)
    if left:
        msg = (
            f"stage {stage} has {left} records left and nothing moved for {patience_s:.0f} s; is a worker running? The "
            "order stands: `chatledger dispose finish` goes on"
        )
        raise DispositionError(msg)


def _left(watch: Watch, topic: Topic, wanted: Positions, patience_s: float, check: Callable[[], None]) -> int:
    """How many records are left when all are done, or nothing moves any more."""
    last, since = dict[int, int](), time.monotonic()
    while True:
        check()
        now = watch.reached(topic, wanted)
        left = sum(max(0, at - now[number]) for number, at in wanted.items())
        if now != last:
            last, since = now, time.monotonic()
        if not left or time.monotonic() - since > patience_s:
            return left
        time.sleep(LOOK_S)
