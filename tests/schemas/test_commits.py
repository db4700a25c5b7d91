"""What stands in the metadata of a commit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.commits import Bounds, Note, reached, read, written

offsets = st.integers(0, 2**63 - 1)


@given(offsets, st.one_of(st.none(), st.builds(Bounds, offsets, offsets)))
def test_what_is_written_is_read(position: int, closings: Bounds | None) -> None:
    """Any position, with and without what is known of topic closings."""
    assert read(written(Note(position, closings))) == Note(position, closings)


def test_what_was_ever_written_is_read() -> None:
    """Positions alone are older than what is said of closings; both stay readable for ever."""
    assert read("17") == Note(17)
    assert read("17 closings 0..4") == Note(17, Bounds(0, 4))


@pytest.mark.parametrize(
    "metadata", [None, "", "by hand", "-1", "17 ", "\u0661", "17 closings 0..", "1" * 20]
)
def test_what_another_tool_wrote_is_not_ours(metadata: str | None) -> None:
    """It says nothing of what was reached: the offset has to do."""
    assert read(metadata) is None
    assert reached(5, metadata) == 5
    assert reached(-1, metadata) == 0


def test_reached_is_never_below_what_is_needed() -> None:
    """Everything below the offset is done in any case."""
    assert [reached(5, "9"), reached(5, "3"), reached(5, "9 closings 0..1")] == [9, 5, 9]
