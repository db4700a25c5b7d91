"""What a replay finds, and how the numbers add up. Pure."""

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

COUNTERS = (
    "records", "slices", "open", "mails", "equal", "new", "different", "missing", "copies", "copies_equal", "copies_new",
    "copies_different", "copies_missing", "refused", "unrouted", "failed", "disposed",
)  # fmt: skip
"""What every partition counts. `mails` = equal + new + different + missing + failed where a store is looked at or
written; the same for `copies` with copies_…, where a copy that failed counts as failed."""
BAD = ("different", "missing", "copies_different", "copies_missing", "unexplained", "failed")
"""Counters that must be 0 for a replay to be called well."""


@dataclass(frozen=True)
class Finding:
    """Something that somebody has to look at: `kind` is different, missing, unexplained, failed or refused."""

    kind: str
    path: str
    detail: str = ""
    sha256: str = ""
    """What should stand there, where that is known: 64 hexadecimal digits."""
    copy: bool = False


class Findings(Protocol):
    """Where targets put what they find; it becomes durable together with the position."""

    counts: Counter[str]

    def add(self, finding: Finding) -> None:
        """Keep it."""

    def explain(self, path: str) -> None:
        """The log explains what stands at this path."""
