"""What the events of a slice need to know of each other to be shown."""

from typing import Final, NamedTuple

from schemas.records import Event
from streams.mail.clean import one_line
from streams.mail.participants import display
from streams.mail.times import Clock

_EXCERPT: Final = 80  # characters of a message that a reply quotes
_SAID: Final = frozenset(("message", "file", "answer"))


class Scene(NamedTuple):
    """What the events of a slice need to know of each other."""

    clock: Clock
    messages: dict[str, Event]  # source key -> the event that first had it
    later: dict[str, str]  # source key -> "edited later" or "deleted later"
    files: dict[bytes, list[str]]  # event id -> lines about its files


def scene_of(events: list[Event], clock: Clock) -> Scene:
    """Index a whole slice, so that edits, deletions and replies can say what they refer to."""
    messages: dict[str, Event] = {}
    later: dict[str, str] = {}
    if any(event["target"] or event["thread"] for event in events):
        for event in events:
            if event["kind"] in _SAID:
                messages.setdefault(event["source_key"], event)
            elif event["target"] and event["kind"] in ("updated", "deleted"):
                _mark_later(later, event["target"], event["kind"])
    return Scene(clock, messages, later, {})


def _mark_later(later: dict[str, str], target: str, kind: str) -> None:
    if kind == "deleted" or target not in later:
        later[target] = "deleted later" if kind == "deleted" else "edited later"


def reference(key: str, scene: Scene, *, quoted: bool) -> str:
    """A message as another one refers to it."""
    message = scene.messages.get(key)
    if message is None:
        return f"a message outside this transcript, {one_line(key)}"
    at = f"{display(message['actor'])}, {scene.clock.show(message['at_ms'])}"
    excerpt = one_line(message["text"] or "", _EXCERPT) if quoted else ""
    return f"{at}: “{excerpt}”" if excerpt else at
