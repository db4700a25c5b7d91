"""Cutting a large slice into parts: by count and by bytes of the sorted events, and by nothing else."""

from schemas.records import Event, Settings

_EVENT_BYTES = 200  # a fixed price for each event: time, name, markup


def split(events: list[Event], settings: Settings) -> list[list[Event]]:
    """The events in order, in parts of at most `part_events` and `part_bytes` (one event is never cut)."""
    most, ceiling = max(1, settings["part_events"]), settings["part_bytes"]
    if len(events) <= most and sum(map(_upper_bound, events)) <= ceiling:
        return [events]
    parts: list[list[Event]] = [[]]
    size = 0
    for event in events:
        weight = event_bytes(event)
        if parts[-1] and (len(parts[-1]) >= most or size + weight > ceiling):
            parts.append([])
            size = 0
        parts[-1].append(event)
        size += weight
    return parts


def _upper_bound(event: Event) -> int:
    """Cheap: no character has more than four bytes."""
    chars = len(event["text"] or "") + len(event["html"] or "") + len(event["former_text"] or "")
    return _EVENT_BYTES + 4 * chars + len(event["raw"])


def event_bytes(event: Event) -> int:
    """What an event weighs in its part, in bytes of UTF-8."""
    texts = (event["text"] or "", event["html"] or "", event["former_text"] or "")
    return (
        _EVENT_BYTES + sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) + len(event["raw"])
    )
