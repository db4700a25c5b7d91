"""Times as Webex writes them, and the local day that an event belongs to. Pure; all times in ms since 1970 UTC."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo

from producers.source import Slice, closable
from schemas.slices import UNDATED, day_label

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


def parse_ms(text: object) -> int | None:
    """Milliseconds of `...Z`, `...+00:00` and their like; None for what is no time. Without a zone: UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - EPOCH) // MS
    except (ValueError, OverflowError):
        return None


def iso(ms: int) -> str:
    """The form that the API takes in queries, for example 2026-03-04T10:00:00.000Z."""
    return (EPOCH + ms * MS).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


_FIRST_MS, _LAST_MS = ((datetime(*day, tzinfo=UTC) - EPOCH) // MS for day in ((1, 1, 3), (9999, 12, 29)))


def day_slice(room: str, at_ms: int, zone: tzinfo) -> Slice:
    """The slice of a space and the local day of a moment: 23, 24 or 25 hours, label like 2026-03-04.

    What lies at the very ends of the calendar counts to its third day or third last.
    """
    at_ms = min(max(at_ms, _FIRST_MS), _LAST_MS)
    day = (EPOCH + at_ms * MS).astimezone(zone).date()
    # A clock that falls back over midnight shows a day twice; then the bounds decide, not the clock face.
    while at_ms < _begin(day, zone):
        day -= timedelta(days=1)
    while at_ms >= _begin(day + timedelta(days=1), zone):
        day += timedelta(days=1)
    return Slice(room, day_label(day), _begin(day, zone), _begin(day + timedelta(days=1), zone))


def placed(room: str, at_ms: int | None, now_ms: int, tolerance_ms: int, zone: tzinfo) -> Slice:
    """The slice of an event by its own time, believed or not; `undated` if it says none, closed with today's."""
    today = day_slice(room, now_ms, zone)
    if at_ms is None:
        return replace(today, label=UNDATED)
    return closable(day_slice(room, at_ms, zone), today, now_ms + tolerance_ms)


def is_own_day(day: Slice, zone: tzinfo) -> bool:
    """Whether a slice has the bounds of the day that it is named for; False where capture time chose them."""
    return day_slice(day.conversation, day.start_ms, zone) == day


def _begin(day: date, zone: tzinfo) -> int:
    """Where a local day begins; where midnight is skipped, the moment of the jump."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - EPOCH) // MS
