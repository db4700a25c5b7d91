"""Stage 2, conversations ─▶ mails: a shell around the pure renderer in `streams/mail`."""

from schemas.codec import expect
from schemas.ids import conversation_key
from schemas.records import ClosedSlice, Event, Mail, Segment
from schemas.topics import CONVERSATIONS, MAILS, MAX_RECORD_BYTES
from streams.mail.render import render
from streams.outbox import Outbox
from streams.positions import TopicPartition
from streams.stage import Desk, Record, each

CLAIM_BYTES = 16_384  # in a mail too large for a record, longer pieces go by claim check


class RenderStage:
    """Turns closed slices into mails."""

    name = "render"
    source = CONVERSATIONS
    batch = 100

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def handle(self, records: list[Record]) -> None:
        """One slice becomes one mail, or several parts."""
        await each(self.name, self._desk, records, self._one)

    async def take_over(self, tp: TopicPartition) -> None:
        """Nothing is remembered between slices."""

    async def let_go(self, tp: TopicPartition) -> None:
        """Nothing to forget."""

    async def _one(self, record: Record, outbox: Outbox) -> None:
        closed: ClosedSlice = expect_record(self._desk, "ClosedSlice", record)
        for mail in render(await self._whole(closed)):
            value = outbox.encode(MAILS, "Mail", mail)
            if len(value) > MAX_RECORD_BYTES:
                value = outbox.encode(MAILS, "Mail", await self._claim(mail))
            key = conversation_key(mail["connector_uid"], mail["conversation"])
            await outbox.send(MAILS, value, key=key, partition=record.partition)

    async def _whole(self, closed: ClosedSlice) -> ClosedSlice:
        """The slice with every event in it."""
        events = closed["events"]
        if closed["events_ref"] is not None:
            events = expect("EventList", await self._desk.contents.get(closed["events_ref"]))["events"]
        if any(event["overflow"] for event in events):
            events = [await self._unfold(event) for event in events]
        return {**closed, "events": events, "events_ref": None}

    async def _unfold(self, event: Event) -> Event:
        if event["overflow"] is None:
            return event
        whole: Event = expect("Event", await self._desk.contents.get(event["overflow"]))
        return whole

    async def _claim(self, mail: Mail) -> Mail:
        """The same mail with its long pieces in the content store."""
        segments: list[Segment] = []
        for segment in mail["segments"]:
            if len(segment["data"]) > CLAIM_BYTES:
                ref = await self._desk.contents.put(segment["data"])
                segments.append({**segment, "data": b"", "content": ref})
            else:
                segments.append(segment)
        return {**mail, "segments": segments}


def expect_record(desk: Desk, name: str, record: Record) -> ClosedSlice:
    """The record, decoded; TypeError if it is of another kind."""
    found, value = desk.codec.decode(record.value)
    if found != name:
        msg = f"a {found} has no place in {record.topic}, expected a {name}"
        raise TypeError(msg)
    return value  # type: ignore[no-any-return]  # what Avro read by the schema of that name
