"""How the history API writes times and missing values."""

from __future__ import annotations

import datetime as dt


def time_text(ms: int) -> str:
    """Write a time as the API does: ``2026-03-04 14:02:11.318+0000``."""
    at = dt.datetime.fromtimestamp(ms // 1000, dt.UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{ms % 1000:03d}+0000"


def both_times(name: str, ms: int) -> dict[str, str | int]:
    """Give a time as text and as ``…L``; 0 = not yet, which the API writes as ``undefined`` and -1."""
    return {name: time_text(ms), f"{name}L": ms} if ms else {name: "undefined", f"{name}L": -1}


def undefined(text: str) -> str:
    """Give the text, or the filler that the API shows for a missing one."""
    return text or "undefined"
