"""What the assembler asks of events, whatever slice they are in. Pure."""

from collections.abc import Iterable

from schemas.records import Event, RawEvents


def order(events: Iterable[Event], taken: set[bytes]) -> list[Event]:
    """The new events by (own time, source order, id); of equal ids the first in the log."""
    first: dict[bytes, Event] = {}
    for event in events:
        if event["id"] not in taken:
            first.setdefault(event["id"], event)
    return sorted(first.values(), key=lambda event: (event["at_ms"], event["order"], event["id"]))


def closed_at(record: RawEvents) -> int | None:
    """The own time of the last close event of a record, milliseconds since 1970 UTC; None if it has none."""
    at = [event["at_ms"] for event in record["events"] if event["kind"] == "closed"]
    return at[-1] if at else None
