"""What somebody has to look at: mails that nobody's mailbox got, and people of the firm whose copies failed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consumers.cache_file import opened, transaction
from consumers.tally import Tally, is_routed
from schemas.deliveries import delivery_id, routing
from schemas.dispositions import mails_of
from schemas.records import Audit, CopyResult, Delivery


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


class Departed:
    """What orders of disposition have taken away again, in mails and copies of the ledger; on disk, since there may be many."""

    def __init__(self) -> None:
        self._db = opened(None, "CREATE TABLE disposed (mail BLOB PRIMARY KEY) WITHOUT ROWID;", 1)
        self._tally = Tally()

    def order(self, orders: Iterable[Audit]) -> None:
        """Learn which mails have left: everything that topic audit says, before the first delivery."""
        with transaction(self._db):
            for one in orders:
                if one["kind"] == "disposed":
                    rows = ((mail,) for mail in mails_of(one))
                    self._db.executemany("INSERT OR IGNORE INTO disposed VALUES (?)", rows)

    def add(self, deliveries: Sequence[tuple[int, int, int, Delivery]]) -> None:
        """Fold (partition, offset, recorded at ms, record), as `Tally.add`."""
        self._tally.add([one for one in deliveries if self._is_gone(one[3]["mail_id"])])

    def counts(self) -> tuple[int, int]:
        """Mails that had been stored, and copies that had been, each as its participant's newest result has it."""
        found = [self._tally.counters(uid) for uid in self._tally.connectors()]
        return sum(one.mails for one in found), sum(one.ok + one.partial for one in found)

    def close(self) -> None:
        """The space is free again."""
        self._tally.close()
        self._db.close()

    def _is_gone(self, mail: bytes) -> bool:
        return self._db.execute("SELECT 1 FROM disposed WHERE mail=?", (mail,)).fetchone() is not None


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
