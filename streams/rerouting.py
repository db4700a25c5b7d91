"""A mail that was delivered, routed again by another mapping: what is to be made, and what the ledger says then. Pure.

Nothing is rendered and the mail is not read: its deliveries say everything that routing needs. The copies at former
mailboxes are kept; the new delivery names them as superseded (rule 23).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.deliveries import following, newest, participant_key, stands
from schemas.records import CopyResult, Delivery, Target
from streams.routing import Router


@dataclass(frozen=True)
class Rerouting:
    """What another mapping makes of a delivered mail.

    `facts`: a delivery of it without copies. `targets`: those that change. `former`: each participant's newest delivery so far.
    """

    facts: Delivery
    targets: tuple[Target, ...]
    former: dict[str, tuple[Delivery, CopyResult]]

    def delivery(self, results: Sequence[CopyResult]) -> Delivery:
        """The record for the ledger when these targets are durable, each result with what it supersedes."""
        copies = [
            following(result, self.former.get(participant_key(result["participant"]))) for result in results
        ]
        return {**self.facts, "copies": copies}


def reroute(deliveries: Sequence[Delivery], router: Router) -> Rerouting:
    """Route one mail again; `deliveries` are all that the ledger has of it, in its order, at least one.

    Targets whose newest delivery says the same already are left out, so that a repeat finds nothing to do.
    """
    former = newest(deliveries)
    facts: Delivery = {**deliveries[-1], "mapping_version": router.version, "copies": []}
    people = [copy["participant"] for _, copy in former.values()]
    changed = [
        target for target in router.targets(facts, people)
        if _differs(target, former[participant_key(target["participant"])][1])
    ]  # fmt: skip
    return Rerouting(facts, tuple(changed), former)


def _differs(target: Target, copy: CopyResult) -> bool:
    """Whether the target leads elsewhere, or to a copy that could not be made so far."""
    if target["outcome"] == "deliver":
        return target["path"] != copy["path"] or not stands(copy)
    return target["outcome"] != copy["outcome"] or target["mailbox"] != copy["mailbox"]
