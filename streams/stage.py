"""What both stages share: which records of a batch are new, what one stage may touch, and how it refuses."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from schemas.broker import KafkaSettings
from schemas.codec import Codec, Decoded
from schemas.ids import digest
from schemas.topics import DEAD_LETTERS, MAX_RECORD_BYTES, Topic
from streams.contents import Contents
from streams.outbox import Outbox
from streams.positions import Positions, Stand, TopicPartition
from streams.refusals import LASTING, RefusalLimit, RejectedError, dead_letter

LETTER_BYTES = MAX_RECORD_BYTES // 2


class Record(NamedTuple):
    """One record of a topic, its bytes untouched."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes

    @property
    def tp(self) -> TopicPartition:
        """Where it stands."""
        return self.topic, self.partition


class LogGapError(RuntimeError):
    """The driver skipped records: this worker must stop before it commits over them."""


def fresh(records: Iterable[Record], positions: Positions) -> Iterator[Record]:
    """Records that follow what is reached, without those seen before; LogGapError where some are missing.

    Our topics have neither compaction nor transactions on the way, so positions are contiguous, and a gap is a
    loss in the making.
    """
    expected: dict[TopicPartition, int] = {}
    for record in records:
        at = expected.get(record.tp, positions.next_at.get(record.tp))
        if at is None or record.offset < at:
            continue  # the partition went to another worker, or a seek brought records again
        if record.offset > at:
            msg = f"{record.topic}/{record.partition}: expected position {at}, got {record.offset}"
            raise LogGapError(msg)
        expected[record.tp] = at + 1
        yield record


@dataclass
class Tools:
    """What a stage works with."""

    kafka: KafkaSettings
    codec: Codec
    contents: Contents
    positions: Positions
    new_outbox: Callable[[], Outbox]
    limit: RefusalLimit = field(default_factory=RefusalLimit)
    alarms: dict[TopicPartition, tuple[int, str]] = field(default_factory=dict)
    """By partition of the archive stage: the last slice of which a mail or copy met other bytes in its place, and what to say."""
    steps: Counter[str] = field(default_factory=Counter)
    """Small steps by stage, for the watch over progress: positions of a large batch move only at its end."""

    def decoded(self, record: Record, *names: str) -> Decoded:
        """The record by name and value; RejectedError if it is none of those that its topic holds."""
        found = self.codec.decode(record.value)
        if found.name not in names:
            msg = f"a {found.name} has no place in {record.topic}"
            raise RejectedError(msg)
        return found

    async def refuse(self, stage: str, record: Record, error: Exception, outbox: Outbox) -> None:
        """Send the original bytes to dead-letters; the caller confirms the outbox."""
        self.limit.note(stage, refused=True)
        await self.send_letter(stage, record, error, outbox)

    async def send_letter(self, stage: str, record: Record, error: Exception, outbox: Outbox) -> None:
        """The same, without counting it as a record of the stage that was refused."""
        letter = dead_letter(
            stage, record.topic, record.partition, record.offset, record.key, record.value, error
        )
        if len(record.value) + len(record.key or b"") > LETTER_BYTES:
            letter["value"], letter["value_ref"] = b"", await self.contents.put(record.value)
        value = outbox.encode(DEAD_LETTERS, "DeadLetter", letter)
        await outbox.send(
            DEAD_LETTERS, value, key=digest("letter", letter["origin"]).hex().encode(), partition=None
        )


class Stage(Protocol):
    """One hop of the flow: reads one topic, makes its effects durable, moves `reached`."""

    name: str
    source: Topic
    batch: int
    """Most records at a time."""

    async def handle(self, records: list[Record]) -> None:
        """Process fresh records; on return all effects are durable and positions are moved."""

    def take_over(self, tp: TopicPartition, stand: Stand) -> None:
        """This worker owns the partition from now on; what takes time is restored with the first record."""

    def let_go(self, tp: TopicPartition) -> None:
        """Another worker owns it: forget."""


class Stateless:
    """A stage that remembers nothing between records."""

    def take_over(self, tp: TopicPartition, stand: Stand) -> None:
        """Nothing to restore."""

    def let_go(self, tp: TopicPartition) -> None:
        """Nothing to forget."""


Effect = Callable[[Record, Outbox], Awaitable[None]]


async def each(
    stage: str,
    tools: Tools,
    records: list[Record],
    effect: Effect,
    *,
    at_a_time: int = 1,
    refusable: tuple[type[Exception], ...] = LASTING,
) -> None:
    """Every record through `effect`, so many at a time, then confirm all, then move: for stages without open state.

    They begin in their order and end as they are done. LASTING errors (DecodeError and RejectedError are ValueErrors) mean that
    the same bytes will always fail: they are refused. Anything else ends the worker, and nothing of the batch is committed.
    """
    outbox, waiting = tools.new_outbox(), iter(records)

    async def work() -> None:
        for record in waiting:
            try:
                await effect(record, outbox)
            except refusable as error:
                await tools.refuse(stage, record, error, outbox)
            else:
                tools.limit.note(stage, refused=False)
                tools.steps[stage] += 1

    await _side_by_side(work, min(at_a_time, len(records)))
    await outbox.confirm()
    for record in records:
        tools.positions.move(record.tp, record.offset)


async def _side_by_side(work: Callable[[], Coroutine[Any, Any, None]], count: int) -> None:
    """So many of them until all are done; the first error ends the others and is raised itself, with a sentence of its own."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(work())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from several
