"""Stage 1, raw-events ─▶ conversations and closings: a shell around `Assembly`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import islice
from typing import cast

from schemas.blocks import event_list, events_of, with_events
from schemas.codec import DecodeError, encode, expect
from schemas.ids import closing_key, conversation_key, slice_key
from schemas.live import LIVE_GROUP
from schemas.records import ClosedSlice, Closing, Control
from schemas.topics import CLOSINGS, CONVERSATIONS, MAX_RECORD_BYTES, RAW_EVENTS
from streams.accepting import accepted
from streams.assembly import Assembly, Closed, OpenSlice
from streams.contents import Contents
from streams.events import closed_at, names_nobody
from streams.in_force import Fact, fact_key, in_force, learn
from streams.kept import joined, kept
from streams.mail.participants import cast_of
from streams.memory import Memory
from streams.outbox import Outbox
from streams.positions import Stand, TopicPartition
from streams.proof import Proof
from streams.readback import Kept, Seen
from streams.refusals import LASTING, RejectedError, dependency
from streams.scratch import Scratch
from streams.stage import Record, Tools
from streams.unreadable import pass_over

log = logging.getLogger(__name__)
BREATH_BYTES = 32_768  # records without a pause: some milliseconds; a pause costs as much as a small record
CHUNK = 100  # slices whose bytes are in memory at a time, however many one watermark closes

ReadBack = Callable[[int, Seen], AsyncIterator[Kept]]


class AssembleStage:
    """Folds events into open slices and emits those that a control record closes."""

    name = "assemble"
    source = RAW_EVENTS
    batch = 500

    def __init__(self, tools: Tools, memory: Memory, scratch: Scratch, closings: ReadBack) -> None:
        """`closings` reads a partition of topic closings from its beginning to its present end, and first says where they are."""
        self._tools, self._memory, self._scratch, self._closings = tools, memory, scratch, closings
        self._topic = tools.kafka.topic(RAW_EVENTS.name)
        self.assemblies: dict[int, Assembly] = {}
        self._bare: dict[
            int, Stand
        ] = {}  # partitions whose memory is still to be restored, and what was committed
        self._proof = Proof()
        tools.positions.held = self._held

    def _held(self, tp: TopicPartition) -> Stand | None:
        owned = self.assemblies.get(tp[1]) if tp[0] == self._topic else None
        if owned is None:
            return None
        bare = self._bare.get(tp[1])
        return Stand(*owned.position(), self._proof.said(tp[1]) if bare is None else bare.closings)

    def take_over(self, tp: TopicPartition, stand: Stand) -> None:
        """Begin at what is needed; closings and settings are read back before the first record."""
        self.let_go(tp)
        self._bare[tp[1]] = stand
        self.assemblies[tp[1]] = Assembly(
            tp[1], needed=stand.needed, reached=stand.reached, memory=self._memory, scratch=self._scratch,
            fold=joined,
        )  # fmt: skip

    def let_go(self, tp: TopicPartition) -> None:
        """Forget the partition's open slices and memories."""
        self._bare.pop(tp[1], None)
        self._proof.forget(tp[1])
        gone = self.assemblies.pop(tp[1], None)
        if gone is not None:
            gone.abandon()
        self._memory.forget(tp[1])

    async def handle(self, records: list[Record]) -> None:
        """Events are folded; each control record's effects are confirmed before the next record is touched."""
        outbox, unbroken = self._tools.new_outbox(), 0
        for record in records:
            await self._restore(record.partition)
            if self._tools.positions.is_next(
                record.tp, record.offset
            ):  # else it went to another worker meanwhile
                await self._one(self.assemblies[record.partition], record, outbox)
            unbroken += len(record.value)
            if unbroken >= BREATH_BYTES:
                unbroken = 0
                await asyncio.sleep(0)

    async def _restore(self, partition: int) -> None:
        """Here and not at assignment: Faust gives a seek little time, and there may be years of closings."""
        while (stand := self._bare.get(partition)) is not None:
            owned, seen = self.assemblies.get(partition), partial(self._proof.begin, partition, stand)
            self._memory.forget(partition)
            with dependency("closings"):
                async for kept in self._closings(partition, seen):
                    await self._remember(partition, kept)
                    self._tools.steps[self.name] += 1
            if self.assemblies.get(partition) is owned:
                self._bare.pop(partition, None)

    async def _one(self, assembly: Assembly, record: Record, outbox: Outbox) -> None:
        """Only what a record's own bytes do is refused; an error while its effects are made ends the worker."""
        try:
            name, value = accepted(self._tools.codec.decode(record.value))
            data = kept(value, record.value, self._tools.codec) if name == "RawEvents" else b""
        except LASTING as error:
            await self._refuse(assembly, record, error, outbox)
            return
        self._tools.limit.note(self.name, refused=False)
        if name == "RawEvents":
            assembly.add(record.offset, value, data, closed_ms=closed_at(value))
            self._move(assembly, record)
        else:
            await self._control(assembly, record, value, outbox)

    async def _refuse(self, assembly: Assembly, record: Record, error: Exception, outbox: Outbox) -> None:
        # Below what was reached before, the letter is durable, and counting it again could stop every restart.
        if not assembly.is_replaying(record.offset):
            await self._tools.refuse(self.name, record, error, outbox)
            await outbox.confirm()
        self._move(assembly, record)

    async def _control(self, assembly: Assembly, record: Record, control: Control, outbox: Outbox) -> None:
        emitted = assembly.is_replaying(record.offset)
        if not emitted:
            await self._in_force(record, control, outbox)
        due = assembly.due(record.offset, control)
        waiting = iter(() if emitted else due)
        while chunk := list(islice(waiting, CHUNK)):
            await self._emit(assembly, record, chunk, outbox)
        # From here to the end nothing yields: slices leave and `reached` moves in one breath.
        self._move(assembly, record, due)

    def _move(self, assembly: Assembly, record: Record, closed: list[OpenSlice] | None = None) -> None:
        if self._owns(assembly) and self._tools.positions.move(record.tp, record.offset):
            assembly.done(record.offset, closed or ())

    def _owns(self, assembly: Assembly) -> bool:
        return self.assemblies.get(assembly.partition) is assembly

    async def _emit(self, assembly: Assembly, record: Record, chunk: list[OpenSlice], outbox: Outbox) -> None:
        remembered = []
        for one in chunk:
            if not self._owns(assembly):
                break  # it went to another worker meanwhile, and its bytes were given back
            closed = await with_everybody(self._tools.contents, assembly.close(one, record.offset))
            remembered.append(closed.closing)
            await self._send(record, closed, outbox)
        await self._confirm(record.partition, outbox)
        self._tools.steps[self.name] += 1
        for closing in remembered:
            self._memory.add_closing(closing)

    async def _send(self, record: Record, closed: Closed, outbox: Outbox) -> None:
        await self._send_closing(record.partition, closed.closing, outbox)
        if closed.slice is None:
            return
        value = outbox.encode(CONVERSATIONS, "ClosedSlice", closed.slice)
        if closed.blocks is not None:
            value = with_events(value, closed.blocks)
        if len(value) > MAX_RECORD_BYTES:
            value = await self._claimed(closed.slice, closed.blocks, outbox)
        key = conversation_key(closed.slice["connector_uid"], closed.slice["conversation"])
        await outbox.send(CONVERSATIONS, value, key=key, partition=record.partition)

    async def _claimed(self, closed: ClosedSlice, blocks: bytes | None, outbox: Outbox) -> bytes:
        """A slice too large for a record: its events by claim check, or all of it where the people alone are too many."""
        blocks = events_of(closed["events"]) if blocks is None else blocks
        ref = await self._tools.contents.put(event_list(blocks))
        short: ClosedSlice = {**closed, "events": [], "events_ref": ref}
        value = outbox.encode(CONVERSATIONS, "ClosedSlice", short)
        if len(value) <= MAX_RECORD_BYTES:
            return value
        whole = await self._tools.contents.put(encode("ClosedSlice", short))
        bare = {**short, "earlier": [], "people": [], "events_ref": None, "overflow": whole}
        return outbox.encode(CONVERSATIONS, "ClosedSlice", bare)

    async def _send_closing(self, partition: int, closing: Closing, outbox: Outbox) -> None:
        value = outbox.encode(CLOSINGS, "Closing", closing)
        if len(value) > MAX_RECORD_BYTES:
            ref = await self._tools.contents.put(encode("Closing", closing))
            value = outbox.encode(CLOSINGS, "Closing", {**closing, "ids": b"", "people": [], "overflow": ref})
        key = slice_key(closing["connector_uid"], closing["conversation"], closing["slice"])
        await outbox.send(
            CLOSINGS, value, key=closing_key(closing["group"], key, closing["position"]), partition=partition
        )

    async def _in_force(self, record: Record, control: Control, outbox: Outbox) -> None:
        """Kept as of their position: a recovery may start behind it."""
        facts = in_force(control, LIVE_GROUP, record.partition, record.offset)
        for fact in facts:
            value = outbox.encode(CLOSINGS, *fact)
            await outbox.send(CLOSINGS, value, key=fact_key(fact), partition=record.partition)
        await self._confirm(record.partition, outbox)
        for fact in facts:
            learn(self._memory, fact)

    async def _confirm(self, partition: int, outbox: Outbox) -> None:
        ends = await outbox.confirm()
        end = ends.get((self._tools.kafka.topic(CLOSINGS.name), partition))
        if end is not None:
            self._proof.grown(partition, end)

    async def _remember(self, partition: int, kept: Kept) -> None:
        try:
            name, value = self._tools.codec.decode(kept.value)
        except DecodeError as error:
            pass_over(partition, kept, error)
            log.error("closings/%d/%d is none of ours and passed over: %s", partition, kept.position, error)  # noqa: TRY400 - one line
            return
        if value["group"] != LIVE_GROUP:
            return
        if name in {"SettingsInForce", "MappingInForce"}:
            learn(self._memory, cast("Fact", (name, value)))
        elif name == "Closing":
            if value["overflow"] is not None:
                value = expect("Closing", await self._tools.contents.get(value["overflow"]))
            self._memory.add_closing(value)


async def with_everybody(contents: Contents, closed: Closed) -> Closed:
    """The same; a closing also names the people of events that were too large to bring them along."""
    events = closed.slice["events"] if closed.slice else []
    if closed.slice is None or not any(names_nobody(event) for event in events):
        return closed
    try:
        whole = [await contents.whole(event) if names_nobody(event) else event for event in events]
    except RejectedError:
        return closed  # disposed of: its mail is refused, and says so
    people = cast_of(whole, closed.slice["people"]).people
    return Closed({**closed.closing, "people": people}, closed.slice)
