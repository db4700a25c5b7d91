"""Whether a plan that lies in the store may be signed: anybody who can write there may have put it. Pure."""

from datetime import UTC, datetime, timedelta

from consumers.evidence.errors import EvidenceError
from consumers.evidence.statement import PLAN, Manifest, Plan, Ranges, folder_of, path_of

TOLERATED = timedelta(minutes=5)
"""By so much the clocks of two machines that close may differ."""


def closing_time(before: Manifest | None, now: datetime) -> str:
    """When a range is fixed: now, but never before the manifest before, whose machine may have had another clock."""
    said = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return max(said, before.statement.closed_at) if before else said


def demand_plan(plan: Plan, number: int, before: Manifest | None, possible: Ranges, now: datetime) -> None:
    """EvidenceError, with what to do, unless this is the plan that manifest `number` after `before` must have.

    `possible`: the ranges from where the manifest before ends up to where the log ends now.
    """
    wrong = _wrong(plan, number, before, now) or _wrong_ranges(plan.ranges, possible)
    if wrong:
        raise EvidenceError(f"{path_of(number, PLAN)} {wrong}; {advice(number)}")


def advice(number: int) -> str:
    """What to do about a plan that can't be signed."""
    return (
        f"nothing of it was signed: find out who wrote it, move the folder {folder_of(number)} out of the archive, "
        "and close again"
    )


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
