"""What all stages share: which records of a batch are new, and how `each` refuses, confirms and moves."""

import asyncio
from pathlib import Path

import pytest

from schemas.topics import DEAD_LETTERS, MAX_RECORD_BYTES
from streams.outbox import Outbox
from streams.positions import Positions, Stand
from streams.refusals import DependencyError, RejectedError
from streams.stage import LogGapError, Record, each, fresh
from tests.streams.doubles import Bench

TP = ("t-conversations", 0)


def records(
    *offsets: int, topic: str = "t-conversations", partition: int = 0, value: bytes = b"v"
) -> list[Record]:
    """Records at these positions."""
    return [Record(topic, partition, offset, b"k", value) for offset in offsets]


def started(needed: int = 0) -> Positions:
    """Positions that own one partition."""
    positions = Positions()
    positions.start(TP, Stand(needed, needed))
    return positions


def test_what_was_seen_and_what_is_not_ours_is_left_out() -> None:
    """A seek brings records again; a rebalance brings records of others."""
    batch = records(3, 4, 5, 4, 5, 6) + records(9, partition=7)

    assert [record.offset for record in fresh(batch, started(5))] == [5, 6]


def test_a_gap_stops_the_worker() -> None:
    """Going on would commit over what was never processed."""
    with pytest.raises(LogGapError, match="expected position 5, got 6"):
        list(fresh(records(4, 6), started(4)))


def test_partitions_are_counted_apart() -> None:
    """A batch mixes partitions; each is contiguous for itself."""
    positions = started(1)
    positions.start(("t-conversations", 1), Stand(8, 8))
    batch = [records(1)[0], *records(8, 9, partition=1), records(2)[0]]

    assert list(fresh(batch, positions)) == batch


def test_each_moves_only_after_everything_is_confirmed(tmp_path: Path) -> None:
    """While a confirmation is outstanding nothing may be committed."""
    bench = Bench(tmp_path)
    bench.positions.start(TP, Stand(0, 0))
    seen = []

    async def effect(record: Record, outbox: Outbox) -> None:
        await outbox.send(DEAD_LETTERS, b"x", key=None, partition=0)
        seen.append(bench.positions.stand(TP))

    asyncio.run(each("archive", bench.tools, records(0, 1), effect))
    assert seen == [Stand(0, 0)] * 2
    assert bench.positions.stand(TP) == Stand(2, 2)
    bench.log.broken = ConnectionError("gone")
    with pytest.raises(ConnectionError):
        asyncio.run(each("archive", bench.tools, records(2), effect))
    assert bench.positions.stand(TP) == Stand(2, 2)


@pytest.mark.parametrize(
    "error", [RejectedError("no"), KeyError("k"), TypeError("t"), OverflowError("o"), IndexError("i")]
)
def test_what_bytes_do_is_refused_and_the_rest_goes_on(tmp_path: Path, error: Exception) -> None:
    """A refusal in the middle of a batch costs that record alone, and its bytes are kept with reason and origin."""
    bench = Bench(tmp_path)
    bench.positions.start(TP, Stand(0, 0))
    done = []

    async def effect(record: Record, outbox: Outbox) -> None:
        if record.offset == 1:
            raise error
        done.append(record.offset)

    asyncio.run(each("archive", bench.tools, records(0, 1, 2), effect))
    (letter,) = bench.letters()
    assert done == [0, 2]
    assert (letter["value"], letter["key"], letter["origin"], letter["error"]) == (
        b"v",
        b"k",
        "t-conversations/0/1",
        type(error).__name__,
    )
    assert bench.positions.stand(TP) == Stand(3, 3)


@pytest.mark.parametrize("error", [RuntimeError("r"), OSError("o"), DependencyError("d")])
def test_what_a_dependency_does_ends_the_worker(tmp_path: Path, error: Exception) -> None:
    """Nothing is refused, nothing moves."""
    bench = Bench(tmp_path)
    bench.positions.start(TP, Stand(0, 0))

    async def effect(record: Record, outbox: Outbox) -> None:
        raise error

    with pytest.raises(type(error)):
        asyncio.run(each("archive", bench.tools, records(0), effect))
    assert bench.letters() == []
    assert bench.positions.stand(TP) == Stand(0, 0)


def test_a_value_error_of_kafka_is_no_record_s_fault(tmp_path: Path) -> None:
    """A client library that raises ValueError while sending must not fill the dead letters."""
    bench = Bench(tmp_path)
    bench.positions.start(TP, Stand(0, 0))
    bench.log.broken = ValueError("a client's own")

    async def effect(record: Record, outbox: Outbox) -> None:
        await outbox.send(DEAD_LETTERS, b"x", key=None, partition=0)
        await outbox.confirm()

    with pytest.raises(DependencyError, match="a client's own"):
        asyncio.run(each("archive", bench.tools, records(0), effect))


def test_a_batch_that_outlives_its_partition_does_not_bring_it_back(tmp_path: Path) -> None:
    """Otherwise the next assignment would keep a state that another worker has left behind."""
    bench = Bench(tmp_path)
    bench.positions.start(TP, Stand(0, 0))

    async def effect(record: Record, outbox: Outbox) -> None:
        bench.positions.forget(TP)

    asyncio.run(each("archive", bench.tools, records(0, 1), effect))
    assert bench.positions.next_at == {}


@pytest.mark.parametrize("size", [0, MAX_RECORD_BYTES // 2 - 1, MAX_RECORD_BYTES // 2 + 1, MAX_RECORD_BYTES])
def test_letters_of_every_size_keep_the_bytes(tmp_path: Path, size: int) -> None:
    """What does not fit beside its reason goes by claim check; a reason of any length and text does no harm."""
    bench = Bench(tmp_path)
    value = bytes(size)

    async def refuse() -> None:
        outbox = bench.outbox()
        await bench.tools.refuse(
            "archive", records(0, value=value)[0], ValueError("\ud800" + "x" * 2_000_000), outbox
        )
        await outbox.confirm()

    asyncio.run(refuse())
    (letter,) = bench.letters()
    kept = (
        asyncio.run(bench.tools.contents.get(letter["value_ref"])) if letter["value_ref"] else letter["value"]
    )
    assert kept == value
