"""From captured events to records of raw-events: one slice each, at most 500 kB, nothing cut off.

Pure but for `put`, which stores an event that is too large for a record and returns its claim check.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from producers.source import Captured
from schemas.codec import encode
from schemas.records import ContentRef, Event, RawEvents
from schemas.text import well_formed
from schemas.topics import MAX_RAW_RECORD_BYTES

Put = Callable[[bytes], ContentRef]

FRAME_BYTES = 64
"""More than Avro needs around the events of a record beside its other fields."""
PREFIX_BYTES = 10
"""Single-object encoding's own part of an encoded event, absent inside a record."""
SHORT = 1000
"""Characters that are left of a name or key when the whole event lies in the content store."""


@dataclass(frozen=True)
class Origin:
    """What all records of one capture share."""

    connector_uid: str
    source: str
    lane: str
    captured_at_ms: int


_UNFIT = (ValueError, TypeError, KeyError, AttributeError, OverflowError)  # what fastavro raises


class UnencodableError(Exception):
    """An event that fits no record, whatever its texts: a field is missing or of another type."""


def pack(
    captured: Captured, origin: Origin, put: Put, limit: int = MAX_RAW_RECORD_BYTES
) -> Iterator[RawEvents]:
    """Yield records with these events in their order, each at most `limit` bytes when encoded.

    Raises UnencodableError, before anything is yielded, for events that are no events.
    """
    shell = _shell(captured, origin)
    if captured.events and _fits_as_it_is({**shell, "events": captured.events}, limit):
        yield {**shell, "events": captured.events}
        return
    room = limit - len(encode("RawEvents", shell)) - FRAME_BYTES
    for group in _groups(_fitted(captured.events, put, room), room):
        yield {**shell, "events": group}


def _fits_as_it_is(record: RawEvents, limit: int) -> bool:
    """The usual case, at the price of one encoding; whatever is wrong is looked at event by event."""
    try:
        return len(encode("RawEvents", record)) <= limit
    except _UNFIT:
        return False


def _shell(captured: Captured, origin: Origin) -> RawEvents:
    cut = captured.slice
    return {
        "connector_uid": origin.connector_uid,
        "source": origin.source,
        "conversation": well_formed(cut.conversation),
        "slice": well_formed(cut.label),
        "slice_start_ms": cut.start_ms,
        "slice_end_ms": cut.end_ms,
        "lane": origin.lane,
        "captured_at_ms": origin.captured_at_ms,
        "events": [],
    }


def _fitted(events: Iterable[Event], put: Put, room: int) -> list[tuple[Event, int]]:
    checked = [encodable(event) for event in events]
    return [_fit(event, data, put, room) for event, data in checked]


def _fit(event: Event, data: bytes, put: Put, room: int) -> tuple[Event, int]:
    if len(data) - PREFIX_BYTES <= room:
        return event, len(data) - PREFIX_BYTES
    ref = put(data)
    for shorter in (_without_text(event, ref), _bare(event, ref)):
        size = len(encode("Event", shorter)) - PREFIX_BYTES
        if size <= room:
            return shorter, size
    msg = f"event {event['source_key'][:SHORT]!r} does not fit {room} bytes even without its content"
    raise UnencodableError(msg)


def _groups(sized: Iterable[tuple[Event, int]], room: int) -> Iterator[list[Event]]:
    group: list[Event] = []
    used = 0
    for event, size in sized:
        if group and used + size > room:
            yield group
            group, used = [], 0
        group.append(event)
        used += size
    if group:
        yield group


def encodable(event: Event) -> tuple[Event, bytes]:
    """Return the event as Avro can carry it, and its bytes; lone surrogates become U+FFFD (not in `raw`)."""
    try:
        return event, encode("Event", event)
    except UnicodeEncodeError:
        repaired = cast(Event, _repaired(event))
        return repaired, encode("Event", repaired)
    except _UNFIT as error:
        msg = f"event {event.get('source_key')!r} is none: {error}"
        raise UnencodableError(msg) from error


def _repaired(value: Any) -> Any:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {_repaired(key): _repaired(item) for key, item in value.items()}
    return [_repaired(item) for item in value] if isinstance(value, list) else value


def _without_text(event: Event, ref: ContentRef) -> Event:
    return {**event, "text": None, "html": None, "former_text": None, "raw": b"", "overflow": ref}


def _bare(event: Event, ref: ContentRef) -> Event:
    """Only what closing a slice needs; the rest lies in the content store."""
    return {
        **_without_text(event, ref),
        "source_key": event["source_key"][:SHORT],
        "actor": None,
        "target": None,
        "thread": None,
        "people": [],
        "attachments": [],
        "details": {},
    }
