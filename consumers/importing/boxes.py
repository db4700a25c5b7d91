"""A mailbox on the desk, and how long it is left alone after a refusal."""

import random
from collections import deque
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
    """A mailbox: what is to be put there, and until when it is left alone."""

    items: deque[Item] = field(default_factory=deque)
    busy: bool = False
    until: float = 0.0
    failures: int = 0
    since: float = 0.0
    trouble: TroubleError | None = None


@dataclass(frozen=True)
class Held:
    """The session that a thread has, and how long it may stay with it while other mailboxes wait."""

    mailbox: str
    session: Session
    until: float
