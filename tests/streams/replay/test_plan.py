"""Where a replay begins and ends in each partition, and when it can't."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import date
from functools import partial

import pytest

from schemas.codec import Codec, encode
from schemas.commits import Bounds
from schemas.live import LIVE_GROUP
from streams.positions import Stand
from streams.readback import Seen
from streams.replay.days import Days
from streams.replay.plan import Index, Known, NotReplayableError, choose, closings_index
from streams.replay.selection import Selection

DAY_MS = 86_400_000
MARCH_MS = 20_513 * DAY_MS  # 2026-03-01
ALL = Bounds(0, 100)
CUT = Bounds(10, 100)
LIVE = Stand(30, 90, Bounds(0, 50))
SOME = Selection(conversations=frozenset({"c"}))
DAYS = Selection(first=date(2026, 3, 1))
BOTH = Selection(conversations=frozenset({"c"}), first=date(2026, 3, 1))


def index(first: int | None = None, dated: int | None = None, *, is_whole: bool = True) -> Index:
    """What closings say, of conversation c and of selected days."""
    return Index({} if first is None else {"c": first}, [], dated, is_whole)


@pytest.mark.parametrize(
    ("known", "selection", "wanted"),
    [
        (Known(ALL, LIVE), Selection(), (0, 100)),
        (Known(ALL, LIVE, index(20, 20)), Selection(), (0, 100)),
        # what live has reached bounds what the index knows
        (Known(ALL, LIVE, index(20)), SOME, (20, 90)),
        (Known(ALL, LIVE, index()), SOME, (0, 100)),
        (Known(ALL, LIVE, index()), DAYS, (30, 100)),
        (Known(ALL, LIVE, index(None, 40)), DAYS, (30, 100)),
        (Known(ALL, LIVE, index(None, 20)), DAYS, (20, 100)),
        # with a conversation, whose other slices may lie below
        (Known(ALL, LIVE, index(20, 25)), BOTH, (25, 90)),
        (Known(ALL, LIVE, index(20, 60)), BOTH, (30, 90)),
        (Known(ALL, LIVE, index(20)), BOTH, (30, 90)),
        (Known(ALL, LIVE, index()), BOTH, (30, 100)),
        # an index that is not proved whole is none
        *((Known(ALL, LIVE, index(20, 20, is_whole=False)), one, (0, 100)) for one in (SOME, DAYS, BOTH)),
        *((Known(ALL, None, index(20, 20)), one, (0, 100)) for one in (SOME, DAYS, BOTH)),
    ],
)
def test_where_a_replay_begins(known: Known, selection: Selection, wanted: tuple[int, int]) -> None:
    """At the first position that is needed, where the index is whole; else at the beginning."""
    assert choose({0: known}, selection, earliest=None, whole_log=False) == {0: wanted}
    assert choose({0: known}, selection, earliest=None, whole_log=True) == {0: (0, 100)}


@pytest.mark.parametrize(
    ("known", "selection", "can"),
    [
        (Known(CUT, LIVE), Selection(), False),
        (Known(CUT, LIVE, index(20)), SOME, True),
        (Known(CUT, LIVE, index(5)), SOME, False),
        (Known(CUT, LIVE, index()), DAYS, True),
        (Known(CUT, LIVE, index(None, 9)), DAYS, False),
        # of what is in force there nothing is proved: mails would be made by other settings
        (Known(CUT, LIVE, index(20, 20, is_whole=False)), DAYS, False),
        (Known(CUT, None), DAYS, False),
    ],
)
def test_a_log_that_was_cut_above_what_is_needed_is_refused(
    known: Known, selection: Selection, can: bool
) -> None:
    """The refusal names the first day that can be replayed; the whole of the log is then what is left of it."""
    advised = date(2026, 3, 1)
    if can:
        choose({0: known}, selection, earliest=advised, whole_log=False)
        assert choose({0: known}, selection, earliest=advised, whole_log=True) == {0: (10, 100)}
        return
    for whole_log in (False, True):
        with pytest.raises(NotReplayableError, match="give --from 2026-03-01"):
            choose({0: known}, selection, earliest=advised, whole_log=whole_log)


CLOSINGS: list[tuple[str, str, int, int | None]] = [  # conversation, slice, first position, day of March
    ("c", "2026-03-02", 20, None), ("c", "2026-03-02", 12, None), ("c", "2026-02-01", 5, 30), ("d", "2026-03-09", 8, 1),
    # of one slice the first closing decides
    ("c", "p0000", 30, 7), ("c", "p0000", 3, -7), ("d", "undated", 9, 8), ("d", "undated", 15, -7),
]  # fmt: skip


async def closings(
    seen: Seen, bounds: Bounds = LIVE.closings or ALL, start_ms: int | None = MARCH_MS
) -> AsyncIterator[bytes]:
    """The topic, also with what a replay is supposed to have written."""
    seen(bounds)
    for conversation, label, first, day in CLOSINGS:
        for group in (LIVE_GROUP, "replay"):
            yield encode("Closing", {
                "group": group, "connector_uid": "a", "conversation": conversation, "slice": label, "partition": 0,
                "first_position": first - (group != LIVE_GROUP), "position": 90, "revision": 0, "closing_id": None,
                "count": 0, "ids": b"", "people": [], "overflow": None,
                "slice_start_ms": start_ms and start_ms + (day or 0) * DAY_MS,
            })  # fmt: skip


async def with_garbage(seen: Seen) -> AsyncIterator[bytes]:
    """The same, and a record that nobody can read: it may hide anything."""
    async for value in closings(seen):
        yield value
    yield b"garbage"


@pytest.mark.parametrize(
    ("selection", "firsts", "dated"),
    [
        (DAYS, {}, 8),
        (Selection(first=date(2026, 3, 9), last=date(2026, 3, 9)), {}, 8),
        (Selection(first=date(2026, 3, 8), last=date(2026, 3, 8)), {}, None),
        (Selection(last=date(2026, 2, 28)), {}, 3),
        (BOTH, {"c": 3}, 12),
        (SOME, {"c": 3}, None),
        (Selection(first=date(2026, 4, 1)), {}, None),
    ],
)
def test_closings_say_where_a_selected_day_began(
    selection: Selection, firsts: dict[str, int], dated: int | None
) -> None:
    """Also long before that day, where an event claimed it (decision 14), and where the label names no day."""
    found = asyncio.run(closings_index(closings, selection, Codec(), LIVE, Days(sqlite3.connect(":memory:"))))
    assert (found.firsts, found.dated, found.is_whole) == (firsts, dated, True)


def test_closings_that_are_not_whole_or_do_not_say_the_day_are_no_index() -> None:
    """Of earlier versions, lost in part or unreadable: what they noted counts for nothing, the first closing may be missing."""
    cases: list[tuple[Stand, Callable[[Seen], AsyncIterator[bytes]], bool]] = [
        (LIVE, closings, True),
        (Stand(30, 90), closings, False),
        (LIVE, partial(closings, bounds=Bounds(0, 49)), False),
        (LIVE, partial(closings, bounds=Bounds(1, 50)), False),
        (LIVE, partial(closings, start_ms=None), False),
        (LIVE, with_garbage, False),
    ]
    for live, read, is_whole in cases:
        days = Days(sqlite3.connect(":memory:"))
        assert asyncio.run(closings_index(read, DAYS, Codec(), live, days)).is_whole is is_whole
        assert (days.first(date.min, date.max) is not None) is is_whole
