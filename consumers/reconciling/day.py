"""What the topics say of one day of a connector: the facts that are compared, and nothing of how they were read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from schemas.records import Delivery

SliceKey = tuple[str, str]
"""Conversation and label."""


class Shown(Protocol):
    """What a source shows: see `producers.rollcall.Shown`, which is one."""

    @property
    def ids(self) -> tuple[bytes, ...]:
        """Names under which the log may have it; none for what belongs to no conversation."""

    @property
    def kind(self) -> str:
        """What it is, for people."""

    @property
    def conversation(self) -> str:
        """The source's id of the conversation or space."""

    @property
    def source_key(self) -> str:
        """The source's own key."""

    @property
    def at_ms(self) -> int | None:
        """Its own time, ms since 1970 UTC."""

    @property
    def refused(self) -> bytes:
        """SHA-256 of bytes that no event can be made of."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An event in raw-events: its slice, where its record stands, its own time; `ours`: a roster, which no source shows."""

    slice: SliceKey
    partition: int
    position: int
    at_ms: int
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A closing of a slice: the mail that it made (None if nothing was new), the events that it took, whom its mails are for.

    `people`: keys as `participant_key` makes them; everybody who took part or could read it.
    """

    closing: bytes | None
    ids: frozenset[bytes]
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class Letter:
    """A dead letter: why, of which record or conversation, and the hash of its bytes.

    `about`: the closing or mail that its record names, empty where nobody can read which. `state`: what was done about it.
    """

    reason: str
    stage: str
    topic: str | None
    partition: int | None
    position: int | None
    conversation: str
    sha256: bytes
    about: bytes = b""
    state: Literal["open", "redriven", "settled"] = "open"

    @property
    def explains(self) -> bool:
        """Whether it is still a reason: what was put in again, or is said to be dealt with, has to be there by now.

        An answer of a source that no collector can read stays one, also after somebody has seen to it.
        """
        return self.state == "open" or (self.state == "settled" and self.stage == "collect")


@dataclass
class Day:
    """Everything that the topics have of a day; `from_ms` <= own time < `to_ms`, ms since 1970 UTC.

    Memory: some 300 bytes an event of the day, and its deliveries.
    """

    uid: str
    from_ms: int
    to_ms: int
    events: dict[bytes, Logged] = field(default_factory=dict)
    ends: dict[SliceKey, tuple[int, str]] = field(default_factory=dict)
    """When each slice ends by itself, and the lane that closes it."""
    watermarks: dict[str, int] = field(default_factory=dict)
    """By lane that is open, up to where it is collected; of lanes that were closed live takes care."""
    since_ms: int = 0
    """Kafka's time stamp of the day's first record: what was made of it is not older."""
    contents: dict[bytes, int] = field(default_factory=dict)
    """Files: SHA-256 and length in bytes."""
    naming: dict[bytes, set[bytes]] = field(default_factory=dict)
    """By file (SHA-256), the events that name it."""
    closings: dict[SliceKey, list[Taken]] = field(default_factory=dict)
    deliveries: dict[bytes, list[Delivery]] = field(default_factory=dict)
    receipts: dict[tuple[bytes, str], tuple[int, str, str]] = field(default_factory=dict)
    """By mail and participant: routing, outcome and reason of the newest receipt."""
    imports: bool = False
    """Whether copies belong into mailboxes: so it is configured, or a receipt was found, of whatever connector."""
    letters: list[Letter] = field(default_factory=list)
    disposed: dict[bytes, str] = field(default_factory=dict)
    """Mails that left the archive, each with the order."""

    def __post_init__(self) -> None:
        self.since_ms = self.since_ms or self.from_ms

    @property
    def slices(self) -> set[SliceKey]:
        """All slices that hold an event of the day."""
        return {logged.slice for logged in self.events.values()}

    def is_in(self, at_ms: int) -> bool:
        """Whether a moment belongs to the day."""
        return self.from_ms <= at_ms < self.to_ms

    def erased(self) -> dict[bytes, str]:
        """Files that no event names but those that left the archive, with an order; empty where no mail tells which."""
        gone = {
            ident: self.disposed.get(one.closing or b"", "")
            for some in self.closings.values()
            for one in some
            if one.closing is None
            or one.closing in self.disposed  # without a mail and with events: an order took them
            for ident in one.ids
        }
        return {
            sha256: max((gone[ident] for ident in events), default="")
            for sha256, events in self.naming.items()
            if events <= gone.keys()
        }

    def is_closed(self, one: SliceKey) -> bool:
        """Whether what is collected closes this slice, so that its mail must be there once all stages are done."""
        end_ms, lane = self.ends[one]
        return end_ms <= self.watermarks.get(lane, self.watermarks.get("live", -1))


@dataclass(frozen=True, order=True)
class Finding:
    """A difference. `place`: where something is wrong: raw-events, mails, copies, store, contents or mailboxes.

    `what`: missing, different or unexplained. `why`: the reason where it is known; then it is told, and is no fault.
    """

    place: str
    what: str
    item: str
    conversation: str = ""
    detail: str = ""
    why: str = ""


def by_order(name: str) -> str:
    """Why something is gone that an order named; `name`: empty where nobody can tell which."""
    return f"disposed of by order {name[:8]}".rstrip()


def faults(findings: Iterable[Finding]) -> list[Finding]:
    """Those that nobody knows a reason for."""
    return [one for one in findings if not one.why]
