"""A mailbox on the desk, and how long it is left alone after a refusal."""

import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from consumers.importing.items import Item, Landed
from consumers.importing.target import Session
from consumers.importing.troubles import HostError, LostError, TroubleError


@dataclass(frozen=True)
class Pauses:
    """How long to wait after a refusal, seconds."""

    first_s: float
    longest_s: float
    settle_s: float
    patience_s: float

    def after(self, failures: int, trouble: TroubleError) -> float:
        """Pause after so many refusals in a row; what the other side asked for counts, if it is longer."""
        soon = trouble.retry_s is not None or isinstance(trouble, HostError | LostError)
        base = min(1.0, self.first_s) if soon else self.first_s
        grown = min(self.longest_s, base * 2.0 ** min(failures - 1, 20))
        settled = self.settle_s if isinstance(trouble, LostError) else 0.0
        jitter = random.uniform(1.0, 1.2)  # noqa: S311 - so that mailboxes do not come back all at once
        return max(grown * jitter, settled, trouble.retry_s or 0.0)


@dataclass(frozen=True)
class Done:
    """What became of an item: it landed, or why not."""

    item: Item
    landed: Landed | None
    trouble: TroubleError | None = None


@dataclass
class Box:
    """A mailbox: what is to be put there, and until when it is left alone.

    `item`, `session`: what a thread is at; `cut`: the item in whose middle it was told to put nothing more.
    """

    items: deque[Item] = field(default_factory=deque)
    busy: bool = False
    until: float = 0.0
    failures: int = 0
    since: float = 0.0
    trouble: TroubleError | None = None
    item: Item | None = None
    session: Session | None = None
    cut: Item | None = None

    def abort(self) -> None:
        """End what is under way, as far as it has not ended by itself."""
        self.cut = self.item
        if self.session is not None:
            self.session.abort()

    def leave(self) -> None:
        """No thread is at it any more."""
        self.busy, self.item, self.session, self.cut = False, None, None, None

    def succeed(self) -> None:
        """All is well with this mailbox; now others have their turn."""
        self.failures, self.trouble, self.until = 0, None, time.monotonic()

    def leave_alone(self, item: Item, trouble: TroubleError, pauses: Pauses) -> list[Done]:
        """The mailbox refused this item; all of its items when it has refused for long, to be handed back."""
        now = time.monotonic()
        self.since = self.since if self.trouble is not None else now
        self.failures, self.trouble = self.failures + 1, trouble
        self.until = now + pauses.after(self.failures, trouble)
        self.items.appendleft(item)
        if not self.is_parked(pauses):
            return []
        handed, self.items = self.items, deque()
        return [Done(one, None, trouble) for one in handed]

    def is_parked(self, pauses: Pauses) -> bool:
        """Whether the mailbox refuses for longer than anybody waits for it."""
        is_long = self.until - self.since > pauses.patience_s
        return self.trouble is not None and is_long and self.until > time.monotonic()


def first_ready(boxes: Mapping[str, Box], now: float, preferred: str) -> str | None:
    """The mailbox whose turn it is: the preferred one if it has work, else the one that had none for longest."""
    ready = [name for name, box in boxes.items() if box.items and not box.busy and box.until <= now]
    best = min(ready, key=lambda name: boxes[name].until, default=None)
    return preferred if preferred in ready else best


@dataclass
class Host:
    """Server, sign-in service and store: since when nothing can be done for any mailbox, and until when nothing is tried."""

    until: float = 0.0
    since: float = 0.0
    failures: int = 0
    trouble: TroubleError | None = None

    def fail(self, trouble: TroubleError, pauses: Pauses) -> None:
        """Once more nothing could be done."""
        self.since = self.since if self.failures else time.monotonic()
        self.failures, self.trouble = self.failures + 1, trouble
        self.until = time.monotonic() + pauses.after(self.failures, trouble)

    def succeed(self) -> None:
        """All is well."""
        self.failures, self.trouble = 0, None


@dataclass(frozen=True)
class Held:
    """The session that a thread has, and how long it may stay with it while other mailboxes wait."""

    mailbox: str
    session: Session
    until: float
