"""What topic audit says of orders and holds, folded in its order. Pure.

The topic has one partition, so of a hold and an order it is always certain which came first. A hold wins where it stands before
the order, before a record `checked` of it (one before its control records, one before anything is removed), and never after that.
"""

import json
from dataclasses import dataclass, field

from schemas import dispositions
from schemas.dispositions import Scope
from schemas.records import Audit

GIVEN_AT = "given_at"


class DispositionError(Exception):
    """An order can't be given or carried out; the message is a sentence that says what to do."""


@dataclass
class Order:
    """One order of disposition, and how far it is. `positions`: of its control records, by partition of raw-events.

    `given_at`: where the log ended when it was given, by partition, if it was put in force later. `is_new`: it was just given.
    `withdrawn_for`: why, where the record says so.
    `mails`: those that it has named so far, while it is open: retention names very many, so of finished ones `named` counts them.
    """

    said: Audit
    held_by: list[Audit]
    positions: dict[int, int] = field(default_factory=dict)
    given_at: dict[int, int] = field(default_factory=dict)
    is_new: bool = False
    mails: set[bytes] = field(default_factory=set)
    named: int = 0
    finished: dict[str, str] | None = None
    withdrawn: bool = False
    withdrawn_for: str = ""

    @property
    def name(self) -> str:
        """What tells it apart: 32 hexadecimal digits."""
        return self.said["order"]

    @property
    def scope(self) -> Scope:
        """What it names."""
        return dispositions.of_audit(self.said)

    @property
    def is_open(self) -> bool:
        """Whether something is left to do."""
        return self.finished is None and not self.withdrawn


class Books:
    """All orders and all holds."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.holds: dict[str, Audit] = {}

    def see(self, one: Audit) -> None:
        """The next record of the topic."""
        order = self.orders.get(one["order"])
        match one["kind"]:
            case "hold":
                self.holds[one["order"]] = one
            case "released":
                self.holds.pop(one["order"], None)
            case dispositions.KIND if order is None:
                self.orders[one["order"]] = Order(one, self.stopping(dispositions.of_audit(one)))
            case dispositions.CHECKED if order is not None:
                order.held_by += self.stopping(order.scope)
            case _ if order is not None:
                _note(order, one)
            case _:
                pass

    def stopping(self, scope: Scope) -> list[Audit]:
        """The holds in force that stand against an order of this scope."""
        return [hold for hold in self.holds.values() if stops(hold, scope)]

    def held(self, connector_uid: str) -> tuple[bool, frozenset[str]]:
        """Whether all of the connector is on hold, and which of its conversations are."""
        ours = [
            hold["conversation"] for hold in self.holds.values() if hold["connector_uid"] == connector_uid
        ]
        return None in ours, frozenset(name for name in ours if name is not None)


def _note(order: Order, one: Audit) -> None:
    match one["kind"]:
        case "in_force":
            order.positions = {
                int(partition): int(at) for partition, at in one["details"].items() if partition != GIVEN_AT
            }
            order.given_at = {
                int(number): at for number, at in json.loads(one["details"].get(GIVEN_AT, "{}")).items()
            }
        case "disposed":
            order.mails.update(dispositions.mails_of(one))
            order.named = len(order.mails)
        case "finished":
            order.finished = one["details"]
            order.mails = set()
        case "withdrawn":
            order.withdrawn, order.withdrawn_for = True, one["reason"] or ""
        case _:
            pass


def stops(hold: Audit, scope: Scope) -> bool:
    """Whether a hold stands against an order of this scope."""
    if hold["connector_uid"] != scope.connector_uid:
        return False
    name = hold["conversation"]
    return (
        name is None or scope.conversation is None or name == scope.conversation
        if name not in scope.excluded
        else False
    )
