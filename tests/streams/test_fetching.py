"""What is fetched becomes packs: bounded, in order, and none from before a rebalance; against the installed driver's class."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition as KafkaTP
from aiokafka.errors import TopicAuthorizationFailedError
from faust.types import TP
from mode.utils.queues import FlowControlEvent

from streams import fetching, packs
from streams.fetching import PackingConsumer
from streams.holdback import HoldbackApp
from streams.packs import Packs
from streams.stage import Record


class Fetched:
    """Faust's thread with what aiokafka has in store for it."""

    def __init__(self) -> None:
        self.store: dict[Any, list[Any]] = {}
        self.asked: list[tuple[set[Any], float]] = []
        self.before: Callable[[], None] = lambda: None
        self.fails_at = -1
        self._consumer = None

    def holds(self, tp: tuple[str, int], offsets: range, size: int = 1) -> None:
        """The broker has sent these."""
        new = [SimpleNamespace(offset=offset, key=None, value=bytes(size)) for offset in offsets]
        self.store.setdefault(KafkaTP(*tp), []).extend(new)

    async def call_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        """See Faust's ConsumerThread."""
        found = await call(*args)
        self.before()
        return found

    async def _fetch_records(
        self,
        _: Any,
        wanted: set[Any],
        timeout: float,  # noqa: ASYNC109 - Faust's signature
        max_records: int,
    ) -> Any:
        self.asked.append((set(wanted), timeout))
        if len(self.asked) == self.fails_at:
            raise TopicAuthorizationFailedError
        found = {}
        for tp in [tp for tp in self.store if tp in wanted and self.store[tp] and max_records]:
            found[tp], self.store[tp] = self.store[tp][:max_records], self.store[tp][max_records:]
            max_records -= len(found[tp])
        return found


class Rig:
    """A consumer without Faust around it, its flow going on; `queue` is what Faust was handed."""

    def __init__(self) -> None:
        self.thread, self.queue, self.sought = Fetched(), list[packs.Pack](), 0
        self.consumer = PackingConsumer.__new__(PackingConsumer)
        self.app = HoldbackApp.__new__(HoldbackApp)
        flow = FlowControlEvent()
        flow.resume()
        self.app.__dict__.update(packs=Packs(), flow_control=flow)
        self.app.consumer_generation_id = 1
        self.consumer.__dict__.update(
            app=self.app, _thread=self.thread, _read_offset={}, flow_active=True, perform_seek=self._seek,
            _active_partitions={TP("t", 0), TP("t", 1), TP("u", 0)}, _paused_partitions=set(),
            _stopped=asyncio.Event(), _crashed=asyncio.Event(),
            can_resume_flow=asyncio.Event(), suspend_flow=asyncio.Event(),
        )  # fmt: skip

    async def _seek(self) -> None:
        self.sought += 1

    async def drain(self) -> None:
        """What Faust does with one call."""
        async for tp, message in self.consumer.getmany(0.01):
            assert message.tp == tp
            assert self.consumer._read_offset[tp] is None
            self.queue.append(message.value)


def run(test: Callable[[Rig], Any]) -> None:
    """A test inside an event loop."""

    async def body() -> None:
        await test(Rig())

    asyncio.run(body())


def offsets(pack: packs.Pack) -> list[tuple[int, int]]:
    """(partition, position) of what is in it."""
    return [(one.partition, one.offset) for one in pack.unpack()]


def test_a_waiting_pack_grows_and_a_taken_one_does_not() -> None:
    """One message for a topic, however often is fetched; partitions in their order; another message once it was taken."""

    async def body(rig: Rig) -> None:
        rig.thread.holds(("t", 0), range(2))
        await rig.drain()
        rig.thread.holds(("t", 1), range(5, 6))
        await rig.drain()
        rig.thread.holds(("t", 0), range(2, 3))
        await rig.drain()
        assert len(rig.queue) == 1
        assert offsets(rig.queue[0]) == [(0, 0), (0, 1), (1, 5), (0, 2)]
        rig.thread.holds(("t", 0), range(3, 4))
        await rig.drain()
        assert offsets(rig.queue[1]) == [(0, 3)]

    run(body)


@pytest.mark.parametrize(("size", "most"), [(1, packs.PACK_RECORDS), (100_000, 11)])
def test_what_waits_is_bounded_by_records_and_bytes(size: int, most: int) -> None:
    """Of a topic whose pack is full nothing is fetched, of others it is; what is taken makes room, and nothing is missing."""

    async def body(rig: Rig) -> None:
        rig.thread.holds(("t", 0), range(5_000), size)
        for _ in range(30):
            await rig.drain()
        (pack,) = rig.queue
        held = len(pack._records)
        assert most <= held < most + max(fetching.STEP_RECORDS, fetching.FETCH_RECORDS if size == 1 else 0)
        rig.thread.holds(("u", 0), range(1))
        await rig.drain()
        assert rig.thread.asked[-1][0] == {TP("u", 0)}
        assert rig.thread.asked[-1][1] <= fetching.PAUSE_SECONDS
        assert len(rig.queue) == 2
        pack.unpack()
        await rig.drain()
        assert offsets(rig.queue[2])[0] == (0, held)

    run(body)


def test_what_was_fetched_before_an_error_is_handed_on_before_it_is_raised() -> None:
    """Nothing is skipped: the driver would go on behind what the steps before had given."""

    async def body(rig: Rig) -> None:
        rig.thread.holds(("t", 0), range(3 * fetching.STEP_RECORDS))
        rig.thread.fails_at = 3
        await rig.drain()
        with pytest.raises(TopicAuthorizationFailedError):
            await rig.drain()
        await rig.drain()
        assert offsets(rig.queue[0]) == [(0, number) for number in range(3 * fetching.STEP_RECORDS)]

    run(body)


def test_when_every_pack_is_full_nothing_is_asked_for() -> None:
    """An empty set of partitions is no filter for aiokafka: it would give what there is."""

    async def body(rig: Rig) -> None:
        for topic in "tu":
            rig.thread.holds((topic, 0), range(1), packs.PACK_BYTES)
        await rig.drain()
        rig.thread.asked.clear()
        await rig.drain()
        assert rig.thread.asked == []

    run(body)


@pytest.mark.parametrize("stopped", ["flow", "flow control"])
def test_what_comes_while_the_flow_is_stopped_is_sought_again(stopped: str) -> None:
    """A rebalance began while it was fetched."""

    def stop(rig: Rig) -> None:
        if stopped == "flow":
            rig.consumer.flow_active = False
        else:
            rig.app.flow_control.suspend()

    async def body(rig: Rig) -> None:
        rig.thread.holds(("t", 0), range(2))
        rig.thread.before = lambda: stop(rig)
        await rig.drain()
        assert rig.queue == []
        assert rig.sought == 1

    run(body)


def test_a_rebalance_between_two_packs_holds_the_second_back() -> None:
    """It was fetched for an assignment that is over."""

    async def body(rig: Rig) -> None:
        rig.thread.holds(("t", 0), range(2))
        rig.thread.holds(("u", 0), range(2))
        handed = rig.consumer.getmany(0.01)
        await anext(handed)
        rig.app.consumer_generation_id = 2
        with pytest.raises(StopAsyncIteration):
            await anext(handed)

    run(body)


def test_nothing_is_added_to_a_pack_of_another_assignment_or_of_an_emptied_queue() -> None:
    """Faust has thrown it away, and nobody would ever take what is in it."""

    async def body(rig: Rig) -> None:
        for number in range(3):
            rig.thread.holds(("t", 0), range(number, number + 1))
            await rig.drain()
            assert len(rig.queue) == number + 1
            if number == 0:
                rig.app.consumer_generation_id = 2
            else:
                rig.consumer.resume_flow()

    run(body)


def test_what_is_done_is_waited_for_no_more_and_leaves_nothing_behind() -> None:
    """A revocation that waits is told at once; Faust's list of what was acknowledged would grow for ever."""

    async def body(rig: Rig) -> None:
        waiting = asyncio.get_running_loop().create_future()
        message = fetching._message(packs.Pack(1), records_of_one())
        rig.consumer.__dict__.update(_unacked_messages={message}, _waiting_for_ack=waiting, _acked={})
        assert rig.consumer.ack(message)
        assert not rig.consumer.ack(message)
        assert (rig.consumer._unacked_messages, rig.consumer._acked) == (set(), {})
        assert message.acked
        assert waiting.done()

    run(body)


def records_of_one() -> Record:
    """Any record."""
    return Record("t", 0, 3, None, b"")
