"""Closings that were lost, wholly or in part, while the group's positions stayed: the worker stops, and says what to do."""

import asyncio
from pathlib import Path

import pytest

from schemas.commits import Bounds
from schemas.topics import CLOSINGS
from streams.positions import Stand
from streams.proof import LostClosingsError, Proof, lacks
from tests.streams.doubles import KAFKA, Bench, Log
from tests.streams.logs import SETTINGS, control, in_force, raw

WHERE = (KAFKA.topic(CLOSINGS.name), 0)
HEAD = ("Control", in_force("a", SETTINGS[0]))
SAID = ("RawEvents", raw(("a", "c", "s0"), [1], "live", 10, None))
LATER = ("RawEvents", raw(("a", "c", "s1"), [2], "live", 30, None))
MARK = ("Control", control("a", "watermark", "live", 120))


@pytest.mark.parametrize(
    ("stand", "found", "told"),
    [
        (Stand(0, 0), Bounds(0, 0), None),
        (Stand(0, 0), Bounds(3, 9), None),  # a group that reads all again writes all again
        (Stand(5, 9, Bounds(0, 4)), Bounds(0, 4), None),
        (Stand(5, 9, Bounds(0, 4)), Bounds(0, 90), None),  # a former owner wrote on
        (Stand(5, 9, Bounds(3, 4)), Bounds(3, 4), None),
        (Stand(5, 9, Bounds(0, 4)), Bounds(0, 3), "ends at 3, and 4"),
        (Stand(5, 9, Bounds(0, 4)), Bounds(0, 0), "ends at 0"),
        (Stand(5, 9, Bounds(0, 4)), Bounds(1, 4), "begins at 1 instead of 0"),
        (Stand(5, 9, Bounds(3, 4)), Bounds(4, 9), "begins at 4 instead of 3"),
        # commits of earlier versions say nothing of closings
        (Stand(5, 9), Bounds(0, 1), None),
        (Stand(5, 9), Bounds(0, 0), "ends at 0"),
        (Stand(5, 9), Bounds(2, 8), "begins at 2"),
    ],
)
def test_what_is_lost_can_be_proved(stand: Stand, found: Bounds, told: str | None) -> None:
    """By where the topic began and ended, which compaction leaves."""
    said = lacks(stand, found)
    assert said is None if told is None else said is not None and told in said


def history(folder: Path) -> tuple[Bench, Stand]:
    """Two slices closed one after the other, and what the group has committed then."""
    bench = Bench(folder)
    for name, record in [HEAD, SAID, MARK, LATER, MARK]:
        bench.add(name, record)
    return bench.flow(), bench.stand(bench.assemble)


def go_on(folder: Path, log: Log, stored: Stand) -> Bench:
    """A new worker of the group, which is sent a message that it archived before."""
    bench = Bench(folder, log)
    for name, record in [SAID, MARK]:
        bench.add(name, record)
    bench.own(bench.assemble, 0, stored)
    asyncio.run(bench.work(bench.assemble))
    return bench


def test_commits_name_what_stands_in_closings(tmp_path: Path) -> None:
    """Also after the next worker has gone on; a repeat makes nothing then."""
    bench, stored = history(tmp_path)
    assert stored == Stand(5, 5, Bounds(0, 3))
    assert stored.metadata == "5 closings 0..3"
    again = go_on(tmp_path, bench.log, stored)
    assert again.stand(again.assemble) == Stand(7, 7, Bounds(0, 4))
    assert len(again.slices()) == 2


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_topic_that_was_made_anew_stops_the_worker(tmp_path: Path, left: int) -> None:
    """Even if it has some records: repeats would be archived again, and by other settings."""
    bench, stored = history(tmp_path)
    del bench.log.records[WHERE][left:]
    with pytest.raises(
        LostClosingsError, match=rf"closings/0 ends at {left}, and 3 offsets .* docs/backup.md"
    ):
        go_on(tmp_path, bench.log, stored)
    assert len(bench.slices()) == 2


def test_a_topic_that_was_cut_stops_the_worker(tmp_path: Path) -> None:
    """Retention, or somebody's command, on a topic that never deletes."""
    bench, stored = history(tmp_path)
    del bench.log.records[WHERE][:1]
    bench.log.begins[WHERE] = 1
    with pytest.raises(LostClosingsError, match="begins at 1 instead of 0"):
        go_on(tmp_path, bench.log, stored)


def test_a_group_that_reads_all_again_goes_on_with_a_cut_topic(tmp_path: Path) -> None:
    """It writes everything that is missing behind what is left, and the next worker knows that it is all there."""
    bench, _ = history(tmp_path)
    want = {one["closing_id"] for one in bench.slices()}
    del bench.log.records[WHERE][:2]
    bench.log.begins[WHERE] = 2
    again = go_on(tmp_path, bench.log, Stand(0, 0))
    stored = again.stand(again.assemble)
    assert stored.closings == Bounds(2, 7)
    go_on(tmp_path, bench.log, stored)
    assert {one["closing_id"] for one in bench.slices()} == want


def test_a_topic_that_is_made_anew_under_a_worker_stops_it(tmp_path: Path) -> None:
    """Kafka gives offsets a second time; its next commit would say that they are all that ever was."""
    bench, _ = history(tmp_path)
    bench.log.records[WHERE].clear()
    for name, record in [SAID, MARK]:
        bench.add(name, record)
    with pytest.raises(LostClosingsError, match="gave offset 0 a second time"):
        asyncio.run(bench.work(bench.assemble))


def test_what_a_commit_says_before_the_memory_is_restored_is_what_it_said(tmp_path: Path) -> None:
    """Else a worker that ends at once would take the proof away."""
    bench = Bench(tmp_path)
    bench.own(bench.assemble, 0, Stand(3, 9, Bounds(0, 4)))
    assert bench.stand(bench.assemble) == Stand(3, 9, Bounds(0, 4))


def test_a_partition_that_is_gone_says_nothing() -> None:
    """What Kafka confirms for it afterwards is its new owner's affair."""
    proof = Proof()
    proof.begin(0, Stand(0, 0), Bounds(0, 0))
    proof.forget(0)
    proof.grown(0, 1)
    assert proof.said(0) is None
