"""Edits, deletions and redactions in words: what was changed, whose it was, and what stood there before."""

from collections.abc import Iterator
from typing import Final

from schemas.records import Event, Person
from streams.mail.clean import one_line, visible
from streams.mail.scene import Scene, called, is_redaction

Quotes = list[tuple[str, str]]
_NOUNS: Final = {
    "opened": "opening of the conversation",
    "closed": "closing of the conversation",
    "joined": "joining",
    "left": "leaving",
    "roster": "list of members",
    "unknown": "event of unknown kind",
}


def updated(event: Event, scene: Scene) -> tuple[str, str | None, Quotes]:
    """Remark and quotes of an edit; of a change of anything but a message; or of a redaction by the source."""
    verb = "redacted" if is_redaction(event) else "changed" if _of(event) else "edited"
    if _of(event) and event["text"] is None and event["former_text"] is None:
        return _remark(verb, event, scene), None, []
    after = visible(event["text"] or event["html"] or "")
    return _remark(verb, event, scene), None, [("before", _former(event, scene)), ("after", after)]


def deleted(event: Event, scene: Scene) -> tuple[str, str | None, Quotes]:
    """Remark and quotes of a deletion."""
    quotes = [("former text", _former(event, scene))]
    if event["text"] or event["html"]:
        quotes.append(("text", visible(event["text"] or event["html"] or "")))
    return _remark("deleted", event, scene), None, quotes


def _former(event: Event, scene: Scene) -> str:
    if event["former_text"] is not None:
        return visible(event["former_text"])
    original = scene.originals.get(_key(event))
    wordless = original is not None and not (original["text"] or original["html"])
    return "none, it was sent without a text" if wordless else "not known"


def _remark(verb: str, event: Event, scene: Scene) -> str:
    thing = _thing(event, scene)
    said = f"{verb} {thing}" if event["actor"] else f"{thing} was {verb}"
    limits = "; ".join(_limits(verb, event, scene))
    return f"{said} ({limits})" if limits else said


def _of(event: Event) -> str:
    """The kind of what was changed, if it wasn't a message."""
    kind = event["details"].get("changed", "message") if event["details"] else "message"
    return "" if kind in ("message", "file", "answer") else kind


def _key(event: Event) -> str:
    return event["target"] or event["source_key"]


def _is_snapshot(event: Event) -> bool:
    """Whether the source only showed other content where it stood: then nobody knows when that was changed."""
    return _key(event) == event["source_key"]


def _limits(verb: str, event: Event, scene: Scene) -> Iterator[str]:
    if _is_snapshot(event) and _key(event) not in scene.originals:
        yield "not in this mail"
    if _is_snapshot(event) and (not _of(event) or is_redaction(event)):
        yield f"when it was {verb} is not known"


def _thing(event: Event, scene: Scene) -> str:
    if _of(event):
        return f"the {_NOUNS.get(_of(event)) or one_line(_of(event))}"
    original = scene.originals.get(_key(event))
    author = original["actor"] if original else _author(event)
    own = _same(author, event["actor"])
    whose = "" if author is None or own else f" of {called(author, scene)}"
    if _is_snapshot(event):
        return f"this message{whose}"
    if original is None:
        return f"an earlier message{whose}, not in this mail"
    at = scene.clock.show(original["at_ms"])
    return f"their message of {at}" if own else f"the message{whose}, {at}"


def _author(event: Event) -> Person | None:
    """Whose message it was, as far as the event itself says; the people of an edit are those it mentions."""
    told = event["kind"] == "deleted" or is_redaction(event)
    return event["people"][0] if told and event["people"] else None


def _same(one: Person | None, other: Person | None) -> bool:
    return one is not None and other is not None and one["id"] == other["id"]
