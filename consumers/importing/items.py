"""What is to be put into a mailbox, and the receipt that comes of it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from schemas.deliveries import delivery_id, routing, stands
from schemas.records import CopyResult, Delivery, ImportOutcome, Receipt

Key = tuple[bytes, int]
"""Identity of a delivery, and which routing of it."""
Occasion = Literal["live", "missing", "again"]
FINAL = frozenset({"ok", "partial", "skipped", "failed"})
"""Outcomes after which nothing is tried any more."""


@dataclass
class Item:
    """One copy on its way into a mailbox; `blank` has all of its receipt but what became of it.

    `unsure`: an earlier attempt may have put it there, so the mailbox is searched before. `since`: only what the target
    put after this mark counts as found; None: all does. `offsets`: the records of this item in its partition of topic
    deliveries that wait for it.
    """

    blank: Receipt
    partition: int
    unsure: bool = True
    offsets: list[int] = field(default_factory=list)
    losses: int = 0
    since: str | None = None

    @property
    def key(self) -> Key:
        """What tells it apart from others on their way."""
        return ident(self.blank), self.blank["routing"]

    @property
    def is_anew(self) -> bool:
        """Whether it is put there once more, whatever stands there."""
        return self.blank["occasion"] == "again"


@dataclass(frozen=True)
class Landed:
    """What a target says of an item that stands in its mailbox."""

    how: Literal["appended", "found"]
    place: str
    item: str
    size: int | None = None
    sha256: bytes | None = None
    limit: int | None = None
    left_out: tuple[str, ...] = ()


def ident(receipt: Receipt) -> bytes:
    """Identity of the delivery that a receipt is about (rule 23)."""
    return delivery_id(receipt["mail_id"], receipt["participant"])


def blanks(delivery: Delivery, target: str, occasion: Occasion = "live") -> Iterator[Receipt]:
    """One for each copy that stands in the store, in the delivery's order."""
    for copy in delivery["copies"]:
        if stands(copy):
            yield blank(delivery, copy, target, occasion)


def blank(delivery: Delivery, copy: CopyResult, target: str, occasion: Occasion = "live") -> Receipt:
    """The receipt of a copy that stands in the store and was not imported yet."""
    return {
        "mail_id": delivery["mail_id"], "connector_uid": delivery["connector_uid"], "source": delivery["source"],
        "conversation": delivery["conversation"], "slice": delivery["slice"],
        "slice_start_ms": delivery["slice_start_ms"], "message_id": delivery["message_id"],
        "date_ms": delivery["date_ms"], "folder": delivery["folder"], "participant": copy["participant"],
        "mailbox": copy["mailbox"] or "", "routing": routing(copy), "path": copy["path"] or "",
        "size": delivery["size"], "sha256": delivery["sha256"], "stored": copy["outcome"],
        "stored_reason": copy["reason"], "outcome": "waiting", "reason": None, "how": "", "occasion": occasion,
        "target": target, "place": "", "item": "", "imported_size": None, "imported_sha256": None, "limit": None,
        "at_ms": 0,
    }  # fmt: skip


def landed(one: Receipt, where: Landed, at_ms: int) -> Receipt:
    """The receipt of an item that stands in its mailbox."""
    outcome: ImportOutcome = "partial" if where.left_out or one["stored"] == "partial" else "ok"
    left_out = f"the mailbox takes {where.limit} bytes at most; left out: {', '.join(where.left_out)}"
    reasons = [left_out] if where.left_out else []
    reasons += [one["stored_reason"]] if one["stored_reason"] else []
    return {
        **one, "outcome": outcome, "reason": "; ".join(reasons) or None, "how": where.how, "place": where.place,
        "item": where.item, "imported_size": where.size, "imported_sha256": where.sha256, "limit": where.limit,
        "at_ms": at_ms,
    }  # fmt: skip


def not_landed(
    one: Receipt, outcome: Literal["waiting", "skipped", "failed"], reason: str, at_ms: int
) -> Receipt:
    """The receipt of an item that is not in its mailbox, with the reason."""
    return {
        **one, "outcome": outcome, "reason": reason, "how": "", "place": "", "item": "", "imported_size": None,
        "imported_sha256": None, "limit": None, "at_ms": at_ms,
    }  # fmt: skip
