"""The first stage's shell: what is refused, what ends the worker, and partitions that go away."""

import asyncio
import itertools
from pathlib import Path

import pytest

from schemas.commits import Bounds
from schemas.topics import CLOSINGS, RAW_EVENTS
from streams import scratch
from streams.positions import Stand
from streams.refusals import DependencyError, RefusalLimit, TooManyRefusalsError
from tests.streams.assemble_rig import MARK, SETTINGS, emitted, said, with_settings
from tests.streams.doubles import Bench, CountedCodec, Log
from tests.streams.logs import raw

pytestmark = pytest.mark.usefixtures("breath")


def test_an_error_while_a_slice_closes_is_no_refusal(tmp_path: Path) -> None:
    """A refused watermark would leave slices open that are already archived, and double them with what comes later."""
    log = Log()
    bench = Bench(tmp_path, log)
    for name, record in [said(1), MARK]:
        bench.add(name, record)
    log.broken = ValueError("a client's own")
    with pytest.raises(DependencyError):
        bench.flow()
    assert bench.stand(bench.assemble) == Stand(0, 1, Bounds(0, 0))

    again = Bench(tmp_path, log)
    for name, record in [said(2), MARK]:
        again.add(name, record)
    again.flow()
    assert again.letters() == []
    assert [len(ids) for _, _, ids, _ in emitted(again)] == [1, 1]


def test_closings_that_cannot_be_read_end_the_worker(tmp_path: Path) -> None:
    """Without its memory a worker would archive everything twice; the records themselves are not at fault."""
    log = Log()
    bench = Bench(tmp_path, log)
    log.add(CLOSINGS, b"no Avro", key=b"live|webex-main|room|2026-03-02|00000000000000000007")
    bench.add(*said(1))
    with pytest.raises(DependencyError, match=r"closings/0, position 0: .*Lost closings in docs/backup.md"):
        bench.flow()
    assert bench.letters() == []


def test_what_is_none_of_ours_in_closings_stops_nobody(tmp_path: Path) -> None:
    """Under a key that no closing has, it can't have replaced one: somebody used the wrong topic."""
    log = Log()
    bench = Bench(tmp_path, log)
    log.add(CLOSINGS, b"no Avro", key=b"order 66")
    bench.add(*said(1))
    bench.add(*MARK)
    bench.flow()
    assert len(emitted(bench)) == 1


def test_refusals_below_reached_are_neither_repeated_nor_counted(tmp_path: Path) -> None:
    """After a kill the log is read again from what is needed: bad records there must not stop every restart."""
    log = Log()
    bench = Bench(tmp_path, log)
    for name, record in with_settings([said(1)]):
        bench.add(name, record)
    for _ in range(9):
        log.add(RAW_EVENTS, b"garbage")
    bench.flow()
    assert len(bench.letters()) == 9

    again = Bench(tmp_path, log)
    again.tools.limit = RefusalLimit(window=5)
    again.add(*MARK)
    again.own(again.assemble, 0, Stand(2, 12))
    again.flow()
    assert len(again.letters()) == 9
    assert len(emitted(again)) == 1


def test_too_many_refusals_stop_the_worker(tmp_path: Path) -> None:
    """A bad deploy must not send everything to the dead letters."""
    bench = Bench(tmp_path)
    bench.tools.limit = RefusalLimit(window=4)
    for _ in range(9):
        bench.log.add(RAW_EVENTS, b"garbage")
    with pytest.raises(TooManyRefusalsError, match="refusal_window"):
        bench.flow()
    assert len(bench.letters()) < 9


@pytest.mark.parametrize("back", [False, True])
def test_a_partition_that_goes_away_in_a_batch_is_left_alone(tmp_path: Path, back: bool) -> None:
    """Whoever has it now reads from what was committed; nothing of the old batch may move the new state."""
    count = itertools.count()

    def before(_: bytes) -> None:
        if next(count) == 2:  # the first is what was known before
            bench.lose(bench.assemble)
            if back:
                bench.own(bench.assemble)

    bench = Bench(tmp_path, codec=CountedCodec(before))
    for name, record in [said(1), said(2), said(3)]:
        bench.add(name, record)
    bench.own(bench.assemble)
    asyncio.run(bench.assemble.handle(bench.waiting(bench.assemble)))

    if not back:
        assert bench.positions.next_at == {}
        assert bench.assemble.assemblies == {}
        return
    bench.add(*MARK)
    asyncio.run(bench.work(bench.assemble))
    assert [len(ids) for _, _, ids, _ in emitted(bench)] == [3]


def test_a_partition_that_comes_back_at_the_record_in_hand_gets_that_record(tmp_path: Path) -> None:
    """What was begun for the former ownership must not count for the new one, whose slices have never seen it."""
    count = itertools.count()

    def before(_: bytes) -> None:
        if next(count) == 1:
            bench.lose(bench.assemble)
            bench.own(bench.assemble, 0, Stand(1, 1))

    bench = Bench(tmp_path, codec=CountedCodec(before))
    known = {"group": "live", "connector_uid": "a", "partition": 0, "position": 0, "settings": SETTINGS["a"]}
    bench.add_to(CLOSINGS, "SettingsInForce", known)
    for name, record in [said(1), said(2), said(3), MARK]:
        bench.add(name, record)
    bench.own(bench.assemble)
    asyncio.run(bench.assemble.handle(bench.waiting(bench.assemble)))
    asyncio.run(bench.work(bench.assemble))

    assert [len(ids) for _, _, ids, _ in emitted(bench)] == [2]


def test_a_partition_that_goes_away_while_it_emits_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes of its open slices were given back with it: no error, and the next owner emits all of them."""
    monkeypatch.setattr(scratch, "FILE_BYTES", 500)
    log = Log()
    bench = Bench(tmp_path, log)
    for number in range(250):
        bench.add("RawEvents", raw(("a", f"c{number}", "s0"), [1], "live", captured=10, close_at=None))
    bench.add(*MARK)
    bench.own(bench.assemble)

    async def lose() -> None:
        life = asyncio.create_task(bench.work(bench.assemble))
        while not life.done():
            await asyncio.sleep(0)
            if bench.slices():
                break
        bench.lose(bench.assemble)
        await life

    asyncio.run(lose())
    assert 0 < len(bench.slices()) <= 100
    assert bench.scratch.live_bytes == 0
    again = Bench(tmp_path, log)
    again.own(again.assemble)
    asyncio.run(again.work(again.assemble))
    assert len({one["closing_id"] for one in again.slices()}) == 250
