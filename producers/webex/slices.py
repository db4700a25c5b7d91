"""Times as Webex writes them, and the local day that an event belongs to. Pure; all times in ms since 1970 UTC."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from producers.source import Slice

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


def day_slice(room: str, at_ms: int, zone: ZoneInfo) -> Slice:
    """The slice of a space and the local day of a moment: 23, 24 or 25 hours, label like 2026-03-04."""
    day = (EPOCH + at_ms * MS).astimezone(zone).date()
    # A clock that falls back over midnight shows a day twice; then the bounds decide, not the clock face.
    while at_ms < _begin(day, zone):
        day -= timedelta(days=1)
    while at_ms >= _begin(day + timedelta(days=1), zone):
        day += timedelta(days=1)
    return Slice(room, day.isoformat(), _begin(day, zone), _begin(day + timedelta(days=1), zone))


def _begin(day: date, zone: ZoneInfo) -> int:
    """Where a local day begins; where midnight is skipped, the moment of the jump."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - EPOCH) // MS
