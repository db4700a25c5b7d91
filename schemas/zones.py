"""Time zones as the pinned data has them: two machines put a moment into the same day, and show the same time."""

from datetime import UTC, tzinfo
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UTC_NAMES: Final = frozenset(("", "UTC", "Etc/UTC"))


@cache
def load_zone(name: str) -> tzinfo:
    """The zone as the pinned tzdata package defines it; raises ZoneInfoNotFoundError if it has none of that name.

    The system's own data is never asked (decision 9).
    """
    if name in _UTC_NAMES:
        return UTC
    try:
        with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
            return ZoneInfo.from_file(data, key=name)
    except (OSError, ValueError):
        raise ZoneInfoNotFoundError(name) from None
