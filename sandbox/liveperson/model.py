"""What a simulated LivePerson account holds: people, and conversations as steps on a time line.

Nothing here knows the API. A conversation is data: a start and steps, each so many seconds after the one
before; what a client may see at a time is folded from the steps that have happened by then.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CUSTOMER = "customer"
MONDAY_MS = 1_772_409_600_000  # 2026-03-02T00:00Z, the first instant of the simulated week
DAY_MS = 86_400_000
ACCOUNT = "70012345"
_DAYS = {"Mon": 0, "Tue": 1, "Wed": 2, "Thu": 3, "Fri": 4, "Sat": 5, "Sun": 6}


def when(text: str) -> int:
    """Give the ms since 1970 of a time in the simulated week, written ``Tue 23:48:05.120`` (UTC)."""
    day, _, clock = text.partition(" ")
    hours, minutes, *seconds = clock.split(":")
    in_day = int(hours) * 3600 + int(minutes) * 60 + float(seconds[0] if seconds else 0)
    return MONDAY_MS + _DAYS[day] * DAY_MS + round(in_day * 1000)


def made_id(*parts: object) -> str:
    """Make a UUID that depends on the parts alone."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


@dataclasses.dataclass(frozen=True)
class Named:
    """A skill or an agent group."""

    id: int
    name: str


@dataclasses.dataclass(frozen=True)
class Agent:
    """Somebody of the bank. ``kind`` as the API's userType: 0 system, 1 human, 2 bot."""

    key: str
    id: str
    full_name: str
    nickname: str
    login_name: str
    group: Named
    email: str = ""
    kind: int = 1
    renamed: tuple[str, str] | None = None  # from when on (as ``when`` reads it), the new full name
    deleted: str = ""  # from when on gone from the account

    @property
    def pid(self) -> str:
        """The agent's second id, as history and users API show it."""
        return made_id("pid", self.id)

    def name_at(self, now_ms: int) -> str:
        """Give the full name that the API shows at a time."""
        return self.renamed[1] if self.renamed and when(self.renamed[0]) <= now_ms else self.full_name

    def deleted_at(self, now_ms: int) -> bool:
        """Say whether the agent is deleted at a time."""
        return bool(self.deleted) and when(self.deleted) <= now_ms


@dataclasses.dataclass(frozen=True)
class Customer:
    """A consumer; an empty field is one that LivePerson never learnt."""

    key: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""

    @property
    def id(self) -> str:
        """The participant id: 64 hexadecimal digits."""
        return hashlib.sha256(f"customer/{self.key}".encode()).hexdigest()

    @property
    def name(self) -> str:
        """First and last name, as far as known."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclasses.dataclass(frozen=True)
class File:
    """A file in a message: ``kind`` PNG, GIF, PDF or TXT; its bytes follow from ``title`` (files.py)."""

    title: str
    kind: str
    caption: str = ""
    gone: str = ""  # from when on the file server answers 404
    size: int = 0  # bytes to fill up to


@dataclasses.dataclass(frozen=True)
class Step:
    """Something that happens ``gap`` seconds after the step before."""

    gap: float


@dataclasses.dataclass(frozen=True)
class Joins(Step):
    """An agent comes in; an assigned one answers, a reader watches."""

    who: str
    permission: str = "ASSIGNED_AGENT"
    role: str = "AGENT"


@dataclasses.dataclass(frozen=True)
class Leaves(Step):
    """An agent goes."""

    who: str


@dataclasses.dataclass(frozen=True)
class Transfer(Step):
    """The conversation goes to another skill (back to the queue) or agent."""

    by: str
    skill: str
    to: str = ""
    reason: str = "Skill"


@dataclasses.dataclass(frozen=True)
class Message(Step):
    """A message; ``data`` is the API's messageData (a file's is made from ``file``)."""

    who: str
    type: str = "TEXT_PLAIN"
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    file: File | None = None
    hidden: bool = False
    survey: bool = False
    predefined: str = ""
    metadata: tuple[Mapping[str, Any], ...] = ()


@dataclasses.dataclass(frozen=True)
class Close(Step):
    """The main dialog ends; with ``survey`` a survey dialog opens at once."""

    reason: str = "AGENT"
    description: str = "MANUAL_CLOSE"
    survey: bool = False


@dataclasses.dataclass(frozen=True)
class SurveyEnds(Step):
    """The survey dialog ends, filled in or not."""

    status: str = "FILLED"
    score: int = 0


@dataclasses.dataclass(frozen=True)
class Summary(Step):
    """The agent writes or rewrites the summary."""

    text: str


@dataclasses.dataclass(frozen=True)
class Renames(Step):
    """The customer's profile gets another name."""

    first_name: str
    last_name: str


@dataclasses.dataclass(frozen=True)
class Erases(Step):
    """Personal Data Deletion: texts and files of the conversation are overwritten."""


@dataclasses.dataclass(frozen=True)
class Conversation:
    """A conversation with all that ever happens in it."""

    key: str
    start: str | int
    customer: Customer
    skill: str
    steps: tuple[Step, ...]
    language: str = "en-US"
    source: str = "SHARK"
    device: str = "DESKTOP"
    old_ids: bool = False  # ms::conv:…::msg:n instead of ms::dialog:…::msg:n

    @functools.cached_property
    def id(self) -> str:
        """The conversation's UUID, which is the main dialog's too."""
        return made_id("conversation", self.key)

    @functools.cached_property
    def survey_id(self) -> str:
        """The survey dialog's UUID."""
        return made_id("survey", self.key)

    @functools.cached_property
    def start_ms(self) -> int:
        """When it began."""
        return self.start if isinstance(self.start, int) else when(self.start)

    @functools.cached_property
    def times(self) -> tuple[int, ...]:
        """When each step happens, ms since 1970; never the same for two, so that their order is theirs."""
        gaps = (max(1, round(step.gap * 1000)) for step in self.steps)
        return tuple(itertools.islice(itertools.accumulate(gaps, initial=self.start_ms), 1, None))

    @functools.cached_property
    def has_files(self) -> bool:
        """Whether any message of it ever has a file."""
        return any(isinstance(step, Message) and step.file for step in self.steps)
