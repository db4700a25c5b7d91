"""Days in the counters of a status record: which are not settled, which were compared, which were not and why. Pure.

A counter `2026-03-02` is a day that is not settled; a counter `compared:2026-03-02` says of how many days from that one on.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Literal, get_args

Kind = Literal["compared", "in_part", "not_verifiable", "not_covered", "passed_over"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Days = Mapping[Kind, frozenset[date]]
MOST_SPANS = 60
"""Of each kind; older ones are forgotten, so that a record stays small."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def open_days(counters: Mapping[str, int]) -> dict[str, int]:
    """The days that are not settled, with their differences; 0 where slices are still open."""
    return {name: number for name, number in sorted(counters.items()) if _DAY.fullmatch(name)}


def days_of(counters: Mapping[str, int]) -> dict[Kind, frozenset[date]]:
    """What became of each day that was looked at or left out."""
    return {kind: frozenset(_days(counters, f"{kind}:")) for kind in KINDS}


def counters_of(days: Days) -> dict[str, int]:
    """The same as counters."""
    return {
        f"{kind}:{first}": count for kind in KINDS for first, count in spans(days.get(kind, ()))[-MOST_SPANS:]
    }


def added(days: Days, kind: Kind, some: Iterable[date]) -> dict[Kind, frozenset[date]]:
    """The same with these days of that kind. What was compared once stays so, whatever the source shows later."""
    fresh = frozenset(some)
    if kind != "compared":
        fresh -= days.get("compared", frozenset())
    return {
        one: days.get(one, frozenset()) - fresh | (fresh if one == kind else frozenset()) for one in KINDS
    }


def spans(days: Iterable[date]) -> list[tuple[date, int]]:
    """Days as (first, how many in a row), oldest first."""
    found: list[tuple[date, int]] = []
    for day in sorted(days):
        first, count = found[-1] if found else (day, 0)
        if first + timedelta(days=count) == day:
            found[-1:] = [(first, count + 1)]
        else:
            found.append((day, 1))
    return found


def told_spans(days: Iterable[date]) -> list[str]:
    """Days for people: `2026-03-02`, or `2026-03-02 to 2026-03-05`."""
    return [
        f"{first}" if count == 1 else f"{first} to {first + timedelta(days=count - 1)}"
        for first, count in spans(days)
    ]


def _days(counters: Mapping[str, int], prefix: str) -> Iterator[date]:
    for name, count in counters.items():
        if name.startswith(prefix):
            first = date.fromisoformat(name.removeprefix(prefix))
            yield from (first + timedelta(days=number) for number in range(count))
