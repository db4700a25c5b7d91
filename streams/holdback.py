"""Faust's Kafka driver, made safe: explicit seek after every assignment, hold-back commit, a watch on the coordinator.

Three measured ways in which the stock driver loses data are closed here, all behind the two abstract methods
`_commit` and `seek_to_committed` of Faust's Consumer (`seams.py` looks at them before a worker starts):
- it commits by its own count of acks, which skips an unacked head (faust-streaming issue 606): we commit `Positions`;
- after a rebalance it seeks only where an offset > 0 was committed: we seek always;
- when the group coordinator or the fetcher has failed for good it waits silently for ever: we crash, and a supervisor
  restarts us.

`fetching.py` is the other half: what Faust passes on is a pack of records, and it counts no offsets.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import faust
from aiokafka import TopicPartition as KafkaTP
from aiokafka.errors import CommitFailedError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from mode import Service

from schemas.broker import KafkaSettings
from schemas.topics import RAW_EVENTS
from streams.fetching import PackingConsumer
from streams.packs import Packs
from streams.positions import Positions, Stand, TopicPartition, stored_stand
from streams.seams import check_seams

CHECK_SECONDS = 5.0
ANSWER_SECONDS = 10.0
IN_TIME = 0.9  # of the time after which Faust gives up waiting for a seek


class DeadFetcherError(RuntimeError):
    """The driver's task that reads from Kafka has ended: nothing would ever arrive any more."""


class HoldbackConsumer(PackingConsumer):
    """Commits (needed, reached) and starts where `Positions` says."""

    app: "HoldbackApp"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seeking = asyncio.Lock()

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: FBT001, FBT002 - Faust's signature
        """Commit all that is ours: Faust, which counts nothing, would see nothing to commit."""
        await super().force_commit(topics, start_new_transaction)
        return await self._commit(dict.fromkeys(self.assignment(), 0))

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        """Ignore Faust's offsets: the snapshot is taken here, without an await, and sent as it is."""
        todo = self.app.positions.to_commit((tp.topic, tp.partition) for tp in offsets)
        return bool(await self._thread.call_thread(self._commit_in_thread, todo)) if todo else True

    async def _commit_in_thread(self, todo: dict[TopicPartition, Stand]) -> bool:
        consumer = self._thread._consumer  # noqa: SLF001 - no public way to commit metadata
        assigned = consumer.assignment()
        offsets = {
            KafkaTP(*tp): OffsetAndMetadata(stand.needed, stand.metadata) for tp, stand in todo.items()
        }
        if not assigned.issuperset(offsets):
            return False  # taken away since the snapshot: aiokafka would refuse all of it
        try:
            await consumer.commit(offsets)
        except CommitFailedError:
            return False  # rebalanced in between: whoever owns it now reads again
        except Exception as error:  # noqa: BLE001 - whatever it is, this worker must not go on
            await self._thread.crash(error)
            return False
        self.app.positions.confirm(todo)
        return True

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Seek every assigned partition explicitly, also where nothing is committed.

        Faust calls this from two tasks. It cancels a call that takes longer than a request may, and then waits for
        ever without a word: so a late answer ends the worker here.
        """
        async with asyncio.timeout(self.app.conf.broker_request_timeout * IN_TIME), self._seeking:
            asked = self.app.positions.revocations()
            stands: dict[TopicPartition, Stand] = await self._thread.call_thread(self._stored_in_thread)
            starts = {KafkaTP(*tp): offset for tp, offset in self._settle(stands, asked).items()}
            await self._thread.call_thread(self._seek_in_thread, starts)
        return starts

    def _settle(
        self, stands: dict[TopicPartition, Stand], asked: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Decide, in one breath, which state is kept and which is dropped; where to start."""
        positions = self.app.positions
        for gone in [tp for tp in positions.next_at if tp not in stands]:
            self.app.let_go(gone)
        for tp, stand in stands.items():
            if not positions.keeps(tp, stand):
                self.app.take_over(tp, stand)
        positions.settled(asked)
        return {tp: positions.next_at[tp] for tp in stands}

    async def _stored_in_thread(self) -> dict[TopicPartition, Stand]:
        consumer = self._thread._consumer  # noqa: SLF001 - as above
        assigned = list(consumer.assignment())
        if not assigned:
            return {}
        stored = await consumer._coordinator.fetch_committed_offsets(assigned)  # noqa: SLF001 - with metadata
        begins, ends = await consumer.beginning_offsets(assigned), await consumer.end_offsets(assigned)
        return {
            (tp.topic, tp.partition): self._stand(tp, stored.get(tp), begins[tp], ends[tp]) for tp in assigned
        }

    def _stand(self, tp: Any, stored: Any, begin: int, end: int) -> Stand:
        offset, metadata = (stored.offset, stored.metadata) if stored is not None else (-1, "")
        original = tp.topic == self.app.kafka.topic(RAW_EVENTS.name)
        return stored_stand((tp.topic, tp.partition), offset, metadata or "", begin, end, original=original)

    async def _seek_in_thread(self, starts: dict[Any, int]) -> None:
        consumer = self._thread._consumer  # noqa: SLF001 - as above
        for tp in consumer.assignment() & set(starts):
            consumer.seek(tp, starts[tp])

    @Service.task  # starts with the consumer; an app.task or app.timer waits for a join that never comes
    async def _watch_over(self) -> None:
        await self.app.look()  # the first record may be the one that blocks everything
        async for _ in self.itertimer(CHECK_SECONDS, name="watch"):
            await self._thread.call_thread(self._check_tasks)
            await self.app.look()

    async def kafka_answers(self) -> bool:
        """Whether any broker answers a question now, within ANSWER_SECONDS: who waits for Kafka has not stalled."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return bool(await self._thread.call_thread(self._ask_in_thread))
        except TimeoutError:
            return False

    async def _ask_in_thread(self) -> bool:
        consumer = self._thread._consumer  # noqa: SLF001 - as above
        return bool(consumer is not None and await consumer._client.force_metadata_update())  # noqa: SLF001 - no public way to ask

    async def _check_tasks(self) -> None:
        consumer = self._thread._consumer  # noqa: SLF001 - as above
        if consumer is None:
            return
        if consumer._coordinator is not None:  # noqa: SLF001
            consumer._coordinator.check_errors()  # noqa: SLF001 - raises when the coordination task has died
        fetcher = consumer._fetcher  # noqa: SLF001 - Faust reads what it has fetched, and never asks how it is
        if fetcher is not None and not consumer._closed and fetcher._fetch_task.done():  # noqa: SLF001
            raise DeadFetcherError(_end_of(fetcher._fetch_task))  # noqa: SLF001


def _end_of(task: asyncio.Task[None]) -> str:
    reason = "cancelled" if task.cancelled() else repr(task.exception())
    return f"nothing is fetched from Kafka any more: {reason}"


class IdempotentProducer(driver.Producer):  # type: ignore[misc]  # faust publishes no types
    """Faust's producer is idempotent only in transactions; ours always is."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Transport(driver.Transport):  # type: ignore[misc]  # faust publishes no types
    """Faust's transport with our consumer."""

    Consumer = HoldbackConsumer


class HoldbackApp(faust.App):  # type: ignore[misc]  # faust publishes no types
    """A Faust app whose positions are ours."""

    positions: Positions
    packs: Packs
    kafka: KafkaSettings
    take_over: Callable[[TopicPartition, Stand], None]
    let_go: Callable[[TopicPartition], None]
    look: Callable[[], Awaitable[None]]
    """Looks at everything that should move, every CHECK_SECONDS; raises when it does not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        check_seams()
        super().__init__(*args, **kwargs)
        self.packs = Packs()

    def goes_on(self, generation: int) -> bool:
        """Whether records that were fetched under this assignment may still be worked on."""
        return bool(self.flow_control.is_active()) and self.consumer_generation_id == generation

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer(self) -> IdempotentProducer:
        return IdempotentProducer(self.transport, loop=self.loop, beacon=self.beacon)
