"""What the chain tells of dispositions: what was ordered, when, by whom and why, and how much of it was done. Pure."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass
class Disposal:
    """One order. `mails`: how many left the archive, with their copies; `finished`: nothing of it is left to do."""

    order: str
    said: dict[str, Any] = field(default_factory=dict)
    mails: int = 0
    finished: bool = False
    withdrawn: bool = False

    def sentence(self) -> str:
        """When, what, by whom and why, in one line."""
        at = written(self.said.get("at_ms", 0), "%Y-%m-%d %H:%M")
        end = "" if self.finished else "; withdrawn" if self.withdrawn else "; not finished"
        by, reason = self.said.get("by") or "unknown", self.said.get("reason") or "not told"
        what = f"{scope_of(self.said)}: {self.mails:,} mails"
        return f"{at} UTC, {what}; by {by}: {reason}{end} (order {self.order[:8]})"


class Disposals:
    """All orders of a chain, in the order in which they were given."""

    def __init__(self) -> None:
        self._found: dict[str, Disposal] = {}

    def see(self, leaf: dict[str, Any]) -> None:
        """One audit leaf; those that are not about dispositions are passed over."""
        if leaf["what"] not in {"disposition", "disposed", "finished", "withdrawn"} or "order" not in leaf:
            return
        order = str(leaf["order"])
        one = self._found.setdefault(order, Disposal(order))
        if leaf["what"] == "disposition":
            one.said = leaf
        one.mails += len(leaf.get("mails", ()))
        one.finished = one.finished or leaf["what"] == "finished"
        one.withdrawn = one.withdrawn or leaf["what"] == "withdrawn"

    def all(self) -> list[Disposal]:
        """In the order of the chain."""
        return list(self._found.values())


def scope_of(said: dict[str, Any]) -> str:
    """What an order names, in words."""
    parts = [f"connector {said.get('connector') or '?'}"]
    if said.get("conversation"):
        parts.append(f"conversation {said['conversation']}")
    if said.get("slice"):
        parts.append(f"slice {said['slice']}")
    if said.get("before_ms") is not None:
        parts.append(f"all that began before {written(said['before_ms'], '%Y-%m-%d')}")
    return ", ".join(parts)


def written(time_ms: Any, form: str) -> str:
    """Milliseconds since 1970 as UTC in this form; what is no time as it stands: a forged leaf may say anything."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).strftime(form)
    except (TypeError, ValueError, OverflowError, OSError):
        return str(time_ms)[:40]
