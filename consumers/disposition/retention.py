"""Retention: up to when a connector's slices are past their term. Pure."""

from datetime import UTC, date, datetime, time, timedelta

from consumers.disposition.books import Books
from schemas.dispositions import Scope

MARGIN = timedelta(days=2)
"""An order speaks of the start of slices, and the longest slice with its grace ends within this time."""


def due(uid: str, term: timedelta, since: date | None, books: Books, now: datetime) -> Scope | None:
    """The scope of what is past its term, what is on hold left out; None where the whole connector is on hold.

    `since`: the day from which on the connector collects. What claims to be older is no matter of retention: its time was not
    believed (rule 3), so only an order that names it disposes of it. Without it, nothing was back-filled, so what was captured
    within the term stays, whatever time it says.
    """
    whole, names = books.held(uid)
    if whole:
        return None
    limit = _ms(now.astimezone(UTC) - term - MARGIN)
    return Scope(
        uid, from_ms=_ms(datetime.combine(since, time(), UTC)) if since else None,
        before_ms=limit, excluded=names, captured_before_ms=None if since else limit,
    )  # fmt: skip


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
