"""Closing a manifest every day, by itself: the first look after midnight UTC closes what is not covered yet."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from kafka.errors import KafkaError

from consumers.evidence import chain
from consumers.evidence.close import Closer
from consumers.evidence.errors import EvidenceError
from consumers.evidence.statement import Manifest
from consumers.evidence.telling import Teller
from schemas.status import State
from stores.interface import Store, StoreError

log = logging.getLogger(__name__)
LOOK_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 900.0
ERRORS = (KafkaError, StoreError, EvidenceError, LookupError, OSError)


def is_due(last: Manifest | None, now: datetime) -> bool:
    """Whether the day of the last manifest is over, in UTC. Pure."""
    return (
        last is None or datetime.fromisoformat(last.statement.closed_at).date() < now.astimezone(UTC).date()
    )


def follow(
    open_store: Callable[[], Store],
    new_closer: Callable[[Store], Closer],
    stop: threading.Event,
    teller: Teller,
    *,
    explain: Callable[[Exception], str] = str,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Close every day until stopped; what is down is waited for, and what is wrong is said once for each attempt.

    Each look ends with a word on the status topic.
    """
    failures, known = 0, False
    while not stop.is_set():
        try:
            teller.fine(*asyncio.run(_look(open_store, new_closer, known=known)))
            failures, known = 0, True
        except ERRORS as error:
            failures += 1
            _trouble(teller, error, explain(error))
        stop.wait(
            min(LONGEST_PAUSE_SECONDS, look_seconds * 2.0 ** min(failures, 10)) if failures else look_seconds
        )
    with contextlib.suppress(KafkaError, LookupError):
        teller.stopped()


def _trouble(teller: Teller, error: Exception, sentence: str) -> None:
    log.error("no evidence was made: %s", sentence)
    with contextlib.suppress(KafkaError, LookupError):  # Kafka itself may be what is down
        tell_trouble(teller, error, sentence)


def tell_trouble(teller: Teller, error: Exception, sentence: str) -> None:
    """What nothing but a person mends is refused, all else is waited for. KafkaError, LookupError."""
    teller.trouble(
        f"no evidence was made: {sentence}", "refused" if isinstance(error, EvidenceError) else "waiting"
    )


async def close_and_say(store: Store, closer: Closer) -> tuple[Manifest | None, str | None]:
    """Close; the manifest, and what is to be said of plans that somebody else put there. Errors as of `Closer.close`."""
    made = await closer.close()
    for sentence in closer.passed_over:
        log.warning("%s", sentence)
    return made or await chain.last(store), "; ".join(closer.passed_over) or None


async def _look(
    open_store: Callable[[], Store], new_closer: Callable[[Store], Closer], *, known: bool
) -> tuple[Manifest | None, State, str | None]:
    """`known`: the store was there before; else it is made ready, since whoever closes may start before all others."""
    store = open_store()
    try:
        if not known:
            await store.check()
        last = await chain.last(store)
        if not is_due(last, datetime.now(UTC)):
            return last, "idle", None
        made, note = await close_and_say(store, new_closer(store))
        if made is not None and made != last:
            one = made.statement
            log.info("manifest %d closed: %d leaves, root %s", one.number, one.count, one.root)
        return made, "idle", note
    finally:
        await store.close()
