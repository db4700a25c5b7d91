"""Deliveries by identity (rule 23): which result of a (mail, participant) is the newest, and what it supersedes. Pure.

A participant of a mail has one delivery. Routing it elsewhere, by another mapping, is a result of its own that counts one
`routing` more and names the copy that stands elsewhere, which is kept. So readers need no order: the highest `routing` is
the newest, and of equals the one that the ledger has last.
"""

from collections.abc import Iterable

from schemas.ids import delivery_key
from schemas.records import CopyResult, Delivery, Person, Superseded

STANDS = frozenset({"ok", "partial"})
"""Outcomes of a copy that stands in a mailbox's folder."""


def participant_key(person: Person) -> str:
    """What tells the participants of one mail apart."""
    return f"{person['id']}|{person['email'] or ''}"


def delivery_id(mail: bytes, person: Person) -> bytes:
    """Identity of a delivery: 16 bytes from mail id and participant."""
    return delivery_key(mail, participant_key(person))


def routing(copy: CopyResult) -> int:
    """How many times the copy had been routed elsewhere before."""
    return copy.get("routing", 0)


def stands(copy: CopyResult) -> bool:
    """Whether there is a copy in a mailbox's folder."""
    return copy["outcome"] in STANDS and copy["path"] is not None


def newest(deliveries: Iterable[Delivery]) -> dict[str, tuple[Delivery, CopyResult]]:
    """Of all deliveries of one mail, in the ledger's order: each participant's newest, by `participant_key`.

    In the order in which participants were first named. The delivery says which mapping decided.
    """
    found: dict[str, tuple[Delivery, CopyResult]] = {}
    for delivery in deliveries:
        for copy in delivery["copies"]:
            key = participant_key(copy["participant"])
            if key not in found or routing(copy) >= routing(found[key][1]):
                found[key] = (delivery, copy)
    return found


def following(result: CopyResult, former: tuple[Delivery, CopyResult] | None) -> CopyResult:
    """This result with `routing` and `supersedes`, seen after the participant's newest so far.

    At the same path it is a repeat and says the same again. Elsewhere it counts one more, and supersedes the copy that
    stands; if none does (it failed meanwhile), the one that was superseded last.
    """
    if former is None:
        return {**result, "routing": 0, "supersedes": None}
    delivery, copy = former
    if result["path"] == copy["path"]:
        return {**result, "routing": routing(copy), "supersedes": copy.get("supersedes")}
    return {**result, "routing": routing(copy) + 1, "supersedes": _left(delivery, copy)}


def _left(delivery: Delivery, copy: CopyResult) -> Superseded | None:
    if not stands(copy) or copy["path"] is None:
        return copy.get("supersedes")
    return {
        "mailbox": copy["mailbox"] or "", "path": copy["path"], "mapping_version": delivery["mapping_version"]
    }  # fmt: skip
