"""What the assembler asks of events, whatever slice they are in. Pure."""

from collections.abc import Callable, Iterable
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from schemas.codec import Decoded
from schemas.records import Event, Person, RawEvents
from streams.mail.participants import cast_of

Key = tuple[int, int, bytes]


class Folded(NamedTuple):
    """The new events of a slice, in order."""

    ids: list[bytes]
    people: list[Person]
    """Everybody who took part in them, then who was known before."""
    events: list[Event]
    blocks: bytes | None = None
    """If there: the events as Avro blocks, instead of `events`."""


Fold = Callable[[Iterable[bytes], set[bytes], list[Person]], Folded]
"""From what waits for a slice to close, in log order; without the ids that were taken; with the people who are known already."""


key_of: Callable[[Event], Key] = itemgetter("at_ms", "order", "id")
"""By what the events of a slice are ordered: own time, source order, id."""


def order(events: Iterable[Event], taken: set[bytes]) -> list[Event]:
    """The new events by (own time, source order, id); of equal ids the first in the log."""
    first: dict[bytes, Event] = {}
    for event in events:
        if event["id"] not in taken:
            first.setdefault(event["id"], event)
    return sorted(first.values(), key=key_of)


def folded(events: Iterable[Event], taken: set[bytes], known: list[Person]) -> Folded:
    """These events, which come in log order, as `Fold` says it."""
    new = order(events, taken)
    return Folded([event["id"] for event in new], cast_of(new, known).people, new)


def from_records(decode: Callable[[bytes], Decoded]) -> Fold:
    """The fold of records that wait as they came, and are decoded when their slice closes."""

    def fold(waiting: Iterable[bytes], taken: set[bytes], known: list[Person]) -> Folded:
        return folded(chain.from_iterable(decode(data).value["events"] for data in waiting), taken, known)

    return fold


def closed_at(record: RawEvents) -> int | None:
    """The own time of the last close event of a record, milliseconds since 1970 UTC; None if it has none."""
    at = [event["at_ms"] for event in record["events"] if event["kind"] == "closed"]
    return at[-1] if at else None


def names_nobody(event: Event) -> bool:
    """Whether an event was too large to say who took part in it."""
    return event["overflow"] is not None and event["actor"] is None and not event["people"]
