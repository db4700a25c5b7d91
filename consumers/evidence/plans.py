"""Whether a plan that lies in the store may be signed: anybody who can write there may have put it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from consumers.evidence.errors import EvidenceError
from consumers.evidence.statement import MOST_PLANS, Manifest, Plan, Ranges, folder_of, path_of, plan_name

TOLERATED = timedelta(minutes=5)
"""By so much the clocks of two machines that close may differ."""


def closing_time(before: Manifest | None, now: datetime) -> str:
    """When a range is fixed: now, but never before the manifest before, whose machine may have had another clock."""
    said = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return max(said, before.statement.closed_at) if before else said


@dataclass(frozen=True)
class Judged:
    """What lies there: plans that may be signed, in the order of their names, and a sentence for each that may not."""

    fit: list[Plan]
    refused: list[str]


def judged(
    found: Sequence[Plan | str], number: int, before: Manifest | None, possible: Ranges, now: datetime
) -> Judged:
    """`found`: plans of manifest `number`, which follows `before`, or what is wrong with what lies in their place.

    `possible`: the ranges from where the manifest before ends up to where the log ends now.
    """
    fit, refused = list[Plan](), list[str]()
    for attempt, one in enumerate(found, 1):
        wrong = one if isinstance(one, str) else fault_of(one, number, before, possible, now)
        if wrong or isinstance(one, str):
            refused.append(refusal(number, attempt, wrong))
        else:
            fit.append(one)
    return Judged(fit, refused)


def fault_of(plan: Plan, number: int, before: Manifest | None, possible: Ranges, now: datetime) -> str:
    """Why this is not the plan that manifest `number` after `before` must have; empty if it is."""
    return _wrong(plan, number, before, now) or _wrong_ranges(plan.ranges, possible)


def refusal(number: int, attempt: int, wrong: str) -> str:
    """What is said of a plan that may not be signed, and what becomes of the manifest. It can stay where it is."""
    return (
        f"{path_of(number, plan_name(attempt))} {wrong}; it was not signed, and another plan is made beside it: find out who "
        "wrote it, and take away the right to write there"
    )


def fresh_plan(number: int, before: Manifest | None, ranges: Ranges, now: datetime, others: int) -> Plan:
    """A plan of ours, beside so many others; EvidenceError where nobody may sign it, so that it is not written either."""
    plan = Plan(
        number=number, previous=before.digest if before else None, closed_at=closing_time(before, now), ranges=ranges
    )  # fmt: skip
    wrong = fault_of(plan, number, before, ranges, now)
    if wrong:
        raise EvidenceError(f"no plan can be made for manifest {number}: it {wrong}")
    if others == MOST_PLANS:
        raise EvidenceError(
            f"{folder_of(number)} has {others} plans that may not be signed; move the folder out of the archive"
        )
    return plan


def _wrong(plan: Plan, number: int, before: Manifest | None, now: datetime) -> str:
    if plan.number != number:
        return f"is a plan for manifest {plan.number}"
    if plan.previous != (before.digest if before else None):
        return "does not follow the last manifest"
    if before is not None and plan.closed_at < before.statement.closed_at:
        return f"says {plan.closed_at}, before the last manifest ({before.statement.closed_at})"
    if datetime.fromisoformat(plan.closed_at) > now + TOLERATED:
        return f"says {plan.closed_at}, which is still to come by this machine's clock"
    return ""


def _wrong_ranges(ranges: Ranges, possible: Ranges) -> str:
    if set(ranges) != set(possible):
        return f"covers {', '.join(sorted(ranges)) or 'nothing'}, and not {', '.join(sorted(possible))}"
    for topic, parts in sorted(possible.items()):
        if [part for part, _, _ in ranges[topic]] != [part for part, _, _ in parts]:
            return f"covers other partitions of {topic} than there are"
        for (part, begin, end), (_, first, last) in zip(ranges[topic], parts, strict=True):
            if begin != first or not first <= end <= last:
                return f"covers {topic}/{part} from {begin} to {end}, and not from {first} to at most {last}"
    if all(begin == end for parts in ranges.values() for _, begin, end in parts):
        return "covers nothing"
    return ""
