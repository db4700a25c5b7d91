"""A record of events between `add` and `close`: the bytes of its events, and what a closing asks of them.

Events are decoded once, when they come, and joined as bytes when their slice closes (decision 34). Where the few facts that are
kept beside the bytes don't say what comes out (an id came twice, records overlap in time), they are decoded again. Pure.
"""

import marshal
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from schemas.blocks import event_list, events_in, events_of
from schemas.codec import Codec, expect
from schemas.ids import split
from schemas.records import Event, Person, RawEvents, person
from streams.events import Folded, Key, folded, key_of, names_nobody
from streams.mail.participants import people_of, present

_Name = tuple[str, str | None, str | None, str]


class _Kept(NamedTuple):
    """A record that waits."""

    in_order: bool
    """Whether the events are in order, no id is twice among them, and they say who took part in them."""
    first: Key
    last: Key
    ids: bytes
    people: list[_Name]
    """Who is present in the events, in this order, each once."""
    blocks: bytes


def kept(record: RawEvents, data: bytes, codec: Codec) -> bytes:
    """What waits of a record, for `joined`; `data` is what it was decoded from."""
    events = record["events"]
    if not events:
        return b""
    keys = [key_of(event) for event in events]
    is_sorted = len(keys) == 1 or all(before < after for before, after in pairwise(keys))
    once = is_sorted or len({key[2] for key in keys}) == len(keys)
    blocks = _blocks_in(data, codec) if is_sorted or not once else None
    if blocks is None:
        events = sorted(events, key=key_of) if once else events
        blocks = events_of(events)
    return marshal.dumps((
        once and not any(map(names_nobody, events)), key_of(events[0]), key_of(events[-1]),
        b"".join([event["id"] for event in events]), _people_in(events), blocks,
    ))  # fmt: skip


def _people_in(events: list[Event]) -> list[_Name]:
    there = (one for event in events for one in present(event))
    return list(dict.fromkeys((one["id"], one["name"], one["email"], one["role"]) for one in there))


def _blocks_in(data: bytes, codec: Codec) -> bytes | None:
    body = codec.body_at("RawEvents", data)
    return None if body is None else events_in(data, body)


def joined(waiting: Iterable[bytes], taken: set[bytes], known: list[Person]) -> Folded:
    """The fold of what `kept` made: as bytes if they say all, else decoded."""
    records = [_Kept(*marshal.loads(one)) for one in waiting if one]  # noqa: S302 - our own, from a file without a name
    as_bytes = _joined(records, taken, known)
    return folded(_events_in(records), taken, known) if as_bytes is None else as_bytes


def _joined(records: list[_Kept], taken: set[bytes], known: list[Person]) -> Folded | None:
    """None unless every event stands once, and records follow each other in time."""
    one_by_one = sorted(records, key=lambda one: one.first)
    if not records or not all(one.in_order for one in records):
        return None
    if any(before.last >= after.first for before, after in pairwise(one_by_one)):
        return None
    ids = split(b"".join([one.ids for one in one_by_one]))
    if len(set(ids)) < len(ids) or not taken.isdisjoint(ids):
        return None
    names = dict.fromkeys(name for one in one_by_one for name in one.people)
    people = people_of([*(person(*name) for name in names), *known])
    return Folded(ids, people, [], b"".join([one.blocks for one in one_by_one]))


def _events_in(records: list[_Kept]) -> list[Event]:
    events: list[Event] = expect("EventList", event_list(b"".join([one.blocks for one in records])))["events"]
    return events
