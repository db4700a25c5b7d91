"""What a worker says of itself on the status topic, and its watch over its own progress."""

from __future__ import annotations

import faulthandler
import logging
import time
from typing import TYPE_CHECKING, cast

from faust.types import TP

from schemas.status import (
    ALL_CONNECTORS,
    Component,
    ConnectorStatus,
    LastError,
    State,
    encode_status,
    status_key,
)
from schemas.topics import CONNECTOR_STATUS
from stores.interface import Safeguarded, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from streams.app import Worker
    from streams.positions import TopicPartition
    from streams.settings import WorkerSettings

REPORT_SECONDS = 5.0
BLOCKED = 3  # times `stall_seconds`: long, since nobody can tell a loop without an end from a very large mail
log = logging.getLogger(__name__)


class NoProgressError(RuntimeError):
    """Work is waiting and nothing moves: exit, so that a supervisor starts a worker that does."""


class Watch:
    """How long each partition has stood still with work waiting."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._moved: dict[TopicPartition, tuple[tuple[int, int], float]] = {}
        self._rebalancing_since: float | None = None

    def look(
        self, tp: TopicPartition, reached: int, highwater: int | None, now_s: float, *, steps: int = 0
    ) -> None:
        """Note where a partition stands and how many steps its stage has made; NoProgressError if neither moves."""
        last, since = self._moved.get(tp, ((-1, -1), now_s))
        if (reached, steps) != last or highwater is None or highwater <= reached:
            self._moved[tp] = ((reached, steps), now_s)
        elif now_s - since > self._limit_s:
            msg = f"{tp[0]}/{tp[1]}: stuck at {reached} of {highwater} for {now_s - since:.0f} s"
            raise NoProgressError(msg)

    def rest(self) -> None:
        """What is waited for is known, so nothing has to move."""
        self._moved.clear()
        self._rebalancing_since = None

    def rebalance(self, now_s: float, *, rebalancing: bool) -> None:
        """Note whether the group is being rearranged; NoProgressError if that has no end."""
        since = self._rebalancing_since if self._rebalancing_since is not None else now_s
        self._rebalancing_since = since if rebalancing else None
        if rebalancing and now_s - since > self._limit_s:
            msg = f"the group has been rebalancing for {now_s - since:.0f} s"
            raise NoProgressError(msg)


def end_unless_called_again(seconds: float) -> None:
    """End this process with exit code 1, telling where it stands, unless this is called again in time.

    Who looks at progress runs in the event loop too: one that a stage blocks would never look again, while the driver's
    own thread goes on telling Kafka that all is well.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)


def report_status(worker: Worker, settings: WorkerSettings) -> None:
    """Attach watch and reports to the worker's app."""
    watch = Watch(settings.stall_seconds)
    written: dict[bytes, tuple[int | None, str, str | None]] = {}

    async def look() -> None:
        end_unless_called_again(BLOCKED * settings.stall_seconds)
        await fairly(watch, lambda: _look(worker, watch), worker.app.consumer.kafka_answers)

    worker.app.look = look

    @worker.app.timer(REPORT_SECONDS)
    async def report() -> None:
        if worker.app.rebalancing:
            return
        await proved(worker)
        name = worker.tools.kafka.topic(CONNECTOR_STATUS.name)
        for status in (*statuses(worker), *alarms(worker)):
            key, news = status_key(status), (status["reached"], status["state"], status.get("protection"))
            if written.get(key) != news:
                written[key] = news
                await worker.app.producer.send(name, key, encode_status(status), None, None, None)


async def fairly(watch: Watch, look: Callable[[], None], answers: Callable[[], Awaitable[bool]]) -> None:
    """Look; what does not move because Kafka is away is waited for, and begins anew when it is back."""
    try:
        look()
    except NoProgressError as error:
        if await answers():
            raise
        log.warning("%s, and Kafka does not answer: waiting for it", error)
        watch.rest()


def _look(worker: Worker, watch: Watch) -> None:
    """One look at everything that should move; NoProgressError."""
    watch.rebalance(time.monotonic(), rebalancing=worker.app.rebalancing)
    if worker.app.rebalancing:
        return
    if worker.tools.contents.waiting:
        watch.rest()
    for tp, reached in list(worker.positions.next_at.items()):
        steps = worker.tools.steps[worker.stages[tp[0]].name]
        watch.look(tp, reached, _highwater(worker, tp), time.monotonic(), steps=steps)


async def proved(worker: Worker) -> None:
    """Once in a life, try whether the archive is protected as configured; a store that does not answer is asked again later."""
    store = worker.unproved
    if store is None:
        return
    try:
        safeguard = await store.prove()
    except StoreError as error:
        log.warning("whether the archive is protected can't be tried yet: %s", error)
        return
    worker.unproved = None
    if safeguard is not None:
        log.log(logging.INFO if safeguard.state == "immutable" else logging.WARNING, "archive %s", safeguard)


def statuses(worker: Worker) -> Iterator[ConnectorStatus]:
    """One record for each partition of each stage, with what it has reached; one writer per key (rule 26)."""
    now_ms = int(time.time() * 1000)
    for tp, reached in sorted(worker.positions.next_at.items()):
        stage = cast("Component", worker.stages[tp[0]].name)
        highwater = _highwater(worker, tp) or 0
        found: ConnectorStatus = {
            "connector_uid": ALL_CONNECTORS, "connector": "all connectors", "source": "all", "component": stage,
            "partition": tp[1], "lane": None, "reached": reached,
            "state": _state(worker, work_is_left=highwater > reached), "captured_up_to_ms": None, "lag_ms": None,
            "progress": None, "last_success_ms": now_ms, "last_error": _trouble(worker, now_ms),
            "counters": {"waiting": max(0, highwater - reached)}, "updated_at_ms": now_ms,
        }  # fmt: skip
        safeguard = worker.store.safeguard if isinstance(worker.store, Safeguarded) else None
        if stage == "archive" and safeguard is not None:
            found["protection"] = str(safeguard)
        yield found


def alarms(worker: Worker) -> Iterator[ConnectorStatus]:
    """One record for each partition in which other bytes stood in the place of a mail or a copy; it outlives the worker."""
    now_ms = int(time.time() * 1000)
    for tp, (position, message) in sorted(worker.tools.alarms.items()):
        yield {
            "connector_uid": ALL_CONNECTORS, "connector": "all connectors", "source": "all", "component": "alarm",
            "partition": tp[1], "lane": None, "reached": position, "state": "refused", "captured_up_to_ms": None,
            "lag_ms": None, "progress": None, "last_success_ms": None,
            "last_error": {"at_ms": now_ms, "message": message}, "counters": {}, "updated_at_ms": now_ms,
        }  # fmt: skip


def _highwater(worker: Worker, tp: TopicPartition) -> int | None:
    """Where the partition ends, as of the last fetch; None if it is not (any more) ours to know."""
    consumer = worker.app.consumer
    end: int | None = consumer.highwater(TP(*tp)) if TP(*tp) in consumer.assignment() else None
    return end


def _state(worker: Worker, *, work_is_left: bool) -> State:
    if not work_is_left:
        return "idle"
    return "waiting" if worker.tools.contents.waiting else "working"


def _trouble(worker: Worker, now_ms: int) -> LastError | None:
    """A store that does not answer, while it does not."""
    contents = worker.tools.contents
    return {"at_ms": now_ms, "message": contents.trouble} if contents.waiting else None
