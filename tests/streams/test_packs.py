"""Packs: they grow while nobody has taken them, end at a bound, and keep the order of every partition."""

from hypothesis import given
from hypothesis import strategies as st

from streams import packs as module
from streams.packs import PACK_BYTES, PACK_RECORDS, Packs, batches
from streams.stage import Record


def records(*offsets: int, topic: str = "t", partition: int = 0, size: int = 1) -> list[Record]:
    """Records at these positions, their values of so many bytes."""
    return [Record(topic, partition, offset, None, bytes(size)) for offset in offsets]


def test_a_pack_grows_until_it_is_taken() -> None:
    """One message while it waits, whatever comes; the next one is another."""
    packs = Packs()
    first = packs.add("t", records(0, 1), 7)

    assert first is not None
    assert packs.add("t", records(2), 7) is None
    assert packs.add("t", records(0, partition=1), 7) is None
    assert first.unpack() == records(0, 1, 2) + records(0, partition=1)
    second = packs.add("t", records(3), 7)
    assert second is not None
    assert (first.unpack(), second.unpack()) == ([], records(3))


def test_topics_have_packs_of_their_own() -> None:
    """An agent reads one topic."""
    packs = Packs()

    assert packs.add("t", records(0), 7) is not None
    assert packs.add("u", records(0, topic="u"), 7) is not None


def test_nothing_is_added_to_what_was_fetched_before() -> None:
    """Faust throws away what waits from before a rebalance, and so what would be added to it."""
    packs = Packs()
    packs.add("t", records(0), 7)

    assert packs.add("t", records(0), 8) is not None
    packs.forget()
    assert packs.add("t", records(0), 8) is not None


def test_a_pack_is_full_by_records_or_bytes_while_it_waits() -> None:
    """Of a full one's topic nothing is fetched; one that was taken makes room."""
    packs = Packs()
    many = packs.add("t", records(*range(PACK_RECORDS - 1)), 7)
    large = packs.add("u", records(0, size=PACK_BYTES - 1), 7)
    assert packs.full() == set()
    packs.add("t", records(PACK_RECORDS), 7)
    assert packs.full() == {"t"}
    packs.add("u", records(1), 7)
    assert packs.full() == {"t", "u"}
    assert many is not None
    many.unpack()
    assert packs.full() == {"u"}
    assert large is not None
    large.unpack()
    assert packs.full() == set()


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5), st.booleans())))
def test_whatever_is_taken_when_nothing_is_lost_or_moved(steps: list[tuple[int, int, bool]]) -> None:
    """An agent that takes packs in the order in which they were handed over has every record of a partition in its order."""
    packs, queue, taken, ends = Packs(), list[module.Pack](), list[Record](), [0, 0, 0]
    for partition, count, take in steps:
        offsets = range(ends[partition], ends[partition] + count)
        ends[partition] += count
        new = packs.add("t", records(*offsets, partition=partition), 7)
        queue += [] if new is None else [new]
        if take and queue:
            taken += queue.pop(0).unpack()
        assert len(queue) <= 1
    taken += [record for pack in queue for record in pack.unpack()]

    for partition, end in enumerate(ends):
        assert [one.offset for one in taken if one.partition == partition] == list(range(end))


def test_batches_are_no_larger_than_a_stage_wants() -> None:
    """And all of the pack."""
    assert list(batches(records(0, 1, 2), 2)) == [records(0, 1), records(2)]
    assert list(batches([], 2)) == []
