"""Events moved from record to record as bytes.

Avro writes an array as blocks of items with a zero behind the last, so arrays of one schema are joined by joining their blocks
(Avro 1.12 specification, "Complex types, arrays"). `RawEvents` and `EventList` end with their events, `ClosedSlice` with its
events and two claim checks that it does not have; tests hold these three, and that all of them mean the same `Event`.
"""

from functools import cache

from schemas.codec import encode, schema

END = b"\x00"
_NO_CLAIM_CHECKS = b"\x00\x00"
_HIGH_BIT = 0x80
_BITS, _LONGEST = 64, 10
"""Of a number, and so many bytes of seven bits at most; the decoder cuts what the last one has too much."""


def events_in(data: bytes, body: int) -> bytes | None:
    """The blocks of events of a RawEvents record of the present schema, which was decoded before.

    `body` is where its Avro body begins. None if its end is written in more bytes than it takes, which Avro allows: then nobody
    can tell from behind where the last block ends. None too if a number before the events has more bytes than 64 bits
    take: what the decoder made of it depends on the machine.
    """
    at = body
    for is_string in _head():
        if data[at] < _HIGH_BIT:  # as the lengths of nearly all strings
            at += 1 + (data[at] >> 1 if is_string else 0)
            continue
        size, behind = _long(data, at)
        if behind - at > _LONGEST:
            return None
        at = behind + (size if is_string else 0)
    # the last byte of an event, and of the head, ends a number: its high bit is never set
    return data[at:-1] if data[-2] < _HIGH_BIT else None


def events_of(events: object) -> bytes:
    """The blocks of these events; ValueError or TypeError if they do not fit the schema."""
    return encode("EventList", {"events": events})[_prefix_bytes() : -1]


def event_list(blocks: bytes) -> bytes:
    """An EventList of these blocks, in single-object encoding."""
    return encode("EventList", {"events": []})[:-1] + blocks + END


def with_events(closed: bytes, blocks: bytes) -> bytes:
    """An encoded ClosedSlice that has neither events nor claim checks, with these."""
    bare = END + _NO_CLAIM_CHECKS
    return b"".join((closed[: -len(bare)], blocks, bare))


@cache
def _head() -> list[bool]:
    """Of the fields before the events: whether each is a string; the others are numbers."""
    return [field["type"] == "string" for field in schema("RawEvents")["fields"][:-1]]


@cache
def _prefix_bytes() -> int:
    return len(encode("EventList", {"events": []})) - len(END)


def _long(data: bytes, at: int) -> tuple[int, int]:
    """A number (zigzag, seven bits a byte, the lowest first), and where the next field begins."""
    byte = data[at]
    at += 1
    number, shift = byte & 0x7F, 7
    while byte & _HIGH_BIT:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
    number &= (1 << _BITS) - 1
    return number >> 1 ^ -(number & 1), at
