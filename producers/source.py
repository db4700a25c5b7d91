"""What the runner asks of a source, and what a source hands over. Each folder beside this file is one source.

    source.recall(earlier) ─▶ source.poll(window) ─▶ Captured, Captured, Refused, … ─▶ runner packs, sends, waits for Kafka
                        ─▶ source.confirmed() ─▶ watermark ─▶ cursor

A source never reads or writes Kafka and never keeps a cursor of its own: it yields, the runner confirms, and tells
it what the log has.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from schemas.records import ContentRef, Event


class SourceError(Exception):
    """A source could not be read; the message is one sentence for people."""


class SourceUnavailableError(SourceError):
    """Down, throttled or interrupted after the call's own retries: wait, then poll the same window again."""


class SourceRefusedError(SourceError):
    """The source says no (credentials, rights, plan); somebody has to do what the message says."""


@dataclass(frozen=True)
class Window:
    """What one poll has to cover: every event with from_ms < own time <= to_ms that the source will show.

    `lane` is "live" or the name of a back-fill. More than the window may be yielded, less must not.
    """

    lane: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True)
class Slice:
    """The slice that an event belongs to: a function of the event alone (rule 4)."""

    conversation: str
    label: str
    start_ms: int
    end_ms: int


LONGEST_SLICE_MS = 25 * 3_600_000
"""A local day on which clocks are put back."""


def closable(own: Slice, at_capture: Slice, believed_ms: int) -> Slice:
    """The slice of an event's own time, with the bounds of the capture's if it would end too far in the future.

    `believed_ms` is the latest own time that is believed. The label stays a function of the event alone, so the same
    event is never in two slices; but what claims to be of the year 2286 is not waited for until then (decision 14).
    """
    if own.end_ms <= believed_ms + LONGEST_SLICE_MS:
        return own
    return replace(at_capture, label=own.label)


@dataclass(frozen=True)
class Captured:
    """New events of one slice, in the source's order.

    `captured_ms` says when by our clock (ms since 1970 UTC), of what is read back from the log; 0 of what is new.
    """

    slice: Slice
    events: list[Event]
    captured_ms: int = 0


@dataclass(frozen=True)
class Refused:
    """Bytes that belong to no conversation: they go to dead-letters, whole."""

    reason: str
    error: str
    origin: str
    body: bytes


@dataclass(frozen=True)
class Finding:
    """One line of `chatledger check`: what was tried, whether it works, what to do if not."""

    what: str
    ok: bool
    advice: str = ""


class Contents(Protocol):
    """The content store as producers see it: bytes in, claim check out, durable on return."""

    def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
        """Store these bytes under their SHA-256 with bounded memory; waits while the store is down."""

    def has(self, content: ContentRef) -> bool:
        """Whether it stands there still: an order may have removed it; waits while the store is down."""


class Source(Protocol):
    """A chat source. Calls come from one thread; between two of them the runner may stop."""

    name: str
    """liveperson or webex."""
    settle_ms: int
    """How long after an event the source may still hide it."""
    look_back_ms: int
    """How far back the source answers; older own times are suspect (rule 3)."""

    def now_ms(self) -> int:
        """The source's clock by its `Date` header, never ahead of ours; asks the source if it has not answered yet."""

    def poll(self, window: Window) -> Iterator[Captured | Refused]:
        """Everything new of this window. Exhausted = every page, shard, truncated row and re-fetch is settled.

        Raises SourceUnavailableError or SourceRefusedError; then the window is polled again as a whole.
        """

    def confirmed(self) -> None:
        """All that was yielded so far is confirmed by Kafka: only now may a cache remember it as sent."""

    def state(self) -> str:
        """JSON for the cursor: what a restart needs beyond the watermark. May be `{}`."""

    def restore(self, state: str) -> bool:
        """Take up the state of a former life; False if what it speaks of is lost: then `recall` begins with the log."""

    def recalled(self) -> Sequence[int] | None:
        """By partition of raw-events, up to where the memory on disk knows the log; None if there is no such memory.

        Asked after `restore`: a disk that lost its last writes knows less than the cursor says.
        """

    def recall(self, earlier: Iterable[Captured], reached: Sequence[int]) -> None:
        """Learn what the log has of this connector since the last time, in the order of each conversation.

        `reached` says at any moment, by partition, below which position all is handed over and taken.
        Events may come that are known already. Called at the start, before each poll and after it. A source that
        can do without does not iterate, and then nothing is read.
        """

    def check(self) -> list[Finding]:
        """Try every right that collecting needs, without collecting."""

    def close(self) -> None:
        """Let go of connections and files."""
