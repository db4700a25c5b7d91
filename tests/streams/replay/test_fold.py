"""The pure core of a replay: what is selected and folded, and that leaving out the rest changes nothing."""

import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.codec import Codec
from schemas.ids import conversation_key
from streams.accepting import CALENDAR_END_MS
from streams.defaults import default_settings
from streams.memory import Memory
from streams.positions import Stand
from streams.replay.days import Days
from streams.replay.fold import Fold
from streams.replay.heads import peek
from streams.replay.selection import Selection
from streams.scratch import Ref, Scratch
from tests.streams.logs import GRACE_MS, SLICES, STALL_MS, control, logs, raw
from tests.streams.oracle import Mail, oracle

Log = list[tuple[str, Any]]
START = Stand(0, 0)


class Kept(Scratch):
    """A scratch file in memory, so that thousands of examples open none."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self._kept: list[bytes] = []

    def append(self, data: bytes) -> Ref:
        self._kept.append(data)
        return Ref(0, len(self._kept) - 1, len(data))

    def read(self, ref: Ref) -> bytes:
        return self._kept[ref.offset]

    def free(self, ref: Ref) -> None:
        """Nothing to give back."""


def limits(uid: str) -> tuple[str, Any]:
    """A control record with the settings that the random logs are made for."""
    own = {**default_settings(uid, "webex"), "grace_ms": GRACE_MS, "stall_ms": STALL_MS}
    return "Control", {**control(uid, "settings", "", None), "settings": own}


def new_fold(
    selection: Selection, memory: Memory, refused: frozenset[int] = frozenset(), stand: Stand = START
) -> Fold:
    """A fold from the beginning, or from another stand."""
    days = Days(sqlite3.connect(":memory:"))
    return Fold(
        0,
        stand,
        memory=memory,
        scratch=Kept(),
        codec=Codec(),
        selection=selection,
        refused=refused,
        days=days,
    )


def fold_all(log: Log, selection: Selection, refused: frozenset[int] = frozenset()) -> list[Mail]:
    """What a replay makes of a log."""
    memory, found = Memory(), list[Mail]()
    fold = new_fold(selection, memory, refused)
    for position, (name, record) in enumerate(log):
        key = (
            conversation_key(record["connector_uid"], record["conversation"]) if name == "RawEvents" else None
        )
        step = fold.feed(position, key, codec.encode(name, record))
        for one in step.emit:
            closed = fold.close(one, position)
            memory.add_closing(closed.closing)
            part = closed.slice
            if part is not None:
                where = "|".join([part["connector_uid"], part["conversation"], part["slice"]])
                ids = tuple(event["id"] for event in part["events"])
                found.append((where, part["revision"], ids, part["mapping_version"]))
        fold.done(position, step)
    return found


def selected(mails: list[Mail], chosen: set[tuple[str, str]]) -> list[Mail]:
    """Those of these conversations."""
    return [mail for mail in mails if (mail[0].split("|")[0], mail[0].split("|")[1]) in chosen]


@settings(deadline=None)
@given(logs, st.sets(st.sampled_from("ab"), min_size=1), st.sets(st.sampled_from("cd"), min_size=1))
def test_folding_only_what_is_selected_gives_the_mails_of_the_oracle(
    log: Log, uids: set[str], names: set[str]
) -> None:
    """Leaving out the events of other slices changes nothing: only a slice's own events and control records close it."""
    log = [limits("a"), limits("b"), *log]
    wanted = selected(
        oracle(log, grace_ms=GRACE_MS, stall_ms=STALL_MS), {(u, n) for u in uids for n in names}
    )
    assert fold_all(log, Selection(connectors=frozenset(uids), conversations=frozenset(names))) == wanted


@settings(max_examples=200, deadline=None)
@given(logs, st.lists(st.booleans(), min_size=120, max_size=120))
def test_refused_positions_are_as_if_they_were_not_there(log: Log, letters: list[bool]) -> None:
    """A dead letter is a fact by position (semantics 24): its record takes no part; the settings of these logs have none."""
    log = [limits("a"), limits("b"), *log]
    refused = {position for position in range(2, len(log)) if letters[position - 2]}
    without = [entry for position, entry in enumerate(log) if position not in refused]
    wanted = oracle(without, grace_ms=GRACE_MS, stall_ms=STALL_MS)
    assert fold_all(log, Selection(), frozenset(refused)) == wanted


@settings(deadline=None)
@given(logs, st.integers(1, 40))
def test_going_on_from_what_was_kept_gives_the_rest(log: Log, at: int) -> None:
    """A second life from (needed, reached) emits what the first did not, and nothing twice (rules 17, 18)."""
    log = [limits("a"), limits("b"), *log]
    memory, emitted = Memory(), 0
    fold = new_fold(Selection(), memory)
    for position, (name, record) in enumerate(log[:at]):
        step = fold.feed(position, None, codec.encode(name, record))
        for one in step.emit:
            closed = fold.close(one, position)
            memory.add_closing(closed.closing)
            emitted += closed.slice is not None
        fold.done(position, step)
    stand, rest = fold.stand, 0
    again = new_fold(Selection(), memory, stand=stand)
    for position, (name, record) in enumerate(log[stand.needed :], stand.needed):
        step = again.feed(position, None, codec.encode(name, record))
        for one in step.emit:
            closed = again.close(one, position)
            memory.add_closing(closed.closing)
            rest += closed.slice is not None
        again.done(position, step)
    assert emitted + rest == len(oracle(log, grace_ms=GRACE_MS, stall_ms=STALL_MS))


@pytest.mark.parametrize("selection", [Selection(), Selection(first=date(1970, 1, 1))])
def test_a_record_whose_events_are_broken_takes_no_part(selection: Selection) -> None:
    """Its head can be read; a live worker refused it all the same, as soon as it came."""
    fold = new_fold(selection, Memory())
    good = codec.encode("RawEvents", raw(("a", "c", "s0"), [1], "live", 0, None))
    steps = [fold.feed(position, None, data) for position, data in enumerate([good[:-5], good])]
    assert [(step.refused, step.kept) for step in steps] == [(True, False), (False, True)]
    step = fold.feed(2, None, codec.encode("Control", control("a", "watermark", "live", 10**15)))
    closing = fold.close(step.emit[0], 2).closing
    assert (closing["first_position"], closing["count"]) == (1, 1)


@pytest.mark.parametrize("field", ["slice_end_ms", "captured_at_ms"])
def test_what_live_refuses_for_its_times_is_refused_without_its_letter(field: str) -> None:
    """A rebuild has no dead letters: the same bytes must be found again, or the slice would stay open for ever."""
    record = {**raw(("a", "c", "s0"), [1], "live", 10, None), field: CALENDAR_END_MS + 1}
    fold = new_fold(Selection(), Memory())
    step = fold.feed(0, None, codec.encode("RawEvents", record))
    assert (step.refused, step.kept, fold.waiting) == (True, False, 0)
    record[field] = CALENDAR_END_MS
    assert fold.feed(1, None, codec.encode("RawEvents", record)).kept


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), max_size=3), st.one_of(st.none(), st.integers(0, 60)))
def test_a_peek_is_the_record_without_what_can_wait(numbers: list[int], close: int | None) -> None:
    """All fields before the events are the same."""
    record = raw(SLICES[0], numbers, "live", 7, close)
    assert peek(Codec(), codec.encode("RawEvents", record)).value == {**record, "events": []}


def test_events_come_last() -> None:
    """What `peek` builds on: where the events stand in the schema."""
    assert codec.schema("RawEvents")["fields"][-1]["name"] == "events"


def test_keys_and_mailboxes_are_selected_without_reading() -> None:
    """A key that can't fit is left out, no key has to be looked at; addresses are compared as routing does."""
    selection = Selection(connectors=frozenset({"a"}), mailboxes=frozenset({"Ana@Bank.example"}))
    assert [selection.may_hold(key) for key in (b"a/x", b"b/x", None)] == [True, False, True]
    assert [selection.wants(box) for box in ("ana@bank.example", "ben@bank.example", None)] == [
        True,
        False,
        False,
    ]
    assert Selection(conversations=frozenset({"x/y"})).may_hold(b"a/x/y")
