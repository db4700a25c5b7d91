"""Which further facts of an event a reader sees, and under which names; events.json has all of them."""

from collections.abc import Iterator
from typing import Final

from schemas.records import Event
from streams.mail.clean import one_line, visible

_MESSAGES: Final = frozenset(("message", "file", "answer", "updated", "deleted"))
_SAID: Final = ("reason", "note")  # what these show; what the others show is said below
_UNSHOWN: Final = frozenset((
    # ids and hashes, which say nothing to a reader
    "row_sha256", "row_size", "group_id",
    # what the line itself or the head of the mail says
    "by", "from", "to", "as_of", "provenance", "changed", "redacted",
))  # fmt: skip
_LABELS: Final = {
    "isLocked": "locked",
    "isPublic": "public",
    "isAnnouncementOnly": "for announcements only",
    "isReadOnly": "read-only",
    "alias": "known at the source now as",
    "space_type": "kind of space",
    "csat": "satisfaction score",
}
_ANSWERS: Final = {"true": "yes", "false": "no"}


def shown_details(event: Event) -> Iterator[tuple[str, str]]:
    """Label and value of each fact that belongs under the event's line."""
    details = event["details"]
    if not details:
        return
    if event["kind"] in _MESSAGES and "changed" not in details:
        yield from ((name, visible(details[name])) for name in _SAID if name in details)
    else:
        yield from _others(event)


def _others(event: Event) -> Iterator[tuple[str, str]]:
    for name, value in sorted(event["details"].items()):
        if name not in _UNSHOWN and value != event["text"]:
            yield _label(name), visible(_ANSWERS.get(value, value) if name.startswith("is") else value)


def _label(name: str) -> str:
    return _LABELS.get(name) or one_line(name.replace("_", " "))
