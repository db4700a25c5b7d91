"""The notation that the spaces' stories are written in: who there is, where they talk, what happens when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
"""The first moment of the base week, and where the clock starts."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def moment(when: str) -> datetime:
    """Return the UTC moment of "tue 09:15" or "tue 09:15:30" in the base week, or of a plain ISO date."""
    if when[:3] not in _DAYS:
        return datetime.fromisoformat(when).replace(tzinfo=UTC)
    hours, minutes, *seconds = map(int, when[4:].split(":"))
    days = _DAYS.index(when[:3])
    return MONDAY + timedelta(days=days, hours=hours, minutes=minutes, seconds=sum(seconds))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can write; `org` is who employs them, `gone` when the account was deleted."""

    key: str
    name: str
    email: str
    org: str = "bank"
    bot: bool = False
    gone: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a message.

    `kind` is png, xlsx, pdf, txt or bin (see `large`); `size` is about how many bytes. `state` is what the scanner
    makes of it (clean, scanning, infected, unscannable, gone); `times` how often "scanning" is answered first.
    `header` is how the name is written: plain, empty, encoded (RFC 5987) or percent. `length` is what
    Content-Length says: right, missing, or wrong the first time (the connection breaks off).
    """

    name: str
    kind: str
    size: int = 2_000
    state: str = "clean"
    times: int = 0
    header: str = "plain"
    length: str = "right"


@dataclass(frozen=True, slots=True)
class Say:
    """A message. `ref` names it for later steps, `reply` names the message whose thread it is in.

    In `text`, @{key} mentions a person and @{all} everybody. `trouble` "kms" makes its text arrive as
    ciphertext for the first few times that it is asked for.
    """

    at: str
    who: str
    text: str = ""
    ref: str = ""
    reply: str = ""
    html: str = ""
    markdown: str = ""
    files: tuple[File, ...] = ()
    card: Mapping[str, object] | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """The author of message `ref` gives it a new text."""

    at: str
    ref: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """Message `ref` is deleted, by its author unless `by` names somebody else."""

    at: str
    ref: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    """`who` becomes a member, let in by `by` (by themselves when empty)."""

    at: str
    who: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """`who` is no longer a member: left, or removed by `by`."""

    at: str
    who: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Moderate:
    """`by` makes `who` a moderator, or no longer one."""

    at: str
    who: str
    by: str
    on: bool = True


@dataclass(frozen=True, slots=True)
class Retitle:
    """`by` gives the space another title."""

    at: str
    by: str
    title: str


@dataclass(frozen=True, slots=True)
class Answer:
    """`who` submits the card of message `ref` (an attachment action)."""

    at: str
    who: str
    ref: str
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Migrate:
    """The space moves to another region: from now on it has another room id."""

    at: str


@dataclass(frozen=True, slots=True)
class Odd:
    """An event of a resource or type that no document lists (or that no archive needs)."""

    at: str
    who: str
    resource: str
    type: str
    data: Mapping[str, object] = field(default_factory=dict)


Step = Say | Edit | Delete | Join | Leave | Moderate | Retitle | Answer | Migrate | Odd


@dataclass(frozen=True, slots=True)
class Team:
    """A team; `general` is the key of its General space, which bears the team's UUID."""

    key: str
    name: str
    general: str
    members: tuple[str, ...]
    created: str = "2025-10-06"


@dataclass(frozen=True, slots=True)
class Space:
    """A space and its story. `members` are there from `created` on; the first one created it."""

    key: str
    title: str
    members: tuple[str, ...]
    steps: tuple[Step, ...]
    kind: str = "group"
    owner: str = "bank"
    team: str = ""
    created: str = "2025-11-03"
    hostile: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is written: people, teams and spaces."""

    people: tuple[Person, ...]
    teams: tuple[Team, ...]
    spaces: tuple[Space, ...]
