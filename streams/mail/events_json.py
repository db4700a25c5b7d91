"""The normalised events of a mail as JSON, for programs: everything that the transcript shows, and what it doesn't."""

import base64
import json
from collections.abc import Callable
from typing import Any

from schemas.records import Attachment, ClosedSlice, Event, Person
from schemas.text import well_formed

AT_ONCE = 500  # events that are in memory as JSON's objects, which are five times their text
_END = b"]}"


def events_json(closed: ClosedSlice, people: list[Person], events: list[Event]) -> bytes:
    """One JSON document in UTF-8, keys in a fixed order; ids and hashes in hex.

    `raw` holds the source's own words when they are UTF-8, `raw_base64` when they are not. Lone surrogates are
    U+FFFD here; the raw bytes have what the source sent.
    """
    document = {
        "format": 1,
        "connector_uid": closed["connector_uid"],
        "source": closed["source"],
        "conversation": closed["conversation"],
        "slice": closed["slice"],
        "revision": closed["revision"],
        "closing_id": closed["closing_id"].hex(),
        "participants": [_person(one) for one in people],
        "events": [],
    }
    turns = (events[at : at + AT_ONCE] for at in range(0, len(events), AT_ONCE))
    inside = b",".join([_written([_event(event) for event in some])[1:-1] for some in turns])
    return b"".join((_written(document)[: -len(_END)], inside, _END))


def _written(value: object) -> bytes:
    try:
        return fast(value)
    except TypeError:  # a lone surrogate somewhere in it
        return slow(value)


_compact = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def slow(document: object) -> bytes:
    """What counts: the same bytes on every Python, whatever is installed beside it."""
    return well_formed(_compact(document)).encode()


def _fastest() -> Callable[[object], bytes]:
    try:
        import orjson  # noqa: PLC0415 - it may not be there
    except ImportError:
        return slow
    return orjson.dumps


fast = _fastest()
"""The same bytes in a fifth of the time, or TypeError. Not of floats that are no number: those would be `null`."""


def _event(event: Event) -> dict[str, Any]:
    details = event["details"]
    plain: dict[str, Any] = {
        "id": event["id"].hex(),
        "source_key": event["source_key"],
        "kind": event["kind"],
        "at_ms": event["at_ms"],
        "at_suspect": event["at_suspect"],
        "order": event["order"],
        "actor": None if event["actor"] is None else _person(event["actor"]),
        "target": event["target"],
        "thread": event["thread"],
        "audience": event["audience"],
        "text": event["text"],
        "html": event["html"],
        "former_text": event["former_text"],
        "people": [_person(one) for one in event["people"]] if event["people"] else [],
        "attachments": [_attachment(one) for one in event["attachments"]] if event["attachments"] else [],
        "details": {name: details[name] for name in sorted(details)} if details else {},
    }
    try:
        plain["raw"] = event["raw"].decode("utf-8")
    except UnicodeDecodeError:
        plain["raw_base64"] = base64.b64encode(event["raw"]).decode()
    return plain


def _person(one: Person) -> dict[str, Any]:
    # spelt out, since the order of a dictionary's keys is its maker's
    return {"id": one["id"], "name": one["name"], "email": one["email"], "role": one["role"]}


def _attachment(one: Attachment) -> dict[str, Any]:
    content = one["content"]
    return {
        "source_key": one["source_key"],
        "name": one["name"],
        "content_type": one["content_type"],
        "sha256": None if content is None else content["sha256"].hex(),
        "size": None if content is None else content["size"],
        "outcome": one["outcome"],
        "reason": one["reason"],
    }
