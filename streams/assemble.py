"""Stage 1, raw-events ─▶ conversations and closings: a shell around `Assembly`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import islice

from schemas.codec import encode, expect
from schemas.ids import closing_key, conversation_key, slice_key
from schemas.records import Closing, Control, SettingsInForce
from schemas.topics import CLOSINGS, CONVERSATIONS, MAX_RECORD_BYTES, RAW_EVENTS
from streams.assembly import LIVE, Assembly, Closed, OpenSlice
from streams.memory import Memory
from streams.outbox import Outbox
from streams.positions import Stand, TopicPartition
from streams.scratch import Scratch
from streams.stage import Desk, Record

CHUNK = 100  # slices whose bytes are in memory at a time, however many one watermark closes

ReadBack = Callable[[int], AsyncIterator[bytes]]


class AssembleStage:
    """Folds events into open slices and emits those that a control record closes."""

    name = "assemble"
    source = RAW_EVENTS
    batch = 500

    def __init__(self, desk: Desk, memory: Memory, scratch: Scratch, closings: ReadBack) -> None:
        """`closings` reads a partition of topic closings from its beginning to its present end."""
        self._desk, self._memory, self._scratch, self._closings = desk, memory, scratch, closings
        self._topic = desk.kafka.topic(RAW_EVENTS.name)
        self.assemblies: dict[int, Assembly] = {}
        self.watermarks: dict[tuple[str, int], int] = {}
        desk.positions.held = self._held

    def _held(self, tp: TopicPartition) -> Stand | None:
        owned = self.assemblies.get(tp[1]) if tp[0] == self._topic else None
        return Stand(*owned.position()) if owned else None

    async def take_over(self, tp: TopicPartition) -> None:
        """Restore closings and settings of the partition, then fold again from what is needed."""
        stand = self._desk.positions.committed[tp]
        await self.let_go(tp)
        async for data in self._closings(tp[1]):
            await self._remember(data)
        self.assemblies[tp[1]] = Assembly(
            tp[1], needed=stand.needed, reached=stand.reached, memory=self._memory, scratch=self._scratch
        )

    async def let_go(self, tp: TopicPartition) -> None:
        """Forget the partition's open slices and memories."""
        gone = self.assemblies.pop(tp[1], None)
        if gone is not None:
            gone.abandon()
        self._memory.forget(tp[1])

    async def handle(self, records: list[Record]) -> None:
        """Events are folded; each control record's effects are confirmed before the next record is touched."""
        outbox = self._desk.new_outbox()
        for record in records:
            try:
                await self._one(record, outbox)
                self._desk.limit.note(refused=False)
            except (ValueError, KeyError, TypeError) as error:
                await self._desk.refuse(self.name, record, error, outbox)
                await outbox.confirm()
                self._move(record)
            await asyncio.sleep(0)

    async def _one(self, record: Record, outbox: Outbox) -> None:
        name, value = self._desk.codec.decode(record.value)
        assembly = self.assemblies[record.partition]
        if name == "RawEvents":
            assembly.add(record.offset, value, record.value)
            self._move(record)
        elif name == "Control":
            await self._control(assembly, record, value, outbox)
        else:
            msg = f"a {name} has no place in {record.topic}"
            raise TypeError(msg)

    async def _control(self, assembly: Assembly, record: Record, control: Control, outbox: Outbox) -> None:
        if control["settings"] is not None:
            await self._settings(record, control, outbox)
        due = assembly.due(record.offset, control)
        if not assembly.is_replaying(record.offset):
            waiting = iter(due)
            while chunk := list(islice(waiting, CHUNK)):
                await self._emit(assembly, record, chunk, outbox)
        # From here to the end nothing yields: slices leave and `reached` moves in one breath.
        self._move(record, due)
        if control["watermark_ms"] is not None and control["lane"] == LIVE:
            self.watermarks[control["connector_uid"], record.partition] = control["watermark_ms"]

    def _move(self, record: Record, closed: list[OpenSlice] | None = None) -> None:
        self.assemblies[record.partition].done(record.offset, closed or ())
        self._desk.positions.reached[record.tp] = record.offset + 1

    async def _emit(self, assembly: Assembly, record: Record, chunk: list[OpenSlice], outbox: Outbox) -> None:
        remembered = []
        for one in chunk:
            closed = assembly.close(one, record.offset)
            remembered.append(closed.closing)
            await self._send(record, closed, outbox)
        await outbox.confirm()
        for closing in remembered:
            self._memory.add_closing(closing)

    async def _send(self, record: Record, closed: Closed, outbox: Outbox) -> None:
        await self._send_closing(record.partition, closed.closing, outbox)
        if closed.slice is None:
            return
        value = outbox.encode(CONVERSATIONS, "ClosedSlice", closed.slice)
        if len(value) > MAX_RECORD_BYTES:
            events = outbox.encode(CONVERSATIONS, "EventList", {"events": closed.slice["events"]})
            ref = await self._desk.contents.put(events)
            value = outbox.encode(
                CONVERSATIONS, "ClosedSlice", {**closed.slice, "events": [], "events_ref": ref}
            )
        key = conversation_key(closed.slice["connector_uid"], closed.slice["conversation"])
        await outbox.send(CONVERSATIONS, value, key=key, partition=record.partition)

    async def _send_closing(self, partition: int, closing: Closing, outbox: Outbox) -> None:
        value = outbox.encode(CLOSINGS, "Closing", closing)
        if len(value) > MAX_RECORD_BYTES:
            ref = await self._desk.contents.put(encode("Closing", closing))
            value = outbox.encode(CLOSINGS, "Closing", {**closing, "ids": b"", "people": [], "overflow": ref})
        key = slice_key(closing["connector_uid"], closing["conversation"], closing["slice"])
        await outbox.send(
            CLOSINGS, value, key=closing_key(closing["group"], key, closing["position"]), partition=partition
        )

    async def _settings(self, record: Record, control: Control, outbox: Outbox) -> None:
        if control["settings"] is None:
            return
        known: SettingsInForce = {
            "group": LIVE, "connector_uid": control["connector_uid"], "partition": record.partition,
            "position": record.offset, "settings": control["settings"],
        }  # fmt: skip
        key = f"{LIVE}|settings|{control['connector_uid']}|{record.partition}|{record.offset:020d}".encode()
        await outbox.send(
            CLOSINGS, outbox.encode(CLOSINGS, "SettingsInForce", known), key=key, partition=record.partition
        )
        await outbox.confirm()
        self._memory.add_settings(known)

    async def _remember(self, data: bytes) -> None:
        name, value = self._desk.codec.decode(data)
        if value["group"] != LIVE:
            return
        if name == "SettingsInForce":
            self._memory.add_settings(value)
        elif name == "Closing":
            if value["overflow"] is not None:
                value = expect("Closing", await self._desk.contents.get(value["overflow"]))
            self._memory.add_closing(value)
