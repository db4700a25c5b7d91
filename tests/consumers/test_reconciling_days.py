"""What the status says of reconciled days: which were compared, and which were not and why."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.words.status import connectors_table, reconciled_lines
from consumers.reconciling.spans import KINDS, MOST_SPANS, Kind, added, counters_of, days_of, spans
from consumers.reconciling.telling import Result, Told, days_passed_over, due_days, to_status, told
from consumers.status import ConnectorView, unwell, views
from schemas.status import ConnectorStatus, encode_status
from tests.consumers.test_reconciling import end_ms
from tests.schemas.test_status import VALIDATOR

CONNECTOR = ("lp", "LivePerson", "liveperson")
FIRST = date(2026, 3, 2)


def day(number: int) -> date:
    """The first day is 0."""
    return FIRST + timedelta(days=number)


def result(number: int, **changes: Any) -> Result:
    """Of a whole day."""
    return Result(day(number), end_ms(day(number)), **changes)


def after(results: list[Result]) -> ConnectorStatus:
    """The record after these, one by one."""
    before = Told(None, {})
    for one in results:
        status = to_status(CONNECTOR, before, one, 5)
        VALIDATOR.validate(json.loads(encode_status(status)))
        before = told([status], "lp")
    return status


def view(results: list[Result]) -> ConnectorView:
    """What status shows after these."""
    (found,) = views([after(results)])
    return found


def test_a_row_of_days_is_told_with_its_first_and_last() -> None:
    """All compared and nothing to say of any: the range, and no line below the tables."""
    found = view([result(0), result(1), result(2)])
    assert connectors_table([found]).rows[0][-1] == "2026-03-02 to 2026-03-04"
    assert list(reconciled_lines([found])) == []
    assert connectors_table([ConnectorView("lp")]).rows[0][-1] == "-"


@pytest.mark.parametrize(
    ("middle", "words"),
    [
        ({"kind": "not_verifiable"}, "not verifiable, because the source shows them no more: 2026-03-03"),
        ({"kind": "in_part"}, "collected in part, and so compared: 2026-03-03"),
        ({"kind": "not_covered"}, "collected by no lane: 2026-03-03"),
        ({"kind": None}, "open or not collected yet, so looked at again: 2026-03-03"),
        ({"differences": 4}, "different: 2026-03-03 (4)"),
        ({"pending": 2}, "open or not collected yet, so looked at again: 2026-03-03"),
        ({"passed_over": 1}, "passed over: 2026-03-03"),
    ],
)
def test_a_day_that_was_not_compared_and_equal_is_named(middle: dict[str, Any], words: str) -> None:
    """Status does not claim it: the range is said not to be all, and a line says what is so of which day."""
    found = view([result(0), result(1, **middle), result(2)])
    assert connectors_table([found]).rows[0][-1].endswith("2026-03-04, not all")
    (line,) = reconciled_lines([found])
    assert line.startswith("reconciled lp: compared 2026-03-02")
    assert words in line
    assert found.reconciled_up_to_ms == end_ms(day(2))


def test_a_day_that_was_compared_later_is_in_the_gap_no_more() -> None:
    """By hand, after it was passed over; and what was compared once stays so when the source shows it no more."""
    skipped = [result(0), result(9, passed_over=9), result(10)]
    assert view(skipped).reconciled["passed_over"] == ["2026-03-03 to 2026-03-11"]
    mended = view([*skipped, result(4), result(4, kind="not_verifiable")])
    assert mended.reconciled["passed_over"] == ["2026-03-03 to 2026-03-05", "2026-03-07 to 2026-03-11"]
    assert mended.reconciled["compared"] == ["2026-03-02", "2026-03-06", "2026-03-12"]
    assert mended.reconciled["not_verifiable"] == []


def test_a_day_that_is_not_over_is_not_called_compared() -> None:
    """What somebody asked for in the middle of the day says nothing of its rest."""
    half = Result(day(1), end_ms(day(0)) + 1_000)
    assert view([result(0), half]).reconciled["compared"] == ["2026-03-02"]


def test_a_day_that_nobody_collects_is_passed_by() -> None:
    """It is not due again; open slices of it are nobody's, but differences that were found there stay told."""
    left = after(
        [
            result(0, pending=3),
            result(1, differences=2),
            result(0, kind="not_covered"),
            result(1, kind="not_covered"),
        ]
    )
    before = told([left], "lp")
    assert (before.open, before.up_to_ms) == ({"2026-03-03": 2}, end_ms(day(1)))
    gone = told([after([result(0), result(1, kind="not_covered")])], "lp")
    assert due_days(gone, day(2), day(1)) == [day(2)]
    assert days_passed_over(day(2), day(1)) == []
    (shown,) = views([after([result(0), result(1, kind="not_covered")])])
    assert unwell([shown], now_ms=0, silent_ms={"lp": 1}, stopped_ms=1) == [
        "lp: has never reported; is `chatledger collect lp` running?"
    ]


days = st.sets(st.integers(0, 90).map(day), max_size=40)


@given(st.fixed_dictionaries(dict.fromkeys(KINDS, days)), st.sampled_from(KINDS), days)
def test_days_come_back_from_their_counters(some: dict[str, set[date]], kind: Kind, more: set[date]) -> None:
    """Every kind apart; what is added is in one kind alone, but for what was compared before."""
    known = {one: frozenset(some[one]) for one in KINDS}
    assert days_of(counters_of(known)) == known
    found = added(known, kind, more)
    fresh = more if kind == "compared" else more - known["compared"]
    assert all([each for each in KINDS if one in found[each]] == [kind] for one in fresh)
    assert found["compared"] >= known["compared"]


def test_a_record_stays_small() -> None:
    """However often it changes: the newest spans of a kind are kept."""
    every_other = frozenset(day(2 * number) for number in range(MOST_SPANS + 9))
    found = days_of(counters_of({"compared": every_other}))["compared"]
    assert (len(found), max(found)) == (MOST_SPANS, max(every_other))
    assert spans([]) == []
