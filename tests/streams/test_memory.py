"""What a worker remembers, asked as of a position."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import slice_key
from schemas.records import Closing, Person, Settings, person
from streams.defaults import default_settings
from streams.memory import Memory

KEY = slice_key("a", "c", "s")


def closing(position: int, *numbers: int, partition: int = 0, people: list[Person] | None = None) -> Closing:
    """A closing that took these events."""
    ids = [bytes([number]) * 16 for number in numbers]
    return {
        "group": "live", "connector_uid": "a", "conversation": "c", "slice": "s", "partition": partition,
        "first_position": 0, "position": position, "revision": 0, "closing_id": b"n" * 16 if ids else None,
        "count": len(ids), "ids": b"".join(ids), "people": people or [], "overflow": None, "slice_start_ms": 0,
    }  # fmt: skip


def named(name: str) -> Settings:
    """Settings that can be told apart."""
    return {**default_settings("a", "webex"), "name": name}


@given(st.dictionaries(st.integers(0, 20), st.sets(st.integers(0, 9)), max_size=6), st.integers(0, 21))
def test_closings_at_or_beyond_a_position_are_invisible(history: dict[int, set[int]], position: int) -> None:
    """What a kill left behind beyond `reached` must not swallow events that are emitted again."""
    memory = Memory()
    for at, numbers in history.items():
        memory.add_closing(closing(at, *numbers))

    want = {bytes([n]) * 16 for at, numbers in history.items() if at < position for n in numbers}
    assert memory.taken(0, KEY, position) == want
    assert [past.position for past in memory.closings(0, KEY)] == sorted(history)


@given(st.lists(st.integers(0, 20)), st.integers(0, 21))
def test_settings_hold_from_behind_their_position(positions: list[int], before: int) -> None:
    """In any order of arrival, with repeats: the last below a position is in force there."""
    memory = Memory()
    for at in positions:
        memory.add_settings(
            {
                "group": "live",
                "connector_uid": "a",
                "partition": 0,
                "position": at,
                "settings": named(str(at)),
            }
        )

    found = memory.settings(0, "a", before)
    assert (found["name"] if found else None) == max(
        (str(at) for at in positions if at < before), key=int, default=None
    )
    assert memory.settings(1, "a", before) is None
    assert memory.settings(0, "b", before) is None


def test_people_are_those_of_the_last_closing_before() -> None:
    """A closing knows everybody up to and with itself."""
    memory = Memory()
    ana, ben = person("1", "Ana"), person("2", "Ben 😀")
    memory.add_closing(closing(3, 1, people=[ana]))
    memory.add_closing(closing(7, 2, people=[ana, ben]))

    assert memory.people(0, KEY, 3) == []
    assert memory.people(0, KEY, 4) == [ana]
    assert memory.people(0, KEY, 8) == [ana, ben]


def test_a_partition_that_goes_takes_only_its_own_along() -> None:
    """Closings and settings of the other partitions stay."""
    memory = Memory()
    for partition in (0, 1):
        memory.add_closing(closing(3, 1, partition=partition))
        memory.add_settings(
            {
                "group": "live",
                "connector_uid": "a",
                "partition": partition,
                "position": 1,
                "settings": named("x"),
            }
        )
    memory.forget(0)

    assert memory.closings(0, KEY) == []
    assert memory.settings(0, "a", 9) is None
    assert len(memory.closings(1, KEY)) == 1
    assert memory.settings(1, "a", 9) is not None


def test_a_repeat_replaces_itself() -> None:
    """A closing that was written twice is one."""
    memory = Memory()
    memory.add_closing(closing(3, 1))
    memory.add_closing(closing(3, 1))

    assert len(memory.closings(0, KEY)) == 1


def test_its_file_lies_where_it_was_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Closings grow for years: they fill the configured disk, and no file stays when the process is killed."""
    memory = Memory(tmp_path / "state")
    for position in range(20_000):
        memory.add_closing(closing(position, 1, 2))

    assert len(memory.closings(0, KEY)) == 20_000
    assert list((tmp_path / "state").iterdir()) == []
