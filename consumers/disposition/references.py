"""What refers to files of the content store: events in raw-events, and claim checks of slices and mappings in their topics."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from consumers.disposition.books import Order
from consumers.disposition.closed import Closings, is_below
from consumers.reading import Read, Reader, read_all
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError, expect
from schemas.records import ContentRef, Event, RawEvents
from schemas.topics import CONVERSATIONS, MAPPINGS, RAW_EVENTS
from stores.interface import BlobMissingError, Store
from stores.paths import content_path

Found = tuple[bytes, bool]
"""SHA-256 of a file, and whether what refers to it stays."""
OF_PEOPLE = frozenset({"roster", "joined", "left"})


@dataclass
class References:
    """Reads them. `orders`: all that are in force. `closings`: of their scopes. KafkaError, StoreError."""

    kafka: KafkaSettings
    codec: Codec
    store: Store
    orders: list[Order]
    closings: Closings
    _seen: dict[int, int] = field(default_factory=dict)

    async def all(self) -> AsyncIterator[Found]:
        """Every one; raw-events last."""
        for record in read_all(self.kafka, CONVERSATIONS):
            for found in self._claims(record):
                yield found
        async for found in self.newer():
            yield found

    async def newer(self) -> AsyncIterator[Found]:
        """Those of events that came to raw-events since it was read last; and every user mapping's, whose rows always stay."""
        for record in read_all(self.kafka, MAPPINGS):
            one = self._decoded(record, "Mapping")
            if one is not None and one["rows_ref"] is not None:
                yield one["rows_ref"]["sha256"], True
        with closing(Reader(self.kafka, RAW_EVENTS)) as reader:
            reader.start_at(self._seen)
            for record in reader.to_end():
                self._seen[record.partition] = record.offset + 1
                async for found in self._record(record):
                    yield found

    async def _record(self, record: Read) -> AsyncIterator[Found]:
        one = self._decoded(record, "RawEvents")
        if one is None:
            return
        stays = not self._is_disposed(one, record)
        for event in one["events"]:
            async for found in self._of_event(event, stays=stays):
                yield found

    def _decoded(self, record: Read, wanted: str) -> Any:
        try:
            name, value = self.codec.decode(record.value or b"")
        except DecodeError:
            return None
        return value if name == wanted else None

    def _is_disposed(self, one: RawEvents, record: Read) -> bool:
        """An order names what was closed before its control record, or at it, in the same partition."""
        named = (one["connector_uid"], one["conversation"], one["slice"], one["slice_start_ms"])
        naming = [order for order in self.orders if order.scope.covers(*named)]
        place = self.closings.took(one, record.partition, record.offset) if naming else None
        return any(is_below(order, place) for order in naming)

    async def _of_event(self, event: Event, *, stays: bool) -> AsyncIterator[Found]:
        whole = event
        if event["overflow"] is not None:
            # Whom later mails of the slice go to is a fact of the log: without these lists a replay would make other bytes.
            yield event["overflow"]["sha256"], stays or event["kind"] in OF_PEOPLE
            try:
                whole = expect("Event", await self._read(event["overflow"]))
            except BlobMissingError:
                return  # it left before
        for attachment in whole["attachments"]:
            if attachment["content"] is not None:
                yield attachment["content"]["sha256"], stays
        for sha256 in rows_of(whole):
            yield sha256, stays

    def _claims(self, record: Read) -> Iterator[Found]:
        """What assembly put aside because it was too large for a record; what it holds of files, events decide about."""
        one = self._decoded(record, "ClosedSlice")
        if one is None:
            return
        ident = one["closing_id"]
        named = (one["connector_uid"], one["conversation"], one["slice"], one["slice_start_ms"])
        stays = not any(ident in order.mails and order.scope.covers(*named) for order in self.orders)
        for aside in ("events_ref", "overflow"):
            if one[aside] is not None:
                yield one[aside]["sha256"], stays

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
