"""Times as people read them, in the connector's zone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.zones import load_zone

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS: Final = 86_400_000
_SECONDS: Final = tuple(f":{second:02d}" for second in range(60))


class Clock(NamedTuple):
    """How the times of one mail are written."""

    zone: str
    show: Callable[[int], str]


def clock(zone: str, first_ms: int, last_ms: int) -> Clock:
    """Times in this zone; each with its offset when the offset changes between the first and the last."""
    rules = load_zone(zone)
    if rules is UTC:
        return Clock("UTC", show_utc)
    changing = _offset(rules, first_ms) != _offset(rules, last_ms)
    cut = None if changing else 19

    def show(ms: int) -> str:
        try:
            return (_EPOCH + timedelta(milliseconds=ms)).astimezone(rules).isoformat(" ", "seconds")[:cut]
        except (OverflowError, ValueError):
            return _bare(ms)

    return Clock(f"{zone}, UTC{_offset(rules, first_ms)}", show)


def show_utc(ms: int) -> str:
    """`YYYY-MM-DD HH:MM:SS` in UTC; the bare number for what no calendar holds."""
    try:
        return f"{_day(ms // DAY_MS)} {time_of_day(ms)}"
    except OverflowError:
        return _bare(ms)


def stamp(ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, as headers carry it."""
    try:
        return f"{_day(ms // DAY_MS)}T{time_of_day(ms)}.{ms % 1000:03d}Z"
    except OverflowError:
        return _bare(ms)


@lru_cache(maxsize=256)  # a mail names its few days again and again
def _day(number: int) -> str:
    """`YYYY-MM-DD` so many days after 1970-01-01; OverflowError outside the calendar."""
    return (_EPOCH + timedelta(days=number)).date().isoformat()


def time_of_day(ms: int) -> str:
    """`HH:MM:SS` in UTC; a fifth of what `datetime` takes for it."""
    minute, second = divmod(ms // 1000 % 86_400, 60)
    return _minute(minute) + _SECONDS[second]


@lru_cache(maxsize=1440)
def _minute(of_day: int) -> str:
    return f"{of_day // 60:02d}:{of_day % 60:02d}"


def in_calendar(ms: int) -> bool:
    """Whether a mail's Date can carry it: from 1970 on, with a year of four digits."""
    return 0 <= ms < 253_402_300_800_000


def _offset(rules: tzinfo, ms: int) -> str:
    try:
        return (_EPOCH + timedelta(milliseconds=ms)).astimezone(rules).isoformat()[-6:]
    except (OverflowError, ValueError):
        return ""


def _bare(ms: int) -> str:
    return f"{ms} ms after 1970"
