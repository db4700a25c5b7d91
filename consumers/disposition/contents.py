"""Files of the content store that only disposed events refer to leave it too.

Everything that refers to content stands in raw-events, so it is read once, whole: what a disposed event refers to may go, unless
an event that stays refers to it as well. Both lists lie on disk. Claim checks of the stages are told by their topics, for as long
as those keep them (30 days).
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

from consumers.disposition.books import Order
from consumers.disposition.closed import Closings, is_below
from consumers.reading import Read, read_all
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError, expect
from schemas.records import ContentRef, Event, RawEvents
from schemas.topics import CONVERSATIONS, COPIES, MAILS, RAW_EVENTS
from stores.disposal import Disposal
from stores.interface import BlobMissingError, Store
from stores.paths import content_path


async def remove_contents(
    kafka: KafkaSettings, codec: Codec, store: Store, disposal: Disposal, orders: list[Order]
) -> int:
    """How many files left the store. `orders`: all that are in force. KafkaError, StoreError."""
    with closing(sqlite3.connect("", isolation_level=None)) as db, Closings() as closings:
        closings.fill(kafka, codec, [order.scope for order in orders])
        db.execute("CREATE TABLE ref (sha256 BLOB PRIMARY KEY, stays INTEGER) WITHOUT ROWID")
        db.execute("BEGIN")
        async for ref, stays in _references(kafka, codec, store, orders, closings):
            db.execute(
                "INSERT INTO ref VALUES (?1,?2) ON CONFLICT DO UPDATE SET stays=max(stays,?2)",
                (ref["sha256"], stays),
            )
        db.execute("COMMIT")
        gone = 0
        for (sha256,) in db.execute("SELECT sha256 FROM ref WHERE NOT stays"):
            gone += await disposal.remove(content_path(sha256.hex()))
        return gone


async def _references(
    kafka: KafkaSettings, codec: Codec, store: Store, orders: list[Order], closings: Closings
) -> AsyncIterator[tuple[ContentRef, bool]]:
    for topic in (CONVERSATIONS, MAILS, COPIES):
        for record in read_all(kafka, topic):
            for found in _claims(codec, record, orders):
                yield found
    for record in read_all(kafka, RAW_EVENTS):
        found_events = _events(codec, record)
        if found_events is None:
            continue
        stays = not _is_disposed(found_events, record, orders, closings)
        for event in found_events["events"]:
            async for ref in _of_event(event, store):
                yield ref, stays


def _events(codec: Codec, record: Read) -> RawEvents | None:
    try:
        name, value = codec.decode(record.value or b"")
    except DecodeError:
        return None
    found: RawEvents | None = value if name == "RawEvents" else None
    return found


def _is_disposed(one: RawEvents, record: Read, orders: list[Order], closings: Closings) -> bool:
    """An order names what was closed before its control record, or at it, in the same partition."""
    named = (one["connector_uid"], one["conversation"], one["slice"], one["slice_start_ms"])
    naming = [order for order in orders if order.scope.covers(*named)]
    place = closings.took(one, record.partition, record.offset) if naming else None
    return any(is_below(order, place) for order in naming)


async def _of_event(event: Event, store: Store) -> AsyncIterator[ContentRef]:
    whole = event
    if event["overflow"] is not None:
        yield event["overflow"]
        try:
            whole = expect("Event", await store.read(content_path(event["overflow"]["sha256"].hex())))
        except BlobMissingError:
            return  # it left before
    for attachment in whole["attachments"]:
        if attachment["content"] is not None:
            yield attachment["content"]


def _claims(codec: Codec, record: Read, orders: list[Order]) -> Iterator[tuple[ContentRef, bool]]:
    """What the stages put aside because it was too large for a record; content of files is not theirs to keep."""
    try:
        _, one = codec.decode(record.value or b"")
        named = (one["connector_uid"], one["conversation"], one["slice"], one["slice_start_ms"])
    except (DecodeError, KeyError, TypeError):
        return
    ident = one.get("closing_id") or one.get("mail_id")
    gone = any(ident in order.mails and order.scope.covers(*named) for order in orders)
    for field in ("events_ref", "overflow"):
        if one.get(field) is not None:
            yield one[field], not gone
    for segment in one.get("segments", ()):
        if segment["content"] is not None and not gone:
            yield segment["content"], True
