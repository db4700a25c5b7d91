"""What somebody has to look at: mails that nobody's mailbox got, and people of the firm whose copies failed."""

from collections.abc import Iterable
from dataclasses import dataclass

from consumers.tally import Tally, is_routed
from schemas.deliveries import delivery_id, routing
from schemas.records import CopyResult, Delivery


@dataclass(frozen=True, order=True)
class Unrouted:
    """A mail without any copy; it stands once in the archive, at `path` below the store's root."""

    connector: str
    date_ms: int
    path: str
    conversation: str
    slice: str
    events: int


@dataclass(frozen=True, order=True)
class FailedPerson:
    """Somebody whose copies could not be made: how many, why the first one, and of which mail."""

    connector: str
    user: str
    name: str
    reason: str
    first_path: str
    copies: int


class Gaps:
    """A fold over deliveries, in the ledger's order; holds only what looks wrong, or was routed again since."""

    def __init__(self) -> None:
        self._unrouted: dict[bytes, Unrouted] = {}
        self._failed: dict[bytes, tuple[Delivery, CopyResult]] = {}
        self._again: dict[bytes, int] = {}  # delivery -> highest routing seen, where it is not the first

    def add(self, delivery: Delivery) -> None:
        """Take one delivery; a later one of the same mail corrects what an earlier one said."""
        mail = delivery["mail_id"]
        if not is_routed(delivery):
            self._unrouted[mail] = _unrouted(delivery)
        for copy in delivery["copies"]:
            key, number = delivery_id(mail, copy["participant"]), routing(copy)
            if number < self._again.get(key, 0):
                continue
            if number:
                self._again[key] = number
            self._failed.pop(key, None)
            if copy["outcome"] == "failed":
                self._failed[key] = (delivery, copy)

    def unrouted(self, tally: Tally) -> list[Unrouted]:
        """By connector and date. A mail may have several records: `tally` knows whether another one has its copies."""
        return sorted(one for mail, one in self._unrouted.items() if not tally.is_routed(mail))

    def failed(self) -> list[FailedPerson]:
        """One entry a person and connector."""
        by_person: dict[tuple[str, str], list[tuple[Delivery, CopyResult]]] = {}
        for delivery, copy in self._failed.values():
            user = copy["participant"]["id"] or copy["participant"]["email"] or ""
            by_person.setdefault((delivery["connector_uid"], user), []).append((delivery, copy))
        return sorted(_person(user, found) for (_, user), found in by_person.items())


def _unrouted(delivery: Delivery) -> Unrouted:
    return Unrouted(
        delivery["connector_uid"], delivery["date_ms"], delivery["path"], delivery["conversation"],
        delivery["slice"], delivery["event_count"],
    )  # fmt: skip


def _person(user: str, found: Iterable[tuple[Delivery, CopyResult]]) -> FailedPerson:
    copies = sorted(found, key=lambda one: (one[0]["date_ms"], one[0]["path"]))
    delivery, copy = copies[0]
    name = copy["participant"]["name"] or ""
    return FailedPerson(
        delivery["connector_uid"], user, name, copy["reason"] or "", delivery["path"], len(copies)
    )
