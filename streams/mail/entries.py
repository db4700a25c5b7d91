"""Events as entries of a transcript: one model for the plain and the HTML form."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from schemas.records import Event, Person
from streams.mail.changes import deleted, updated
from streams.mail.clean import one_line, visible
from streams.mail.details import shown_details
from streams.mail.scene import Scene, called, is_redaction, reference

_RAW_EXCERPT: Final = 2000  # characters of an unknown event's raw form; events.json has all of it


class Entry(NamedTuple):
    """One event as it is shown; every string is visible text, unescaped."""

    when: str
    who: str  # empty for what nobody did, such as a list of members
    remark: str  # behind the name: "joined", "(reply to ...)"; empty for a plain message
    tone: str  # said, internal, changed or note: how the HTML form colours it
    text: str | None
    quotes: list[tuple[str, str]]  # label and text: ("before", "..."), ("file", "...")


Shown = tuple[str, str | None, list[tuple[str, str]]]
"""Remark, text and quotes of an entry."""


def entries(events: list[Event], scene: Scene) -> list[Entry]:
    """The entries of these events, in the same order."""
    return [_entry(event, scene) for event in events]


def _entry(event: Event, scene: Scene) -> Entry:
    kind, actor = event["kind"], event["actor"]
    tone = _TONES.get(kind, "note")
    when = scene.clock.show(event["at_ms"])
    who = called(actor, scene) if actor else "(nobody known)" if tone == "said" else ""
    if kind == "message" and _is_plain(event, scene):
        return Entry(when, who, "", tone, text_of(event), [])
    remark, text, quotes = _KINDS.get(kind, _unknown)(event, scene)
    files = [("file", line) for line in scene.files.get(event["id"], ())]
    marks = "; ".join(_marks(event))
    shown = " ".join(filter(None, [remark, f"({marks})" if marks else ""]))
    tone = tone if event["audience"] == "all" else "internal"
    return Entry(when, who, shown, tone, text, [*quotes, *files, *shown_details(event)])


def _is_plain(event: Event, scene: Scene) -> bool:
    """Whether nothing but name and text is to be shown, as it is for nearly all messages."""
    return (
        event["audience"] == "all"
        and not (event["target"] or event["thread"] or event["attachments"] or event["details"])
        and not event["at_suspect"]
        and event["source_key"] not in scene.later
    )


def _marks(event: Event) -> Iterator[str]:
    if event["audience"] == "internal":
        yield "internal, not visible to the consumer"
    elif event["audience"] != "all":
        yield f"visible to: {one_line(event['audience'])}"
    if event["at_suspect"]:
        yield "time not credible"


def text_of(event: Event) -> str:
    """The text; without one, the HTML as the text that it is: its tags are never put to work."""
    return visible(event["text"] or event["html"] or "")


def _said(event: Event, scene: Scene) -> Shown:
    remarks = list(_said_remarks(event, scene))
    text = text_of(event)
    if not text and event["attachments"]:
        count = len(event["attachments"])
        return " ".join(["sent a file" if count == 1 else f"sent {count} files", *remarks]), None, []
    return " ".join(remarks), text, []


def _said_remarks(event: Event, scene: Scene) -> Iterator[str]:
    if event["kind"] == "answer":
        yield "answered"
    reply = event["target"] or event["thread"]
    if reply and reply != event["source_key"]:
        # a file that could be had only later is an event of its own
        yield f"({'belongs' if event['kind'] == 'file' else 'reply'} to {reference(reply, scene)})"
    if event["source_key"] in scene.later:
        yield f"({scene.later[event['source_key']]})"
    if is_redaction(event):
        yield "(redacted by the source before it was archived)"


def _with_people(alone: str, verb: str, nobody: str, nobody_verb: str) -> "Describe":
    """A kind whose people are its objects: `added: A, B`; the last two where it isn't known who did it."""

    def describe(event: Event, scene: Scene) -> Shown:
        people, actor = event["people"], event["actor"]
        own = len(people) == 1 and actor is not None and people[0]["id"] == actor["id"]
        if not people or (own and event["kind"] != "role"):
            return alone if actor else nobody, text_of(event) or None, []
        return f"{verb if actor else nobody_verb}: {_listed(people, scene)}", text_of(event) or None, []

    return describe


def _listed(people: list[Person], scene: Scene) -> str:
    roles = ("" if each["role"] == "unknown" else f" ({one_line(each['role'])})" for each in people)
    return ", ".join(f"{called(each, scene)}{role}" for each, role in zip(people, roles, strict=True))


def _title(event: Event, _scene: Scene) -> Shown:
    if event["former_text"] is not None:
        return "changed the title", text_of(event) or None, [("before", visible(event["former_text"]))]
    # without the title before, nobody can tell it from a change of the settings, which has the title too
    return "changed the title or the settings of the space", text_of(event) or None, []


def _unknown(event: Event, scene: Scene) -> Shown:
    raw = event["raw"].decode("utf-8", "replace")
    cut = (
        f" (the first {_RAW_EXCERPT:,} characters; all of it is in events.json)"
        if len(raw) > _RAW_EXCERPT
        else ""
    )
    quotes = [(f"as the source sent it{cut}", visible(raw[:_RAW_EXCERPT]))]
    if event["people"]:
        quotes.append(("people", _listed(event["people"], scene)))
    kind = "" if event["kind"] == "unknown" else f" ({one_line(event['kind'])})"
    return f"(an event of unknown kind{kind}, kept as it came)", text_of(event) or None, quotes


Describe = Callable[[Event, Scene], Shown]
_KINDS: Final[dict[str, Describe]] = {
    "message": _said,
    "file": _said,
    "answer": _said,
    "updated": updated,
    "deleted": deleted,
    "joined": _with_people("joined", "added", "somebody joined", "joined"),
    "left": _with_people("left", "removed", "somebody left", "left"),
    "role": _with_people("changed role", "changed the role", "a role was changed", "role changed"),
    "roster": _with_people("members: nobody listed", "members", "members: nobody listed", "members"),
    "opened": _with_people(
        "opened the conversation",
        "opened the conversation with",
        "the conversation was opened",
        "the conversation was opened with",
    ),
    "closed": _with_people(
        "closed the conversation",
        "closed the conversation with",
        "the conversation was closed",
        "the conversation was closed; it was with",
    ),
    "transfer": _with_people(
        "transferred the conversation",
        "transferred the conversation to",
        "the conversation was transferred",
        "the conversation was transferred to",
    ),
    "survey": _with_people("(survey)", "(survey) about", "survey", "survey about"),
    "summary": _with_people("(summary)", "(summary) about", "summary", "summary about"),
    "title": _title,
    "unknown": _unknown,
}
_TONES: Final = {
    "message": "said",
    "file": "said",
    "answer": "said",
    "updated": "changed",
    "deleted": "changed",
}
