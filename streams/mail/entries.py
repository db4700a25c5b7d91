"""Events as entries of a transcript: one model for the plain and the HTML form."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from schemas.records import Event, Person
from streams.mail.clean import one_line, visible
from streams.mail.participants import display
from streams.mail.scene import Scene, reference

_RAW_EXCERPT: Final = 2000  # characters of an unknown event's raw form; events.json has all of it
_SAID_DETAILS: Final = (
    "reason",
    "note",
)  # what a message shows of its details; all of them are in events.json

_Names = dict[str, tuple[Person, str]]  # id -> the person as last named, and how that is shown


class Entry(NamedTuple):
    """One event as it is shown; every string is visible text, unescaped."""

    when: str
    who: str
    remark: str  # behind the name: "joined", "(reply to ...)"; empty for a plain message
    tone: str  # said, internal, changed or note: how the HTML form colours it
    text: str | None
    quotes: list[tuple[str, str]]  # label and text: ("before", "..."), ("file", "...")


def entries(events: list[Event], scene: Scene) -> list[Entry]:
    """The entries of these events, in the same order."""
    names: _Names = {}
    return [_entry(event, scene, names) for event in events]


def _entry(event: Event, scene: Scene, names: _Names) -> Entry:
    kind = event["kind"]
    who = _name(event["actor"], names)
    when = scene.clock.show(event["at_ms"])
    if kind == "message" and _is_plain(event, scene):
        return Entry(when, who, "", "said", _text(event), [])
    remark, text, quotes = _KINDS.get(kind, _unknown)(event, scene)
    internal = event["audience"] != "all"
    marks = [] if not internal else [_audience(event["audience"])]
    if event["at_suspect"]:
        marks.append("time not credible")
    shown = " ".join(filter(None, [remark, f"({'; '.join(marks)})" if marks else ""]))
    tone = "internal" if internal else _TONES.get(kind, "note")
    return Entry(when, who, shown, tone, text, [*quotes, *_files(event, scene), *_details(event)])


def _is_plain(event: Event, scene: Scene) -> bool:
    """Whether nothing but name and text is to be shown, as it is for nearly all messages."""
    return (
        event["audience"] == "all"
        and not (event["target"] or event["thread"] or event["attachments"] or event["details"])
        and not event["at_suspect"]
        and event["source_key"] not in scene.later
    )


def _name(person: Person | None, names: _Names) -> str:
    if person is None:
        return "(nobody known)"
    known = names.get(person["id"])
    if known is None or known[0] != person:
        # somebody may be renamed on the way: the name is the one at the time
        known = names[person["id"]] = (person, display(person))
    return known[1]


def _audience(audience: str) -> str:
    return (
        "internal, not visible to the consumer"
        if audience == "internal"
        else f"visible to: {one_line(audience)}"
    )


def _text(event: Event) -> str:
    # without a text, the HTML is shown as the text that it is: its tags are never put to work
    return visible(event["text"] or event["html"] or "")


def _files(event: Event, scene: Scene) -> Iterator[tuple[str, str]]:
    return (("file", line) for line in scene.files.get(event["id"], ()))


def _details(event: Event) -> Iterator[tuple[str, str]]:
    details = event["details"]
    names = _SAID_DETAILS if _TONES.get(event["kind"]) in ("said", "changed") else sorted(details)
    return ((one_line(name), visible(details[name])) for name in names if name in details)


def _said(event: Event, scene: Scene) -> tuple[str, str | None, list[tuple[str, str]]]:
    remarks = list(_said_remarks(event, scene))
    text = _text(event)
    if not text and event["attachments"]:
        count = len(event["attachments"])
        return " ".join(["sent a file" if count == 1 else f"sent {count} files", *remarks]), None, []
    return " ".join(remarks), text, []


def _said_remarks(event: Event, scene: Scene) -> Iterator[str]:
    if event["kind"] == "answer":
        yield "answered"
    reply = event["target"] or event["thread"]
    if reply and reply != event["source_key"]:
        yield f"(reply to {reference(reply, scene, quoted=True)})"
    if event["source_key"] in scene.later:
        yield f"({scene.later[event['source_key']]})"


def _updated(event: Event, scene: Scene) -> tuple[str, str | None, list[tuple[str, str]]]:
    former = "not known" if event["former_text"] is None else visible(event["former_text"])
    about = _about(event, scene)
    return f"edited the message of {about}", None, [("before", former), ("after", _text(event))]


def _deleted(event: Event, scene: Scene) -> tuple[str, str | None, list[tuple[str, str]]]:
    former = "not known" if event["former_text"] is None else visible(event["former_text"])
    quotes = [("former text", former)]
    if event["text"] or event["html"]:
        quotes.append(("text", _text(event)))
    return f"deleted the message of {_about(event, scene)}", None, quotes


def _about(event: Event, scene: Scene) -> str:
    return reference(event["target"] or event["source_key"], scene, quoted=False)


def _with_people(verb: str, alone: str) -> "Describe":
    """A kind whose people are its objects: `added: A, B`; `alone` where the actor is its own object."""

    def describe(event: Event, _scene: Scene) -> tuple[str, str | None, list[tuple[str, str]]]:
        people = event["people"]
        actor = event["actor"]
        own = (
            len(people) == 1
            and actor is not None
            and people[0]["id"] == actor["id"]
            and event["kind"] != "role"
        )
        if not people or own:
            return alone, _optional_text(event), []
        return f"{verb}: {', '.join(map(_with_role, people))}", _optional_text(event), []

    return describe


def _with_role(person: Person) -> str:
    role = "" if person["role"] == "unknown" else f" ({one_line(person['role'])})"
    return f"{display(person)}{role}"


def _optional_text(event: Event) -> str | None:
    return _text(event) or None


def _title(event: Event, _scene: Scene) -> tuple[str, str | None, list[tuple[str, str]]]:
    quotes = [] if event["former_text"] is None else [("before", visible(event["former_text"]))]
    return "changed the title", _optional_text(event), quotes


def _unknown(event: Event, _scene: Scene) -> tuple[str, str | None, list[tuple[str, str]]]:
    raw = event["raw"].decode("utf-8", "replace")
    cut = (
        f" (the first {_RAW_EXCERPT:,} characters; all of it is in events.json)"
        if len(raw) > _RAW_EXCERPT
        else ""
    )
    quotes = [
        ("key", one_line(event["source_key"])),
        (f"as the source sent it{cut}", visible(raw[:_RAW_EXCERPT])),
    ]
    if event["people"]:
        quotes.append(("people", ", ".join(map(_with_role, event["people"]))))
    return (
        f"an event of unknown kind ({one_line(event['kind'])}), kept as it came",
        _optional_text(event),
        quotes,
    )


Describe = Callable[[Event, Scene], tuple[str, str | None, list[tuple[str, str]]]]
_KINDS: Final[dict[str, Describe]] = {
    "message": _said,
    "file": _said,
    "answer": _said,
    "updated": _updated,
    "deleted": _deleted,
    "joined": _with_people("added", "joined"),
    "left": _with_people("removed", "left"),
    "role": _with_people("changed the role", "changed role"),
    "roster": _with_people("members", "members: nobody listed"),
    "opened": _with_people("opened the conversation with", "opened the conversation"),
    "closed": _with_people("closed the conversation with", "closed the conversation"),
    "transfer": _with_people("transferred the conversation to", "transferred the conversation"),
    "survey": _with_people("survey about", "survey"),
    "summary": _with_people("summary about", "summary"),
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
