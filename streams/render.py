"""Stage 2, conversations ─▶ mails: a shell around the pure renderer in `streams/mail`."""

from zoneinfo import ZoneInfoNotFoundError

from schemas.codec import encode, expect
from schemas.ids import conversation_key
from schemas.records import ClosedSlice, Mail
from schemas.topics import CONVERSATIONS, MAILS, MAX_RECORD_BYTES
from streams.contents import CLAIM_BYTES
from streams.mail.render import EventsMissingError, render
from streams.outbox import Outbox
from streams.placeholders import with_placeholders
from streams.refusals import DependencyError, RejectedError
from streams.stage import Record, Stateless, Tools, each


class RenderStage(Stateless):
    """Turns closed slices into mails."""

    name = "render"
    source = CONVERSATIONS
    batch = 100

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def handle(self, records: list[Record]) -> None:
        """One slice becomes one mail, or several parts."""
        await each(self.name, self._tools, records, self._one)

    async def _one(self, record: Record, outbox: Outbox) -> None:
        closed: ClosedSlice = self._tools.decoded(record, "ClosedSlice").value
        key = conversation_key(closed["connector_uid"], closed["conversation"])
        # All parts are made before one is sent: a slice is refused whole or not at all.
        whole = await with_placeholders(self._tools.contents, await self._whole(closed), keep=True)
        for value in [await self._fitted(mail, outbox) for mail in _rendered(whole)]:
            await outbox.send(MAILS, value, key=key, partition=record.partition)

    async def _whole(self, closed: ClosedSlice) -> ClosedSlice:
        """The slice with every event in it."""
        contents = self._tools.contents
        if closed["overflow"] is not None:
            closed = expect("ClosedSlice", await contents.get(closed["overflow"]))
        events = closed["events"]
        if closed["events_ref"] is not None:
            events = expect("EventList", await contents.get(closed["events_ref"]))["events"]
        events = [await contents.whole(event) if event["overflow"] else event for event in events]
        return {**closed, "events": events, "events_ref": None}

    async def _fitted(self, mail: Mail, outbox: Outbox) -> bytes:
        """The record: whole, or with its long pieces by claim check, or nothing but a claim check."""
        contents, value = self._tools.contents, outbox.encode(MAILS, "Mail", mail)
        for longest in CLAIM_BYTES:
            if len(value) > MAX_RECORD_BYTES:
                mail = {**mail, "segments": await contents.lighter(mail["segments"], longest)}
                value = outbox.encode(MAILS, "Mail", mail)
        if len(value) > MAX_RECORD_BYTES:
            ref = await contents.put(encode("Mail", mail))
            bare = {**mail, "reasons": [], "participants": [], "email": [], "unaddressed": [], "segments": []}
            value = outbox.encode(MAILS, "Mail", {**bare, "overflow": ref})
        return value


def _rendered(closed: ClosedSlice) -> list[Mail]:
    try:
        return render(closed)
    except EventsMissingError as error:
        raise RejectedError(str(error)) from error
    except ZoneInfoNotFoundError as error:
        # A LookupError, but no fault of the record: the same bytes are a mail where tzdata is whole.
        msg = f"the package tzdata has no time zone {closed['settings']['zone']!r}: install tzdata again, or a newer one"
        raise DependencyError(msg) from error
