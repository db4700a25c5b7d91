"""What refers to files of the content store: events in raw-events, and claim checks of slices and mappings in their topics."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from consumers.disposition.index import Index
from consumers.reading import Read
from schemas.codec import Codec, expect
from schemas.records import ContentRef, Event
from schemas.topics import CONVERSATIONS, MAPPINGS, RAW_EVENTS, Topic
from stores.interface import BlobMissingError, Store
from stores.paths import content_path

CLAIMING = (CONVERSATIONS,)
REFERRING = (MAPPINGS, RAW_EVENTS)
OF_PEOPLE = frozenset({"roster", "joined", "left"})


@dataclass
class References:
    """Notes them. StoreError."""

    codec: Codec
    store: Store
    index: Index

    async def note(self, topic: Topic, record: Read) -> None:
        """Whatever a record of one of these topics refers to. DecodeError where it can't be read."""
        name, one = self.codec.decode(record.value or b"")
        place = (record.partition, record.offset)
        if topic is MAPPINGS:  # no partition of raw-events is called -1
            if name == "Mapping" and one["rows_ref"] is not None:
                self.index.add_ref(one["rows_ref"]["sha256"], (-1, record.offset), None, always=True)
        elif topic is not RAW_EVENTS:
            async for sha256 in self._of_slice(one):
                self.index.add_claim(sha256, one["closing_id"])
        elif name == "RawEvents":
            for event in one["events"]:
                async for sha256, always in self._of_event(event):
                    self.index.add_ref(sha256, place, one, always=always)

    async def _of_event(self, event: Event) -> AsyncIterator[tuple[bytes, bool]]:
        """The SHA-256 of a file, and whether it stays whatever is ordered."""
        whole = event
        if event["overflow"] is not None:
            # Whom later mails of the slice go to is a fact of the log: without these lists a replay would make other bytes.
            self.index.add_naming(event["overflow"]["sha256"])
            yield event["overflow"]["sha256"], event["kind"] in OF_PEOPLE
            try:
                whole = expect("Event", await self._read(event["overflow"]))
            except BlobMissingError:
                return  # it left before
        for attachment in whole["attachments"]:
            if attachment["content"] is not None:
                yield attachment["content"]["sha256"], False
        for sha256 in rows_of(whole):
            yield sha256, False

    async def _of_slice(self, closed: Any) -> AsyncIterator[bytes]:
        """What assembly put aside because it was too large for a record; what it holds of files, events decide about."""
        if closed.get("events_ref") is not None:
            yield closed["events_ref"]["sha256"]
        if closed.get("overflow") is None:
            return
        self.index.add_naming(closed["overflow"]["sha256"])
        yield closed["overflow"]["sha256"]
        try:
            whole = expect("ClosedSlice", await self._read(closed["overflow"]))
        except BlobMissingError:
            return  # it left before
        if whole["events_ref"] is not None:
            yield whole["events_ref"]["sha256"]

    async def _read(self, ref: ContentRef) -> bytes:
        return await self.store.read(content_path(ref["sha256"].hex()))


def rows_of(event: Event) -> Iterator[bytes]:
    """The whole row of the source that an event was made of, where it is kept beside it (LivePerson)."""
    row = event["details"].get("row_sha256", "")
    try:
        digest = bytes.fromhex(row)
    except ValueError:
        return
    if len(digest) == 32:
        yield digest
