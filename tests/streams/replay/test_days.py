"""A replay of some days: each slice is on one day, whole, wherever the log is cut into days and whoever's clock was wrong."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import Codec, encode
from schemas.commits import Bounds
from schemas.topics import RAW_EVENTS, Topic
from streams.in_force import learn
from streams.memory import Memory
from streams.positions import Stand
from streams.readback import Seen
from streams.replay.days import Days
from streams.replay.fold import Fold
from streams.replay.plan import make_plan
from streams.replay.selection import Selection
from tests.streams.doubles import KAFKA, Bench, values
from tests.streams.logs import SETTINGS, activation, control, in_force, raw, told
from tests.streams.replay.test_fold import Kept

Entries = list[tuple[str, Any]]
DAY_MS = 86_400_000
BEGAN = date(2026, 3, 2)
BEGAN_MS = 20_514 * DAY_MS
LABELS = ["p0000", "undated", "undated", "2026-03-02", "2026-03-04"]
HEAD: Entries = [("Control", in_force("a", SETTINGS[0])), ("Control", activation("m0"))]


def at(day: int) -> date:
    """A day of these logs."""
    return BEGAN + timedelta(days=day)


def said(
    label: str, numbers: list[int], day: int, hours: int = 0, conversation: str = "c"
) -> tuple[str, Any]:
    """Events of a slice whose bounds are those of this day, as an event with a time that is not believed gets them."""
    record = told(raw(("a", conversation, "s0"), numbers, "live", 0, None))
    start = BEGAN_MS + day * DAY_MS + hours * DAY_MS // 24
    bounds = {"slice_start_ms": start, "slice_end_ms": start + DAY_MS, "captured_at_ms": start + 1}
    return "RawEvents", {**record, "slice": label, **bounds}


def mark(day: int) -> tuple[str, Any]:
    """A watermark at the end of this day."""
    return "Control", control("a", "watermark", "live", BEGAN_MS + (day + 1) * DAY_MS)


_said = st.builds(
    said, st.sampled_from(LABELS), st.lists(st.integers(0, 6), min_size=1, max_size=2), st.integers(0, 4),
    st.integers(0, 23), st.sampled_from("ccd"),
)  # fmt: skip
_changes = st.one_of(
    st.sampled_from(SETTINGS).map(lambda one: ("Control", in_force("a", one))),
    st.sampled_from(["m1", "m2"]).map(lambda one: ("Control", activation(one))),
)
_marks = st.integers(0, 5).map(mark)
stories = st.lists(st.one_of(_said, _said, _said, _marks, _changes), min_size=8, max_size=40)


class Shown:
    """The log as a plan sees it; nobody may ask it for times."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds

    async def bounds(self) -> Mapping[int, Bounds]:
        """One partition."""
        return {0: self._bounds}


class World:
    """A log, and live workers that have done some of it."""

    def __init__(self, folder: Path, log: Entries, live: int) -> None:
        self.log, self.bench = log, Bench(folder)
        for name, record in log[:live]:
            self.bench.add(name, record)
        self.bench.own(self.bench.assemble)
        asyncio.run(self.bench.work(self.bench.assemble))
        self.stand: Stand | None = self.bench.stand(self.bench.assemble)
        self.bench.scratch.close()

    def _read(self, topic: Topic, number: int, seen: Seen) -> AsyncIterator[bytes]:
        return values(self.bench.log.read(topic, number, seen))

    def replayed(self, selection: Selection, ends_at: int = 0) -> tuple[int, list[bytes]]:
        """Where a replay begins, and its closed slices; it is ended and begun again after so many records."""
        db = sqlite3.connect(":memory:")
        memory, days, live = Memory(), Days(db), {} if self.stand is None else {0: self.stand}
        shown: Any = Shown(Bounds(0, len(self.log)))
        plan = asyncio.run(
            make_plan(
                shown, self._read, selection, live=live, raw_events=KAFKA.topic(RAW_EVENTS.name), codec=Codec(),
                whole_log=False, days=lambda _: days,
            )
        ).partitions[0]  # fmt: skip
        for fact in plan.facts:
            learn(memory, fact)
        found, stand = list[bytes](), Stand(plan.start, plan.start)
        for until in (min(plan.start + ends_at, plan.until), plan.until):
            fold = Fold(
                0, stand, memory=memory, scratch=Kept(), codec=Codec(), selection=selection, refused=plan.refused,
                days=days,
            )  # fmt: skip
            for position in range(stand.needed, until):
                found += self._fed(fold, memory, position)
            stand = fold.stand
        db.close()
        return plan.start, found

    def _fed(self, fold: Fold, memory: Memory, position: int) -> list[bytes]:
        name, record = self.log[position]
        step, found = fold.feed(position, None, encode(name, record)), []
        for one in step.emit:
            closed = fold.close(one, position)
            memory.add_closing(closed.closing)
            found += [encode("ClosedSlice", closed.slice)] if closed.slice else []
        fold.done(position, step)
        return found


@settings(max_examples=100, deadline=None)
@given(
    story=stories,
    live=st.integers(0, 42),
    edges=st.sets(st.integers(0, 4), min_size=1),
    ends_at=st.integers(0, 40),
)
def test_days_that_tile_time_have_each_mail_once_and_whole(
    story: Entries, live: int, edges: set[int], ends_at: int
) -> None:
    """However far the workers are, and wherever each replay is killed: together they give what a replay of all gives."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), [*HEAD, *story], live)
        _, whole = world.replayed(Selection())
        tiles = pairwise([None, *(at(edge) for edge in sorted(edges)), None])
        parts = [
            world.replayed(Selection(first=first, last=last and last - timedelta(days=1)), ends_at)[1]
            for first, last in tiles
        ]
    assert sorted(one for part in parts for one in part) == sorted(whole)


def one_day(day: int) -> Selection:
    """A replay of this day."""
    return Selection(first=at(day), last=at(day))


@pytest.mark.parametrize("label", ["undated", "p0003"])
def test_the_first_record_decides_for_the_whole_slice(tmp_path: Path, label: str) -> None:
    """On both sides of midnight, open or with a supplement on the next day: one day has both mails, the other none."""
    for story in (
        [said(label, [1], 0, 23), said(label, [2], 1), mark(3)],
        [said(label, [1], 0, 23), mark(2), said(label, [2], 1), mark(3)],
    ):
        world = World(tmp_path, [*HEAD, *story], live=99)
        assert world.replayed(one_day(0))[1] == world.replayed(Selection())[1] != []
        assert world.replayed(one_day(1))[1] == []


def test_a_range_begins_at_its_first_slice_whatever_clocks_said(tmp_path: Path) -> None:
    """An event that claimed its day long before it came, and one of a collector whose clock was wrong."""
    late = [said("2026-03-03", [3], 1, conversation="d"), mark(2)]
    story = [said("undated", [1], 4, conversation="d"), mark(0), said("2026-03-06", [2], 4), mark(1), *late]
    world = World(tmp_path, [*HEAD, *story, mark(5)], live=99)
    assert [world.replayed(one_day(day))[0] for day in (4, 1, 0)] == [2, 6, 9]
    assert len(world.replayed(one_day(4))[1]) == 2


def test_an_index_that_is_not_proved_whole_is_not_used(tmp_path: Path) -> None:
    """Closings that were lost in part would begin too late, by other settings; also where nothing proves anything."""
    story = [said("p0000", [1], 0), mark(1), said("p0001", [2], 1), mark(2), said("p0000", [3], 1), mark(3)]
    world = World(tmp_path, [*HEAD, *story], live=99)
    whole = world.replayed(one_day(1))
    assert whole[0] == 4
    assert world.stand is not None
    stand = world.stand
    for doubtful in (None, Stand(*stand[:2]), Stand(*stand[:2], Bounds(0, 9))):
        world.stand = doubtful
        assert world.replayed(one_day(1)) == (0, whole[1])


def _found(log: list[bytes], selection: Selection) -> list[bytes]:
    """What a replay finds that has no letters."""
    db = sqlite3.connect(":memory:")
    memory, found = Memory(), list[bytes]()
    fold = Fold(
        0, Stand(0, 0), memory=memory, scratch=Kept(), codec=Codec(), selection=selection, refused=frozenset(),
        days=Days(db),
    )  # fmt: skip
    for position, value in enumerate(log):
        step = fold.feed(position, None, value)
        slices = [fold.close(one, position).slice for one in step.emit]
        found += [encode("ClosedSlice", one) for one in slices if one is not None]
        fold.done(position, step)
    db.close()
    return found


def test_a_record_that_is_found_broken_still_says_the_day() -> None:
    """A replay of other days never reads its events, so it can't know; else the rest of the slice would be on no day."""
    log = [encode(*entry) for entry in [*HEAD, said("undated", [1], 0), said("undated", [2], 1), mark(4)]]
    log[2] = log[2][:-5]
    whole = _found(log, Selection())
    assert len(whole) == 1
    assert [_found(log, one_day(day)) for day in (0, 1)] == [whole, []]
