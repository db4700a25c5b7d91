"""Whether the workers are past a position of the log, through both their stages: what was closed before it is stored by then."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError

from consumers.disposition.books import DispositionError
from consumers.drain import STAGES
from schemas import commits
from schemas.broker import KafkaSettings

Positions = Mapping[int, int]
LOOK_S = 0.3


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
    with closing(KafkaAdminClient(**kafka.client_kwargs(), bootstrap_timeout_ms=5_000)) as admin:
        for stage, topic in STAGES:
            _wait(
                admin, kafka.topic_prefix + group, kafka.topic(topic.name), wanted, stage, patience_s, check
            )
            following = dict(STAGES).get(_NEXT.get(stage, ""))
            if following is not None:
                wanted = _ends(admin, kafka.topic(following.name), kafka.partitions)


_NEXT = {"assemble": "archive"}


def _wait(
    admin: Any,
    group: str,
    topic: str,
    wanted: Positions,
    stage: str,
    patience_s: float,
    check: Callable[[], None],
) -> None:
    last, since = dict[int, int](), time.monotonic()
    while True:
        check()
        now = _reached(admin, group, topic, wanted)
        if all(now[number] >= at for number, at in wanted.items()):
            return
        if now != last:
            last, since = now, time.monotonic()
        if time.monotonic() - since > patience_s:
            left = sum(at - now[number] for number, at in wanted.items() if now[number] < at)
            msg = (
                f"stage {stage} has {left} records left and nothing moved for {patience_s:.0f} s; is a worker running? The "
                "order stands: `chatledger dispose finish` goes on"
            )
            raise DispositionError(msg)
        time.sleep(LOOK_S)


def _reached(admin: Any, group: str, topic: str, wanted: Positions) -> dict[int, int]:
    try:
        stored = admin.list_group_offsets(group)[group]
    except KafkaError:
        stored = {}  # a group that is just changing, or that never was
    found = {}
    for number in wanted:
        commit = stored.get(TopicPartition(topic, number))
        found[number] = 0 if commit is None else commits.reached(int(commit.offset), commit.metadata)
    return found


def _ends(admin: Any, topic: str, count: int) -> dict[int, int]:
    tps = [TopicPartition(topic, number) for number in range(count)]
    found = admin.list_partition_offsets(dict.fromkeys(tps, OffsetSpec.LATEST))
    return {tp.partition: int(found[tp].offset) for tp in tps}
