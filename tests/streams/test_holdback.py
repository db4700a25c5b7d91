"""The consumer's overridden methods, against the installed driver's seams and a group coordinator that misbehaves.

What a careful worker on Faust has to be held to, and the tests that do it:

1. The seams are there, versions pinned: `test_the_seams_are_where_they_were` here, `test_seams.py`.
2. Any interleaving of fold, confirmation, commit and crash: `test_any_crash_gives_the_mails_of_the_oracle`,
   `test_kills_commits_and_rebalances_at_any_await`, `test_same_log_same_mails_same_bytes_same_names`.
3. What the broker stores is (first open position, reached): `test_worker.py::test_archives_commits_and_reports`.
4. Kills: `test_worker.py::test_workers_killed_at_random_moments_lose_and_double_nothing`, and `make chaos`.
5. A rebalance before the first commit: `test_every_partition_is_sought_also_where_nothing_is_committed` here,
   `test_worker.py::test_a_second_worker_that_joins_at_once_loses_nothing`.
6. A log that was cut: `test_a_log_that_was_cut_is_an_error` here,
   `test_worker.py::test_a_log_that_was_cut_above_what_is_needed_stops_the_worker`.
7. A coordinator that refuses for good: `test_worker.py::test_a_worker_that_the_coordinator_refuses_ends`; the fetcher, the
   agents and the event loop: `test_liveness.py`.
"""

import asyncio
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition as KafkaTP
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import CommitFailedError, KafkaError
from faust.transport.drivers import aiokafka as driver

from schemas.broker import KafkaSettings
from streams import seams
from streams.fetching import PackingConsumer
from streams.holdback import DeadFetcherError, HoldbackApp, HoldbackConsumer
from streams.positions import LogTruncatedError, Positions, Stand, TopicPartition

KAFKA = KafkaSettings(bootstrap="nowhere.invalid:1")
TP = ("raw-events", 0)
OTHER = ("raw-events", 1)


class Broker:
    """What a consumer sees of its group: assignment, stored offsets, the log's beginning; and what it does."""

    def __init__(self) -> None:
        self.assigned = {KafkaTP(*TP), KafkaTP(*OTHER)}
        self.stored: dict[Any, Any] = {}
        self.begin, self.end = 0, 1000
        self.sought: dict[Any, int] = {}
        self.fails: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.delays: list[float] = []
        self._coordinator = self
        self._fetcher: Any = None
        self._closed = False

    def assignment(self) -> frozenset[Any]:
        """See AIOKafkaConsumer."""
        return frozenset(self.assigned)

    async def fetch_committed_offsets(self, tps: list[Any]) -> dict[Any, Any]:
        """See aiokafka's GroupCoordinator."""
        await self.answers.wait()
        await asyncio.sleep(self.delays.pop(0) if self.delays else 0)
        return {tp: self.stored[tp] for tp in tps if tp in self.stored}

    async def beginning_offsets(self, tps: list[Any]) -> dict[Any, int]:
        """See AIOKafkaConsumer."""
        return dict.fromkeys(tps, self.begin)

    async def end_offsets(self, tps: list[Any]) -> dict[Any, int]:
        """See AIOKafkaConsumer."""
        return dict.fromkeys(tps, self.end)

    def seek(self, tp: Any, offset: int) -> None:
        """See AIOKafkaConsumer."""
        self.sought[tp] = offset

    async def commit(self, offsets: dict[Any, Any]) -> None:
        """See AIOKafkaConsumer."""
        assert set(offsets) <= self.assigned
        if self.fails is not None:
            raise self.fails
        self.stored |= offsets

    def check_errors(self) -> None:
        """See aiokafka's GroupCoordinator."""

    def says(self, tp: TopicPartition, offset: int, metadata: str) -> None:
        """Somebody has committed this."""
        self.stored[KafkaTP(*tp)] = SimpleNamespace(offset=offset, metadata=metadata)


class Thread:
    """The consumer's thread, here the same."""

    def __init__(self, broker: Broker) -> None:
        self._consumer = broker
        self.crashed: list[BaseException] = []

    async def call_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        """See Faust's ConsumerThread."""
        return await call(*args)

    async def crash(self, error: BaseException) -> None:
        """See mode's Service."""
        self.crashed.append(error)

    def assignment(self) -> frozenset[Any]:
        """See Faust's ConsumerThread."""
        return self._consumer.assignment()


class Rig:
    """A consumer without Faust around it."""

    def __init__(self) -> None:
        self.broker, self.positions = Broker(), Positions()
        self.thread, self.taken = Thread(self.broker), list[TopicPartition]()
        self.consumer = HoldbackConsumer.__new__(HoldbackConsumer)
        self.consumer._thread, self.consumer._seeking = self.thread, asyncio.Lock()
        self.consumer.app = HoldbackApp.__new__(HoldbackApp)
        self.consumer.app.__dict__.update(
            positions=self.positions, take_over=self._take_over, let_go=self.positions.forget, kafka=KAFKA,
            _conf=SimpleNamespace(broker_request_timeout=1.0),
        )  # fmt: skip

    def _take_over(self, tp: TopicPartition, stand: Stand) -> None:
        self.taken.append(tp)
        self.positions.start(tp, stand)

    async def seek(self) -> dict[TopicPartition, int]:
        """Where the driver was sent."""
        self.broker.sought.clear()
        await self.consumer.seek_to_committed()
        return {(tp.topic, tp.partition): offset for tp, offset in self.broker.sought.items()}


def run(test: Callable[[Rig], Any]) -> None:
    """A test inside an event loop."""

    async def body() -> None:
        await test(Rig())

    asyncio.run(body())


@pytest.mark.parametrize("name", seams.OVERRIDDEN)
def test_the_seams_are_where_they_were(name: str) -> None:
    """Another version of Faust may move them; then nothing of ours would be called any more."""
    theirs, ours = getattr(driver.Consumer, name), getattr(HoldbackConsumer, name)

    assert name in vars(HoldbackConsumer) | vars(PackingConsumer)
    assert seams.KINDS[seams.OVERRIDDEN[name][1]](ours)
    assert len(inspect.signature(theirs).parameters) == len(inspect.signature(ours).parameters)


def test_every_partition_is_sought_also_where_nothing_is_committed() -> None:
    """The stock driver seeks only where an offset above 0 is stored, and loses what it had fetched elsewhere."""

    async def body(rig: Rig) -> None:
        rig.broker.says(OTHER, 5, "9")
        assert await rig.seek() == {TP: 0, OTHER: 5}
        assert rig.positions.committed == {TP: Stand(0, 0), OTHER: Stand(5, 9)}

    run(body)


def test_a_kept_partition_goes_on_where_it_was() -> None:
    """Nobody committed since we did: what is open stays open, and nothing is read twice."""

    async def body(rig: Rig) -> None:
        await rig.seek()
        rig.positions.next_at[TP] = 7
        assert await rig.consumer._commit({KafkaTP(*TP): 99})
        rig.positions.move(TP, 7)
        rig.positions.revoke([TP, OTHER])
        assert await rig.seek() == {TP: 8, OTHER: 0}
        assert sorted(rig.taken) == [TP, OTHER]

    run(body)


def test_a_partition_that_another_had_is_read_from_what_it_committed() -> None:
    """Our state is old then."""

    async def body(rig: Rig) -> None:
        await rig.seek()
        rig.positions.revoke([TP, OTHER])
        rig.broker.says(TP, 4, "6")
        assert await rig.seek() == {TP: 4, OTHER: 0}
        assert sorted(rig.taken) == [TP, TP, OTHER]

    run(body)


def test_a_partition_that_is_gone_is_forgotten() -> None:
    """What we don't own is never committed."""

    async def body(rig: Rig) -> None:
        await rig.seek()
        rig.broker.assigned = {KafkaTP(*TP)}
        assert await rig.seek() == {TP: 0}
        assert set(rig.positions.next_at) == {TP}

    run(body)


def test_of_two_seeks_at_once_the_later_assignment_stands() -> None:
    """Faust seeks from two tasks; an answer that comes late must not take away what was assigned meanwhile."""

    async def body(rig: Rig) -> None:
        rig.broker.assigned = {KafkaTP(*TP)}
        rig.broker.delays = [0.05, 0.0]
        early = asyncio.create_task(rig.consumer.seek_to_committed())
        await asyncio.sleep(0.01)
        rig.broker.assigned = {KafkaTP(*TP), KafkaTP(*OTHER)}
        late = asyncio.create_task(rig.consumer.seek_to_committed())
        await asyncio.gather(early, late)
        assert set(rig.positions.next_at) == {TP, OTHER}

    run(body)


def test_a_coordinator_that_does_not_answer_ends_the_worker() -> None:
    """Faust would cancel the seek, never resume and never say so."""

    async def body(rig: Rig) -> None:
        rig.broker.answers.clear()
        with pytest.raises(TimeoutError):
            await rig.consumer.seek_to_committed()

    run(body)


def test_a_log_that_was_cut_is_an_error() -> None:
    """Needed is 2, and the log begins at 5."""

    async def body(rig: Rig) -> None:
        rig.broker.begin = 5
        rig.broker.says(TP, 2, "9")
        with pytest.raises(LogTruncatedError):
            await rig.consumer.seek_to_committed()

    run(body)


def test_a_commit_carries_needed_and_reached() -> None:
    """Whatever Faust counted."""

    async def body(rig: Rig) -> None:
        await rig.seek()
        rig.positions.held = lambda tp: Stand(2, 8) if tp == TP else None
        assert await rig.consumer._commit({KafkaTP(*TP): 99, KafkaTP(*OTHER): 99})
        assert (rig.broker.stored[KafkaTP(*TP)].offset, rig.broker.stored[KafkaTP(*TP)].metadata) == (2, "8")
        assert KafkaTP(*OTHER) not in rig.broker.stored
        assert rig.positions.committed[TP] == Stand(2, 8)

    run(body)


def test_a_commit_that_failed_is_not_remembered_and_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust counts it as done, and would commit that partition only after its next record."""

    async def faust_sees_nothing_to_do(*_: Any) -> bool:
        return True

    async def body(rig: Rig) -> None:
        await rig.seek()
        rig.positions.move(TP, 0)
        rig.broker.fails = CommitFailedError()
        assert not await rig.consumer._commit({KafkaTP(*TP): 1})
        assert rig.positions.committed[TP] == Stand(0, 0)
        assert rig.thread.crashed == []
        rig.broker.fails = None
        assert await rig.consumer.force_commit()
        assert rig.broker.stored[KafkaTP(*TP)].offset == 1

    monkeypatch.setattr(driver.Consumer, "force_commit", faust_sees_nothing_to_do)
    run(body)


def test_a_commit_for_what_was_taken_away_is_left_out() -> None:
    """The client would refuse all of it, and that is no reason to end."""

    async def body(rig: Rig) -> None:
        await rig.seek()
        rig.positions.move(TP, 0)
        rig.broker.assigned = {KafkaTP(*OTHER)}
        assert not await rig.consumer._commit({KafkaTP(*TP): 1})
        assert rig.broker.stored == {}
        assert rig.thread.crashed == []

    run(body)


def test_any_other_error_of_a_commit_ends_the_worker() -> None:
    """An authorization that was withdrawn, for one."""

    async def body(rig: Rig) -> None:
        await rig.seek()
        rig.positions.move(TP, 0)
        rig.broker.fails = KafkaError("no")
        assert not await rig.consumer._commit({KafkaTP(*TP): 1})
        assert rig.thread.crashed == [rig.broker.fails]

    run(body)


def new_fetcher() -> Any:
    """The installed driver's own."""
    client = SimpleNamespace(_loop=asyncio.get_running_loop(), _metadata_max_age_ms=1000)
    return Fetcher(client, SubscriptionState())


@pytest.mark.parametrize("how", ["fails", "is cancelled", "just ends"])
def test_a_dead_fetcher_ends_the_worker(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Faust would wait for records for ever; and as nothing tells where the log ends, nothing would seem to wait."""

    async def routine(_: Any) -> None:
        if how != "just ends":
            raise KafkaError("broken") if how == "fails" else asyncio.CancelledError

    async def body(rig: Rig) -> None:
        rig.broker._fetcher = new_fetcher()
        await asyncio.sleep(0)
        with pytest.raises(DeadFetcherError, match="nothing is fetched"):
            await rig.consumer._check_tasks()
        rig.broker._closed = True  # a worker that is being stopped
        await rig.consumer._check_tasks()

    monkeypatch.setattr(Fetcher, "_fetch_requests_routine", routine)
    run(body)


def test_a_fetcher_that_lives_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it waits for."""

    async def routine(_: Any) -> None:
        await asyncio.sleep(60)

    async def body(rig: Rig) -> None:
        await rig.consumer._check_tasks()
        rig.broker._fetcher = new_fetcher()
        await asyncio.sleep(0)
        await rig.consumer._check_tasks()
        await rig.broker._fetcher.close()

    monkeypatch.setattr(Fetcher, "_fetch_requests_routine", routine)
    run(body)
