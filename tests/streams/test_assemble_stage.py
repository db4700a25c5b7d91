"""The first stage's shell: what is durable when, what is in force where, and what survives kills, commits and rebalances."""

import asyncio
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import Codec, encode
from schemas.ids import with_version
from schemas.records import person
from schemas.topics import CLOSINGS, CONVERSATIONS
from streams import assemble
from streams.positions import Stand
from streams.readback import Seen
from tests.schemas.registries import MemoryRegistry
from tests.streams.assemble_rig import MARK, SETTINGS, TP, WHERE, emitted, one_life, said, with_settings
from tests.streams.doubles import KAFKA, Bench, Log
from tests.streams.logs import GRACE_MS, STALL_MS, activation, control, logs, raw
from tests.streams.oracle import oracle

pytestmark = pytest.mark.usefixtures("breath")


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
