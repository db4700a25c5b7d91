"""The job of the bench as events, a JSON object a line: what people wrote, then one `close` that names the participants.

    message: conversation, event_id, seq, sent_at (ms), sender_id, sender_email, sender_name, role, text
    close:   conversation, event_id, seq, sent_at (ms), topic, participants [{id, email, name, role}]

200 conversations are open at a time and take turns by chance; the same arguments always give the same bytes.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.dialogs import Dialog

AT_ONCE, CUSTOMERS, AGENTS = 200, 2_000, 200
BEGIN_MS = 1_772_438_400_000  # 2026-03-02 08:00 UTC
LONGEST_PAUSE_MS = 400  # between two events of all
GIVEN = (
    "Amélie",
    "Boris",
    "Carla",
    "Deniz",
    "Edda",
    "Frank",
    "Gül",
    "Henry",
    "Irena",
    "Jack",
    "Kaja",
    "Luis",
)
FAMILY = (
    "Adler",
    "Berg",
    "Costa",
    "Dorn",
    "Evans",
    "Fontaine",
    "Grau",
    "Holm",
    "Ivanov",
    "Jones",
    "Keller",
)
Job = dict[str, Any]
"""One event of the job, as its line of JSON says it."""


@dataclass(frozen=True)
class Shape:
    """How long conversations are (None: as the dialogs are) and how many of them there are."""

    conversations: int
    length: int | None = None


@dataclass(frozen=True)
class Corpus:
    """The events of one file, and what has to come of them."""

    path: Path
    events: int
    messages: dict[str, list[Job]]
    closes: dict[str, Job]

    @property
    def mails(self) -> int:
        """One for each conversation."""
        return len(self.closes)

    @property
    def copies(self) -> set[tuple[str, str]]:
        """(conversation, address) of every copy that there must be."""
        return {
            (name, person["email"]) for name, close in self.closes.items() for person in close["participants"]
        }


def write(path: Path, shape: Shape, dialogs: Sequence[Dialog], seed: int = 1) -> None:
    """Write the events of this shape."""
    with path.open("w", encoding="utf-8") as file:
        for event in _interleaved(shape, dialogs, random.Random(seed)):
            file.write(json.dumps(event, ensure_ascii=False) + "\n")


def read(path: Path) -> Corpus:
    """The events again, by conversation."""
    corpus = Corpus(path, 0, {}, {})
    count = 0
    for count, event in enumerate(lines(path), 1):  # noqa: B007 - how many there were
        if event["type"] == "message":
            corpus.messages.setdefault(event["conversation"], []).append(event)
        else:
            corpus.closes[event["conversation"]] = event
    return Corpus(path, count, corpus.messages, corpus.closes)


def lines(path: Path) -> Iterator[Job]:
    """The events in their order."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _interleaved(shape: Shape, dialogs: Sequence[Dialog], rng: random.Random) -> Iterator[Job]:
    pool = [turn for dialog in dialogs for turn in dialog.turns] if shape.length else []
    waiting = (_conversation(n, shape, dialogs, pool, rng) for n in range(shape.conversations))
    running = [next(waiting) for _ in range(min(AT_ONCE, shape.conversations))]
    now = BEGIN_MS
    while running:
        place = rng.randrange(len(running))
        event = next(running[place], None)
        if event is not None:
            now += rng.randrange(1, LONGEST_PAUSE_MS)
            yield {**event, "sent_at": now}
        elif (begun := next(waiting, None)) is not None:
            running[place] = begun
        else:
            del running[place]


def _conversation(
    number: int, shape: Shape, dialogs: Sequence[Dialog], pool: list[tuple[int, str]], rng: random.Random
) -> Iterator[Job]:
    dialog = dialogs[number % len(dialogs)]
    turns: Sequence[tuple[int, str]] = dialog.turns
    if shape.length:
        begin = rng.randrange(len(pool))
        turns = [pool[(begin + place) % len(pool)] for place in range(shape.length)]
    name = f"c{number:06d}-{dialog.name}"
    pair = [_person("consumer", rng.randrange(CUSTOMERS)), _person("agent", rng.randrange(AGENTS))]
    for seq, (who, text) in enumerate(turns):
        yield {**_event("message", name, seq), **_sender(pair[who]), "text": text}
    yield {**_event("close", name, len(turns)), "topic": dialog.topic, "participants": pair}


def _event(kind: str, name: str, seq: int) -> Job:
    return {"type": kind, "conversation": name, "event_id": f"{name}-{seq}", "seq": seq, "sent_at": 0}


def _sender(person: Job) -> Job:
    return {
        "sender_id": person["id"], "sender_email": person["email"], "sender_name": person["name"], "role": person["role"],
    }  # fmt: skip


def _person(role: str, number: int) -> Job:
    place = "bank.example" if role == "agent" else "customers.example"
    name = f"{GIVEN[number % len(GIVEN)]} {FAMILY[number % len(FAMILY)]} {number}"
    ident = f"{role}-{number:05d}"
    return {"id": ident, "email": f"{ident}@{place}", "name": name, "role": role}
