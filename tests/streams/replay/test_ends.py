"""How a replay ends early, and what may run beside it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from schemas.broker import KafkaSettings
from schemas.topics import MAPPINGS
from stores.settings import FolderSettings
from streams.replay.claim import Claim, ClaimLostError, only_one_anywhere
from streams.replay.job import Job, Where
from streams.replay.lock import AlreadyRunningError, only_one
from streams.replay.partition import UnderWay
from streams.replay.reroute import LOCK, reroute_all
from streams.replay.selection import Selection
from streams.replay.session import Session, name_of


def job(tmp_path: Path, kind: Any = "store") -> Job:
    """One that never gets as far as Kafka."""
    return Job(
        KafkaSettings(bootstrap="127.0.0.1:1"), FolderSettings(path=tmp_path / "archive"), Where(kind), Selection(),
        tmp_path / "replay" / "one", 1,
    )  # fmt: skip


def test_after_an_error_the_others_are_ended_before_their_state_is_closed() -> None:
    """What is still under way would write into a closed file, or into another life's; then nothing is left of it."""
    ended = []

    async def fail() -> None:
        raise ValueError("first")

    async def last() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def use() -> None:
        under_way = UnderWay(asyncio.Semaphore(4))
        for effect in (last(), fail()):
            await under_way.start(effect)
        with pytest.raises(ValueError, match="first"):
            await under_way.settled()
        assert not ended
        await under_way.cancel()
        assert ended
        await under_way.settled()  # who waits again meets nothing of it

    asyncio.run(use())


def test_one_rerouting_at_a_time(tmp_path: Path) -> None:
    """Whatever it selects: the second would read a ledger that the first is about to write."""
    one = job(tmp_path)
    with (
        only_one(one.folder.parent / LOCK, "the first"),
        pytest.raises(AlreadyRunningError, match="another rerouting"),
    ):
        reroute_all(one, "v", lambda *_: None)


def test_one_replay_of_a_kind_at_a_time(tmp_path: Path) -> None:
    """The second is refused while the first runs, and not afterwards."""
    one = job(tmp_path)
    with (
        Session(one, whole_log=False, fresh=False),
        pytest.raises(AlreadyRunningError, match="the same replay"),
    ):
        Session(one, whole_log=False, fresh=False)
    with Session(one, whole_log=False, fresh=False) as again:
        assert not again.resumed


def test_the_whole_log_has_a_plan_of_its_own(tmp_path: Path) -> None:
    """Else a command with --whole-log would go on with what an index chose."""
    one = job(tmp_path)
    assert name_of(one, whole_log=True) != name_of(one, whole_log=False)


async def claim(kafka: KafkaSettings, *, hold: asyncio.Event, has: asyncio.Event) -> Claim:
    """Another host's claim, held until it is told to let go."""
    async with only_one_anywhere(kafka, "one", MAPPINGS, "taken") as held:
        has.set()
        await hold.wait()
    return held


@pytest.mark.kafka
def test_one_rerouting_at_a_time_on_all_hosts(kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes second is refused and told where the first is; who was away finds out before it sends anything."""
    monkeypatch.setattr("streams.replay.claim.SESSION_SECONDS", 6.0)

    async def use() -> None:
        hold, has = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(claim(kafka, hold=hold, has=has))
        await has.wait()
        with pytest.raises(AlreadyRunningError, match=r"taken \(one@"):
            await claim(kafka, hold=hold, has=asyncio.Event())
        hold.set()
        lost = await first
        async with only_one_anywhere(kafka, "one", MAPPINGS, "taken") as second:
            lost._admin = second._admin  # its own is closed
            lost._proved = second._proved = 0.0  # as after a long stop
            await second.demand()
            with pytest.raises(ClaimLostError, match="start the same command again"):
                await lost.demand()

    asyncio.run(use())
