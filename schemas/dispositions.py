"""What an order of disposition names: a scope over slices, the same for the assembler, the ledger and the evidence. Pure.

An order speaks of what the log holds below its control record (rule 28). What comes after it is not named by it.
"""

import json
from dataclasses import dataclass

from schemas.ids import split
from schemas.records import Audit, Control, RawEvents

KIND = "disposition"
CHECKED = "checked"
"""Kind of the record in topic audit before which a legal hold still stops an order."""
CAPTURED = "captured_before_ms"
BELOW = "below"


@dataclass(frozen=True)
class Scope:
    """Slices of one connector; None does not narrow. Times are starts of slices, milliseconds since 1970 UTC."""

    connector_uid: str
    conversation: str | None = None
    slice: str | None = None
    from_ms: int | None = None
    before_ms: int | None = None
    excluded: frozenset[str] = frozenset()
    captured_before_ms: int | None = None
    """Beside the slices' own times: what was captured from here on stays, whatever time it says."""
    below: int | None = None
    """Position in one partition of raw-events, where an order stands later in the log than it was given: what holds a record from
    here on stays."""

    def covers(self, connector_uid: str, conversation: str, label: str, start_ms: int) -> bool:
        """Whether it names this slice."""
        return (
            connector_uid == self.connector_uid
            and conversation not in self.excluded
            and self.conversation in {None, conversation}
            and self.slice in {None, label}
            and (self.from_ms is None or start_ms >= self.from_ms)
            and (self.before_ms is None or start_ms < self.before_ms)
        )

    def names(self, head: RawEvents) -> bool:
        """Whether it names these events: by their slice, and not by its own time alone where that is not to be believed."""
        limit = self.captured_before_ms
        named = (head["connector_uid"], head["conversation"], head["slice"], head["slice_start_ms"])
        return self.covers(*named) and (limit is None or head["captured_at_ms"] < limit)

    def details(self, order: str) -> dict[str, str]:
        """As a control record carries it, beside its connector."""
        numbers = {
            "from_ms": self.from_ms, "before_ms": self.before_ms, CAPTURED: self.captured_before_ms, BELOW: self.below
        }  # fmt: skip
        told = {"conversation": self.conversation, "slice": self.slice}
        return {
            "order": order,
            **{name: value for name, value in told.items() if value is not None},
            **{name: str(value) for name, value in numbers.items() if value is not None},
            **({"excluded": json.dumps(sorted(self.excluded))} if self.excluded else {}),
        }


def of_control(control: Control) -> Scope:
    """What a control record names; ValueError if it can't be read."""
    details = control["details"]
    times = {
        name: int(details[name]) for name in ("from_ms", "before_ms", CAPTURED, BELOW) if name in details
    }
    return Scope(
        control["connector_uid"], details.get("conversation"), details.get("slice"), times.get("from_ms"),
        times.get("before_ms"), frozenset(json.loads(details.get("excluded", "[]"))), times.get(CAPTURED), times.get(BELOW),
    )  # fmt: skip


def of_audit(one: Audit) -> Scope:
    """What an order in topic audit names."""
    captured = one["details"].get(CAPTURED)
    return Scope(
        one["connector_uid"], one["conversation"], one["slice"], one["from_ms"], one["before_ms"], frozenset(one["excluded"]),
        None if captured is None else int(captured),
    )  # fmt: skip


def mails_of(one: Audit) -> list[bytes]:
    """Ids of the mails that a record says are disposed of."""
    return split(one["mails"])
