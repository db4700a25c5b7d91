"""Labels of slices: made, read and filed in one place."""

from datetime import date
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import RawEvents
from schemas.slices import day_label, label_before, period_label, slice_day


def head(label: str, start_ms: int) -> RawEvents:
    """As much of a record as filing asks for."""
    return cast("RawEvents", {"slice": label, "slice_start_ms": start_ms})


@given(st.integers(0, 200_000))
def test_a_period_names_the_one_before_it(period: int) -> None:
    """The label that the producer gave to the period before, also where the number of digits changes."""
    assert label_before(period_label(period + 1)) == period_label(period)


@pytest.mark.parametrize("label", ["p0000", "2026-03-02", "undated", "7", "p", "p12x", "p٣", ""])
def test_what_has_no_slice_before_it(label: str) -> None:
    """The first period, days (a space may be silent for weeks) and whatever we never stamp."""
    assert label_before(label) is None


@given(st.dates(), st.integers())
def test_a_day_is_filed_under_itself(day: date, start_ms: int) -> None:
    """Whatever the bounds of its slice are."""
    assert slice_day(head(day_label(day), start_ms)) == day


def test_labels_sort_as_text() -> None:
    """A person who sorts by name reads a long chat in its order, for 27 years."""
    labels = [period_label(period) for period in (0, 1, 9, 10, 99, 100, 9999)]
    assert labels == sorted(labels)
    assert labels[0] == "p0000"
