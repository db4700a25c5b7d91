"""What the events of a slice need to know of each other to be shown."""

from typing import Final, NamedTuple

from schemas.records import Event, Person
from streams.mail.clean import isolated, one_line
from streams.mail.participants import Cast, display
from streams.mail.times import Clock

_EXCERPT: Final = 80  # characters of a message that a reply quotes
_CHANGES: Final = frozenset(("updated", "deleted"))


class Scene(NamedTuple):
    """What the events of a slice need to know of each other."""

    clock: Clock
    people: dict[str, tuple[str | None, str]]  # id -> name, and what the slice calls them
    originals: dict[str, Event]  # source key -> the event that first had it; changes are no originals
    later: dict[str, str]  # source key -> "edited later", "redacted later" or "deleted later"
    files: dict[bytes, list[str]]  # event id -> lines about its files


def scene_of(events: list[Event], cast: Cast, clock: Clock) -> Scene:
    """Index a whole slice, so that edits, deletions and replies can say what they refer to."""
    originals: dict[str, Event] = {}
    later: dict[str, str] = {}
    if any(event["target"] or event["thread"] for event in events):
        for event in events:
            if event["kind"] not in _CHANGES:
                originals.setdefault(event["source_key"], event)
            elif event["target"] and later.get(event["target"]) != "deleted later":
                later[event["target"]] = _later(event)
    people = {each["id"]: (each["name"], isolated(display(each))) for each in cast.people if each["id"]}
    return Scene(clock, people, originals, later, {})


def _later(event: Event) -> str:
    if event["kind"] == "deleted":
        return "deleted later"
    return "redacted later" if is_redaction(event) else "edited later"


def is_redaction(event: Event) -> bool:
    """Whether the source itself, and nobody in the conversation, took the content away (see docs/sources)."""
    return bool(event["details"]) and "redacted" in event["details"]


def called(person: Person | None, scene: Scene) -> str:
    """What somebody is called in a line: the name at that time, else the one that the slice knows."""
    if person is not None:
        name, shown = scene.people.get(person["id"], (None, ""))
        if shown and person["name"] in (None, "", name):
            return shown
    return isolated(display(person))


def reference(key: str, scene: Scene) -> str:
    """A message as a reply refers to it."""
    message = scene.originals.get(key)
    if message is None:
        return "an earlier message, not in this mail"
    at = f"{called(message['actor'], scene)}, {scene.clock.show(message['at_ms'])}"
    excerpt = isolated(one_line(message["text"] or "", _EXCERPT))
    return f"{at}: “{excerpt}”" if excerpt else at
