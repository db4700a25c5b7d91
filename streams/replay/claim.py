"""One at a time on all hosts: a claim on a name that Kafka keeps, as the only member of a consumer group.

Who joins and finds another member leaves again, so of two that come at once at most one goes on. Who was away for longer than the
group waits (a stopped process, a cut network) is no member any more, and finds that out before it sends anything.
"""

import asyncio
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from schemas.broker import KafkaSettings
from schemas.topics import DAY_MS, Topic
from streams.connection import aiokafka_kwargs
from streams.replay.errors import ReplayError
from streams.replay.lock import AlreadyRunningError

SESSION_SECONDS = 10.0
"""How long a member that says nothing is still one: for so long a killed process is in the way of the next."""
LOOK_SECONDS = 0.5


class ClaimLostError(ReplayError):
    """Another host may have begun since; what was confirmed stands, and the same command goes on."""


class Claim:
    """Held as long as `member` is in the group."""

    def __init__(self, admin: AIOKafkaAdminClient, group: str, member: str) -> None:
        self._admin, self._group, self._member = admin, group, member
        self._proved = _now()

    async def demand(self) -> None:
        """ClaimLostError if it is not ours any more; Kafka is asked when it said so some time ago."""
        now = _now()
        if now - self._proved < SESSION_SECONDS / 3:
            return
        if self._member not in await _members(self._admin, self._group):
            msg = "this process was away for so long that another host may have begun; start the same command again"
            raise ClaimLostError(msg)
        self._proved = now


@asynccontextmanager
async def only_one_anywhere(
    kafka: KafkaSettings, name: str, topic: Topic, otherwise: str
) -> AsyncIterator[Claim]:
    """Claim the name; AlreadyRunningError with `otherwise` and the other's host if it is taken for longer than a session.

    `topic` is one that exists; nothing of it is read.
    """
    group = kafka.topic_prefix + name
    options = {**aiokafka_kwargs(kafka), "client_id": f"{name}@{platform.node() or 'host'}"}
    consumer = AIOKafkaConsumer(
        kafka.topic(topic.name), **options, group_id=group, enable_auto_commit=False,
        session_timeout_ms=int(SESSION_SECONDS * 1000), heartbeat_interval_ms=1000, max_poll_interval_ms=DAY_MS,
        request_timeout_ms=int(SESSION_SECONDS * 1500),
    )  # fmt: skip
    admin = AIOKafkaAdminClient(**aiokafka_kwargs(kafka))
    await admin.start()
    try:
        await consumer.start()
        try:
            consumer.pause(*consumer.assignment())
            yield Claim(admin, group, await _alone(admin, group, options["client_id"], otherwise))
        finally:
            await consumer.stop()
    finally:
        await admin.close()


async def _alone(admin: AIOKafkaAdminClient, group: str, us: str, otherwise: str) -> str:
    """Our member id, when we are the only one there."""
    until = _now() + SESSION_SECONDS + 2
    while len(members := await _members(admin, group)) != 1:
        if _now() > until:
            others = sorted(members.values())
            others.remove(us)
            raise AlreadyRunningError(f"{otherwise} ({', '.join(others)})")
        await asyncio.sleep(LOOK_SECONDS)
    return next(iter(members))


def _now() -> float:
    """Seconds of a clock that goes on while the process is stopped; no mail depends on it."""
    return asyncio.get_running_loop().time()


async def _members(admin: AIOKafkaAdminClient, group: str) -> dict[str, str]:
    """Client ids by member id."""
    (answer,) = await admin.describe_consumer_groups([group])
    described: Any = answer.groups[0]
    return {member[0]: member[1] for member in described[5]}
