"""How manifests of a chain hang together: no number is missing, and each follows the one before. Pure."""

import itertools

from consumers.evidence.keys import is_signed
from consumers.evidence.statement import MANIFEST, Manifest, Statement, path_of


def missing(numbers: list[int]) -> list[str]:
    """A sentence for each gap below the last of these numbers, which ascend from 1. Pure."""
    faults = []
    for former, number in itertools.pairwise([0, *numbers]):
        if number == former + 2:
            faults.append(f"{path_of(former + 1, MANIFEST)} is missing")
        elif number > former + 2:
            faults.append(f"{path_of(former + 1, MANIFEST)} is missing, with all up to manifest {number - 1}")
    return faults


def links(found: Manifest, before: Manifest | None) -> list[str]:
    """What is wrong between a manifest and the one before, and with its signature. Pure."""
    one, faults = found.statement, []
    if not is_signed(found.signed, found.signature, one.key):
        faults.append("the signature is not that of its key over its statement")
    if one.previous != (before.digest if before else None):
        faults.append("it does not follow the manifest before; the chain was forked, cut or re-ordered")
    if before is not None and one.key != before.statement.next_key:
        faults.append(f"it is signed with key {one.key[:16]}…, which the manifest before does not introduce")
    if before is not None and one.closed_at < before.statement.closed_at:
        faults.append(f"it says {one.closed_at}, before the one before it")
    if before is not None and not _continues(before.statement, one):
        faults.append("its range does not begin where the one before ends")
    return faults


def _continues(before: Statement, one: Statement) -> bool:
    for topic, parts in before.ranges.items():
        begins = [[partition, begin] for partition, begin, _ in one.ranges.get(topic, [])]
        if begins != [[partition, end] for partition, _, end in parts]:
            return False
    return True
