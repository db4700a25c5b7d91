"""When a row's events were, and into which slice they fall."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.liveperson.drafts import started_ms
from producers.liveperson.events import Capture, event_of, slice_at
from tests.producers.liveperson_rig import DAY_MS, START_MS, record, row_of, said
from tests.producers.liveperson_told import DANA_JOINS, at, events, news


def test_a_day_is_twenty_four_hours_since_the_beginning() -> None:
    """Slices are whole periods since the start, whatever the date."""
    late = events(
        record(said(1, "a", minute=24 * 60 - 1), said(2, "b", minute=24 * 60)), capture=at(2 * DAY_MS)
    )
    placed = [
        each.slice.label
        for each in news(
            record(said(1, "a", minute=1439.9), said(2, "b", minute=1440)), capture=at(2 * DAY_MS)
        )
    ]
    assert placed == ["p0000", "p0000", "p0001"]
    assert len(late) == 3
    assert slice_at("c", 10, 10 + DAY_MS).start_ms == 10 + DAY_MS
    assert slice_at("c", 10, 3).label == "p0000"


@pytest.mark.parametrize(
    ("moment", "label"), [(1, "p0000"), (START_MS + 5 * DAY_MS, "p0005"), (10**17, "p2912380")]
)
def test_an_unbelievable_time_is_marked_and_its_slice_is_the_same_whenever_it_is_captured(
    moment: int, label: str
) -> None:
    """Far past and far future are kept as told and marked; their slice can be closed soon after any capture."""
    for day in (1, 2, 3):
        capture = at(day * DAY_MS + 1)
        made = news(record(said(1, "x", timeL=moment), agentParticipants=[DANA_JOINS]), capture=capture)
        (found,) = [each for each in made if each.draft.kind == "message"]
        assert found.suspect
        assert found.slice.label == label
        assert found.slice.end_ms <= capture.captured_ms + capture.tolerance_ms + 25 * 3_600_000
        assert event_of(found, [], {}, [])["at_ms"] == min(moment, 253_402_300_799_999)


@given(
    st.integers(0, 2**43), st.lists(st.integers(START_MS, START_MS + 400 * DAY_MS), min_size=2, max_size=4)
)
def test_the_slice_of_a_message_does_not_depend_on_its_capture(moment: int, captures: list[int]) -> None:
    """Whatever its own time and the conversation's beginning say; believed ones keep their natural bounds."""
    for begin in (START_MS, 2**42):
        shown = record(said(1, "x", timeL=moment), info={"startTimeL": begin})
        made = [news(shown, capture=Capture("lp", now, 396 * DAY_MS, 300_000)) for now in captures]
        labels = [{each.id: each.slice.label for each in found} for found in made]
        assert all(each == labels[0] for each in labels)
        for found, now in zip(made, captures, strict=True):
            assert all(each.slice.end_ms <= now + 300_000 + 25 * 3_600_000 for each in found)


def test_a_conversation_begins_when_the_row_says_whenever_it_is_read() -> None:
    """Without a believable beginning the earliest sign of life counts, then the end, then nothing."""
    assert started_ms(row_of(record(said(1, "x")))) == START_MS
    assert started_ms(row_of(record(said(1, "x"), info={"startTimeL": 10**13}))) == START_MS + 1
    assert started_ms(row_of(record(info={"startTimeL": 10**13}))) == 10**13
    nothing = record(info={"startTimeL": None})
    assert started_ms(row_of(nothing)) == 0
    assert news(nothing, capture=at(0))[0].id == news(nothing, capture=at(DAY_MS))[0].id


def test_a_message_without_time_stands_where_it_stood() -> None:
    """Its neighbour's time, marked as suspect."""
    shown = record(
        said(1, "a", minute=2), {"messageId": "m", "messageData": {"msg": {"text": "b"}}, "time": "undefined"}
    )
    event = next(each for each in events(shown) if each["source_key"] == "m")
    assert event["at_ms"] == START_MS + 120_001
    assert event["at_suspect"]
