"""Lenient readers of LivePerson's values: fillers are absence, numbers may be texts, everything may be missing."""

from datetime import datetime
from typing import Any

from schemas.text import well_formed

FILLERS = frozenset({"", "undefined", "null", "-1"})
ERASED = "** LP deleted data **"
"""What a Personal Data Deletion leaves in the place of names and texts (LivePerson's help pages on it)."""
LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: what calendars can still write."""


def fact(value: object) -> str | None:
    """A fact as text; None for a missing one and for the fillers that LivePerson writes instead."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str) or value.strip() in FILLERS:
        return None
    return well_formed(value)


def first_fact(row: dict[str, Any], *names: str) -> str | None:
    """The first of these fields that says something."""
    return next((found for name in names if (found := fact(row.get(name))) is not None), None)


def words(value: object) -> str | None:
    """What somebody wrote, as text; unlike a fact it may well read "null"."""
    if isinstance(value, bool | int | float):
        return str(value)
    return well_formed(value) if isinstance(value, str) else None


def number(value: object) -> int | None:
    """A whole number, also from a text; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def moment(row: dict[str, Any], name: str) -> int | None:
    """The time in `nameL` (ms since 1970 UTC) or else the text in `name`; None if neither says one."""
    exact = number(row.get(f"{name}L"))
    if exact is not None and exact > 0:
        return min(exact, LATEST_MS)
    return _from_text(row.get(name))


def _from_text(value: object) -> int | None:
    """A time like `2016-08-29 14:30:24.565+0000` in ms, or a number in the text's place."""
    plain = number(value)
    if plain is not None:
        return min(plain, LATEST_MS) if plain > 0 else None
    if not isinstance(value, str):
        return None
    for form in ("%Y-%m-%d %H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S%z"):
        try:
            read = datetime.strptime(value, form)  # noqa: DTZ007 - every form has %z
            return max(0, round(read.timestamp() * 1000))
        except (ValueError, OverflowError):
            continue
    return None


def listed(value: object) -> list[Any]:
    """A list as it is, a lone object as a list of one, nothing as an empty list."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def mapped(value: object) -> dict[str, Any]:
    """An object as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}
