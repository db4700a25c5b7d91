"""The first stage's shell: what is durable when, what is refused, and what survives kills, commits and rebalances."""

import asyncio
import itertools
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import Codec, encode
from schemas.commits import Bounds
from schemas.ids import with_version
from schemas.records import person
from schemas.topics import CLOSINGS, CONVERSATIONS, RAW_EVENTS
from streams import assemble, scratch
from streams.defaults import default_settings
from streams.positions import Stand
from streams.readback import Seen
from streams.refusals import DependencyError, RefusalLimit, TooManyRefusalsError
from tests.schemas.registries import MemoryRegistry
from tests.streams.doubles import KAFKA, Bench, CountedCodec, Log
from tests.streams.logs import GRACE_MS, STALL_MS, activation, control, logs, raw
from tests.streams.oracle import Mail, oracle

WHERE = ("a", "c", "s0")
SETTINGS = {
    uid: with_version({**default_settings(uid, "webex"), "grace_ms": GRACE_MS, "stall_ms": STALL_MS})
    for uid in "ab"
}
TP = (KAFKA.topic(RAW_EVENTS.name), 0)


@pytest.fixture(autouse=True)
def breath(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may have their turn after every record."""
    monkeypatch.setattr(assemble, "BREATH_BYTES", 1)


def with_settings(log: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The log with both connectors' settings at its beginning."""
    lead = [
        ("Control", {**control(uid, "settings", "live", None), "settings": SETTINGS[uid]}) for uid in "ab"
    ]
    return [*lead, *log]


def said(*numbers: int, captured: int = 10) -> tuple[str, Any]:
    """A record of raw-events."""
    return "RawEvents", raw(WHERE, list(numbers), "live", captured=captured, close_at=None)


MARK = ("Control", control("a", "watermark", "live", 20))


def emitted(bench: Bench) -> list[Mail]:
    """Closed slices as the oracle names them."""
    return [
        ("|".join([one["connector_uid"], one["conversation"], one["slice"]]), one["revision"],
         tuple(event["id"] for event in one["events"]), one["mapping_version"])
        for one in bench.slices()
    ]  # fmt: skip


async def one_life(bench: Bench, stored: Stand, steps: int, chance: random.Random) -> Stand:
    """Work from what is committed until the end, or until killed after so many steps; commits come at any await."""
    bench.own(bench.assemble, 0, stored)
    life = asyncio.create_task(bench.work(bench.assemble))
    for _ in range(steps):
        await asyncio.sleep(0)
        if chance.random() < 0.1:
            stored = bench.positions.to_commit([TP]).get(TP, stored)
            bench.positions.confirm({TP: stored})
        if chance.random() < 0.03:  # a rebalance gives the partition back, with what was committed last
            bench.positions.revoke([TP])
            if not bench.positions.keeps(TP, stored):
                bench.own(bench.assemble, 0, stored)
            bench.positions.settled(bench.positions.revocations())
        if life.done():
            life.result()
            life = asyncio.create_task(bench.work(bench.assemble))
    life.cancel()
    await asyncio.gather(life, return_exceptions=True)
    bench.scratch.close()
    return stored


@settings(max_examples=250, deadline=None)
@given(log=logs, seed=st.integers(0, 2**32), lives=st.lists(st.integers(0, 300), max_size=4))
def test_kills_commits_and_rebalances_at_any_await(
    log: list[tuple[str, Any]], seed: int, lives: list[int]
) -> None:
    """Whatever happens between two awaits of the shell: the mails of the oracle, repeated only as identical repeats."""
    log, kafka, stored, chance = with_settings(log), Log(), Stand(0, 0), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(assemble, "BREATH_BYTES", chance.choice([1, 1, 300, 100_000]))
        first = Bench(Path(folder), kafka)
        for name, record in log:
            first.add(name, record)
        for steps in lives:
            stored = asyncio.run(one_life(Bench(Path(folder), kafka), stored, steps, chance))
        last = Bench(Path(folder), kafka)
        last.own(last.assemble, 0, stored)
        asyncio.run(last.work(last.assemble))
        last.scratch.close()

        want = oracle(log, grace_ms=GRACE_MS, stall_ms=STALL_MS)
        assert set(emitted(last)) == set(want)
        assert not last.letters()
        names = {one["closing_id"]: mail for one, mail in zip(last.slices(), emitted(last), strict=True)}
        assert len(names) == len(set(want))


def test_with_a_registry_slices_close_as_without(tmp_path: Path) -> None:
    """What is kept for an open slice is read in the framing in which it was written, claim checks included."""
    registry = MemoryRegistry()
    bench = Bench(tmp_path, codec=Codec(registry))
    record = raw(WHERE, [1], "live", captured=10, close_at=None)
    record["events"][0]["text"] = "long " * 300_000
    bench.add("RawEvents", record)
    bench.add(*MARK)
    bench.flow()

    assert [one["event_count"] for one in bench.deliveries()] == [1]
    assert bench.letters() == []
    assert any(b"bG9uZyBsb25n" in data or b"long long" in data for data in bench.archived().values())


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


def test_closing_and_slice_are_confirmed_before_anything_moves(tmp_path: Path) -> None:
    """Every commit that could be taken while a slice closes still needs its head."""
    log = Log()
    bench = Bench(tmp_path, log)
    for name, record in [said(1), MARK]:
        bench.add(name, record)
    bench.own(bench.assemble)
    stands = set()

    async def watch() -> None:
        life = asyncio.create_task(bench.work(bench.assemble))
        while not life.done():
            stand = bench.stand(bench.assemble)
            if stand.reached == 2:
                assert len(log.values(CLOSINGS)) == len(log.values(CONVERSATIONS)) == 1
            stands.add(stand)
            await asyncio.sleep(0)

    asyncio.run(watch())
    assert {stand[:2] for stand in stands} == {(0, 0), (0, 1), (2, 2)}


def test_what_a_commit_says_stays_while_the_memory_is_restored(tmp_path: Path) -> None:
    """Committing less than was reached would compute closings again whose head is not read any more."""
    bench = Bench(tmp_path)
    bench.own(bench.assemble, 0, Stand(3, 9))

    assert bench.stand(bench.assemble) == Stand(3, 9)
    assert bench.positions.to_commit([TP]) == {}


def test_taking_over_reads_nothing(tmp_path: Path) -> None:
    """Faust cancels a seek that takes long and then waits for ever, so years of closings are read with the first record."""
    log = Log()
    bench = Bench(tmp_path, log)
    for name, record in [said(1, 2), MARK]:
        bench.add(name, record)
    bench.flow()
    reads = []
    again = Bench(tmp_path, log)

    async def closings(partition: int, seen: Seen) -> Any:
        reads.append(partition)
        async for value in log.read(CLOSINGS, partition, seen):
            yield value

    again.assemble._closings = closings
    again.own(again.assemble, 0, Stand(2, 2))
    assert reads == []
    for name, record in [said(1, 2, 3), MARK]:
        again.add(name, record)
    asyncio.run(again.work(again.assemble))
    assert reads == [0]
    assert [(revision, len(ids)) for _, revision, ids, _ in emitted(again)] == [(0, 2), (1, 1)]


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


def test_settings_hold_from_their_position_on_also_after_a_restart(tmp_path: Path) -> None:
    """They are kept with the closings and read as of a position: a recovery that starts behind them knows them."""
    log = Log()
    bench = Bench(tmp_path, log)
    for name, record in with_settings([said(1), MARK]):
        bench.add(name, record)
    bench.flow()
    changed = with_version({**SETTINGS["a"], "name": "renamed"})
    bench.add("Control", {**control("a", "settings", "live", None), "settings": changed})
    bench.flow()

    again = Bench(tmp_path, log)
    for name, record in [said(2), MARK]:
        again.add(name, record)
    again.own(again.assemble, 0, bench.stand(bench.assemble))
    again.flow()
    assert bench.stand(bench.assemble)[:2] == (5, 5)
    assert [one["settings"]["name"] for one in again.slices()] == ["a", "renamed"]


def test_people_of_an_event_too_large_for_a_record_get_the_supplement(tmp_path: Path) -> None:
    """A roster of thousands goes by claim check, and the closing knows its people nevertheless."""
    bench = Bench(tmp_path)
    kind, record = said(1)
    roster = {
        **record["events"][0],
        "kind": "roster",
        "people": [person("p1", "Ana", "ana@bank.example", "member")],
    }
    ref = asyncio.run(bench.tools.contents.put(encode("Event", roster)))
    record["events"][0] = {**roster, "people": [], "overflow": ref}
    for name, one in [(kind, record), MARK, said(2), MARK]:
        bench.add(name, one)
    bench.flow()

    assert [[one["participant"]["id"] for one in mail["copies"]] for mail in bench.deliveries()] == [
        ["p1"],
        ["p1"],
    ]
    assert sorted(one["revision"] for one in bench.deliveries()) == [0, 1]


def test_nothing_new_means_no_mail_but_a_closing(tmp_path: Path) -> None:
    """A repeat of what is archived closes silently."""
    bench = Bench(tmp_path)
    for name, record in [said(1), MARK, said(1), MARK]:
        bench.add(name, record)
    bench.flow()

    assert [one["count"] for one in bench.found(CLOSINGS)] == [1, 0]
    assert len(bench.slices()) == 1


def test_closings_of_another_group_are_invisible(tmp_path: Path) -> None:
    """A replay that has archived everything elsewhere must not silence live, nor change its settings."""
    log = Log()
    first = Bench(tmp_path, log)
    for name, record in with_settings([said(1, 2), MARK]):
        first.add(name, record)
    first.flow()
    closings = first.found(CLOSINGS)
    log.records[KAFKA.topic(CLOSINGS.name), 0].clear()
    for one in closings:
        name = "Closing" if "ids" in one else "SettingsInForce"
        first.add_to(CLOSINGS, name, {**one, "group": "replay-1"})

    again = Bench(tmp_path, log)
    for name, record in [said(1, 2), MARK]:
        again.add(name, record)
    again.own(again.assemble, 0, Stand(4, 4))
    again.flow()
    assert [len(ids) for _, _, ids, _ in emitted(again)] == [2, 2]
    assert [one["settings"]["version"] == SETTINGS["a"]["version"] for one in again.slices()] == [True, False]


def test_one_watermark_closes_more_slices_than_a_chunk(tmp_path: Path) -> None:
    """They are emitted chunk by chunk, and `reached` passes the watermark after the last."""
    bench = Bench(tmp_path)
    for number in range(250):
        bench.add("RawEvents", raw(("a", f"c{number}", "s0"), [1], "live", captured=10, close_at=None))
    bench.add(*MARK)
    bench.own(bench.assemble)
    most = 0

    async def watch() -> None:
        nonlocal most
        life = asyncio.create_task(bench.work(bench.assemble))
        while not life.done():
            most = max(most, bench.log.unconfirmed)
            assert bench.stand(bench.assemble).reached <= 250 or len(bench.slices()) == 250
            await asyncio.sleep(0)
        life.result()

    asyncio.run(watch())
    assert len(bench.slices()) == 250
    assert most <= 200
    assert bench.scratch.live_bytes == 0


def test_a_mapping_holds_from_its_activation_on_also_after_a_restart(tmp_path: Path) -> None:
    """A slice names the mapping in force where it closed; a recovery behind the control record knows it."""
    log = Log()
    bench = Bench(tmp_path, log)
    for name, record in [
        said(1), MARK, ("Control", activation("m1")), said(2), MARK, ("Control", activation("m2")), said(3),
    ]:  # fmt: skip
        bench.add(name, record)
    bench.own(bench.assemble)
    asyncio.run(bench.work(bench.assemble))
    stored = bench.stand(bench.assemble)

    again = Bench(tmp_path, log)
    again.add(*MARK)
    again.own(again.assemble, 0, stored)
    asyncio.run(again.work(again.assemble))
    assert stored[:2] == (6, 7)
    assert [one["mapping_version"] for one in again.slices()] == ["", "m1", "m2"]


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
