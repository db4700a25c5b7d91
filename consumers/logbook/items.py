"""What the connector log counts, whichever ledger it comes from: one item, and a result for each participant. Pure.

Two ledgers say the same of two stages: *stored* (topic deliveries) and *imported*. Each has a function that makes items of
its records; the log knows nothing else of them.
"""

from dataclasses import dataclass
from typing import Literal

from schemas.deliveries import participant_key, routing
from schemas.records import CopyResult, Delivery, Person, Receipt

Ledger = Literal["stored", "imported"]
LEDGERS: tuple[Ledger, ...] = ("stored", "imported")
OUTCOMES = ("ok", "partial", "skipped", "failed", "external", "waiting")
IMPORTED = OUTCOMES[:4]
"""Outcomes that Microsoft's sum is made of. *external* has none, *waiting* has none yet."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one participant's copy; of two results the one with the higher `number` is the newer."""

    participant: str
    user: str
    name: str
    mailbox: str | None
    outcome: str
    reason: str
    number: int = 0

    @property
    def unmapped(self) -> bool:
        """Whether it failed because nobody knows a mailbox: that is said once for a user and day, with the count."""
        return self.outcome == "failed" and self.mailbox is None


@dataclass(frozen=True, slots=True)
class Item:
    """One mail, before it is fanned out; `path` is where it stands in the store, whoever has a copy."""

    ledger: Ledger
    connector: str
    mail: bytes
    path: str
    results: tuple[Result, ...]


def stored(delivery: Delivery) -> Item:
    """The item of a record in topic deliveries."""
    return Item(
        "stored", delivery["connector_uid"], delivery["mail_id"], delivery["path"],
        tuple(_stored(copy) for copy in delivery["copies"]),
    )  # fmt: skip


def imported(receipt: Receipt) -> Item:
    """The item of a record in topic imports, which has the result of one copy."""
    result = _result(
        receipt["participant"], receipt["mailbox"], receipt["outcome"], receipt["reason"], receipt["routing"]
    )
    return Item("imported", receipt["connector_uid"], receipt["mail_id"], receipt["path"], (result,))


def _stored(copy: CopyResult) -> Result:
    return _result(copy["participant"], copy["mailbox"], copy["outcome"], copy["reason"], routing(copy))


def _result(person: Person, mailbox: str | None, outcome: str, reason: str | None, number: int) -> Result:
    user = person["id"] or person["email"] or ""
    known = outcome if outcome in OUTCOMES else "failed"  # of a later version: so that somebody looks
    return Result(participant_key(person), user, person["name"] or "", mailbox, known, reason or "", number)
