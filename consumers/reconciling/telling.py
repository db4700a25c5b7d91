"""The result of reconciling, on the status topic: component `reconcile` of the connector.

Days that are not settled stay in its counters, by their date, until they are: with the number of differences, or 0 where
slices are still open. So a difference is told until it is dealt with, however many good days follow. Beside them stands of
every day whether it was compared with the source, and if not, why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from consumers.reconciling.spans import Days, Kind, added, counters_of, days_of, open_days
from schemas.status import ConnectorStatus, State
from schemas.topics import DAY_MS

COMPONENT = "reconcile"
MOST_OPEN = 60
"""Days; older ones that nobody dealt with are left to those who read the log of the process."""
FURTHEST = 7
"""Days that are made up for after a time in which nothing was reconciled."""


@dataclass(frozen=True)
class Told:
    """What was told last: up to where (ms since 1970 UTC), what is not settled, and what became of each day."""

    up_to_ms: int | None = None
    open: Mapping[str, int] | None = None
    days: Days = field(default_factory=dict)

    @property
    def passed_over(self) -> int:
        """How many days were never compared, because nothing was reconciled for longer than FURTHEST."""
        return len(self.days.get("passed_over", ()))


@dataclass(frozen=True)
class Result:
    """What came of one day. `error`: why it could not be reconciled; then nothing else counts.

    `passed_over`: so many days up to and with this one are not looked at any more. `kind`: what became of this one otherwise;
    None where it is still to be collected, so that it is looked at again.
    """

    day: date
    until_ms: int = 0
    differences: int = 0
    pending: int = 0
    counters: Mapping[str, int] | None = None
    error: str | None = None
    passed_over: int = 0
    kind: Kind | None = "compared"

    @property
    def looked(self) -> bool:
        """Whether the topics and the store were asked about the day, and answered."""
        return (
            self.error is None
            and not self.passed_over
            and self.kind in {"compared", "in_part", "not_verifiable"}
        )

    @property
    def whole(self) -> bool:
        """Whether all of the day was collected by then."""
        next_day = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC) + timedelta(days=1)
        return self.until_ms >= next_day.timestamp() * 1000


def told(records: list[ConnectorStatus], uid: str) -> Told:
    """What the status topic says of this connector's reconciliation."""
    for record in records:
        if record["component"] == COMPONENT and record["connector_uid"] == uid:
            counters = record["counters"]
            return Told(record["captured_up_to_ms"], open_days(counters), days_of(counters))
    return Told(None, {})


def due_days(before: Told, last_whole: date, up_to: date | None) -> list[date]:
    """What is to be reconciled when all up to and with `last_whole` is collected: open days, then new ones, oldest first.

    `up_to`: the last day that was reconciled, None if none ever was.
    """
    first = (
        last_whole
        if up_to is None
        else max(up_to + timedelta(days=1), last_whole - timedelta(days=FURTHEST - 1))
    )
    fresh = [first + timedelta(days=number) for number in range((last_whole - first).days + 1)]
    return sorted({*(date.fromisoformat(name) for name in before.open or {}), *fresh})


def days_passed_over(last_whole: date, up_to: date | None) -> list[date]:
    """The days that `due_days` leaves out for ever, because they lie too far back; oldest first."""
    if up_to is None:
        return []
    count = (last_whole - up_to).days - FURTHEST
    return [up_to + timedelta(days=number) for number in range(1, count + 1)]


def to_status(
    connector: tuple[str, str, str],
    before: Told,
    result: Result,
    now_ms: int,
    last_success_ms: int | None = None,
) -> ConnectorStatus:
    """The record of a result; `connector` is uid, name and source."""
    left, days = _open_after(before, result), _days_after(before, result)
    faulty = {name: number for name, number in left.items() if number}
    state: State = "waiting" if result.error else "refused" if faulty else "idle"
    message = result.error or _sentence(connector[0], faulty)
    totals = {"differences": sum(faulty.values()), "passed_over": len(days.get("passed_over", ()))}
    return {
        "connector_uid": connector[0], "connector": connector[1], "source": connector[2], "component": "reconcile",
        "partition": None, "lane": None, "reached": None, "state": state,
        "captured_up_to_ms": _reached_after(before, result), "lag_ms": None, "progress": None,
        "last_success_ms": now_ms if result.looked else last_success_ms,
        "last_error": {"at_ms": now_ms, "message": message} if message else None,
        "counters": {**(result.counters or {}), **totals, **counters_of(days), **left},
        "updated_at_ms": now_ms,
    }  # fmt: skip


def _reached_after(before: Told, result: Result) -> int | None:
    """Days between are not skipped because somebody asked for a later one, but where they are passed over on record."""
    reached = before.up_to_ms
    if result.error is not None:
        return reached
    if reached is None or reached < result.until_ms <= reached + DAY_MS * (result.passed_over or 1):
        return result.until_ms
    return reached


def _days_after(before: Told, result: Result) -> Days:
    """What became of each day by now; a day that is not over, or could not be looked at, stays what it was."""
    if result.passed_over:
        some = [result.day - timedelta(days=number) for number in range(result.passed_over)]
        return added(before.days, "passed_over", some)
    if result.error is not None or result.kind is None or not result.whole:
        return before.days
    return added(before.days, result.kind, [result.day])


def _open_after(before: Told, result: Result) -> dict[str, int]:
    """The days that are not settled now; a day that could not be looked at stays as it was."""
    left, name = dict(before.open or {}), result.day.isoformat()
    if result.looked:
        left.pop(name, None)
        if result.differences or result.pending:
            left[name] = result.differences
    elif result.kind is None and result.error is None:
        left.setdefault(name, 0)
    elif result.kind == "not_covered" and not left.get(name):
        left.pop(name, None)  # its open slices are nobody's any more; differences that were found stay
    return dict(sorted(left.items())[-MOST_OPEN:])


def _sentence(uid: str, faulty: Mapping[str, int]) -> str | None:
    if not faulty:
        return None
    days = ", ".join(f"{day} ({number})" for day, number in list(faulty.items())[:5])
    first = next(iter(faulty))
    return f"source and archive differ: {days}; `chatledger reconcile {uid} --day {first}` says where"
