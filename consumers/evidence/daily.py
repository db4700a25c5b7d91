"""Closing a manifest every day, by itself: the first look after midnight UTC closes what is not covered yet."""

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from kafka.errors import KafkaError

from consumers.evidence import chain
from consumers.evidence.close import Closer
from consumers.evidence.errors import EvidenceError
from consumers.evidence.statement import Manifest
from stores.interface import Store, StoreError

log = logging.getLogger(__name__)
LOOK_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 900.0


def is_due(last: Manifest | None, now: datetime) -> bool:
    """Whether the day of the last manifest is over, in UTC. Pure."""
    return (
        last is None or datetime.fromisoformat(last.statement.closed_at).date() < now.astimezone(UTC).date()
    )


def follow(
    open_store: Callable[[], Store],
    new_closer: Callable[[Store], Closer],
    stop: threading.Event,
    *,
    explain: Callable[[Exception], str] = str,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Close every day until stopped; what is down is waited for, and what is wrong is said once for each attempt."""
    failures = 0
    while not stop.is_set():
        try:
            asyncio.run(_look(open_store, new_closer))
            failures = 0
        except (KafkaError, StoreError, EvidenceError, LookupError, OSError) as error:
            failures += 1
            log.error("no evidence was made: %s", explain(error))  # noqa: TRY400 - one line
        stop.wait(
            min(LONGEST_PAUSE_SECONDS, look_seconds * 2.0 ** min(failures, 10)) if failures else look_seconds
        )


async def _look(open_store: Callable[[], Store], new_closer: Callable[[Store], Closer]) -> None:
    store = open_store()
    try:
        if is_due(await chain.last(store), datetime.now(UTC)):
            made = await new_closer(store).close()
            if made is not None:
                one = made.statement
                log.info("manifest %d closed: %d leaves, root %s", one.number, one.count, one.root)
    finally:
        await store.close()
