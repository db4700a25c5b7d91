"""What an order named is not stored again by a worker that comes late, at whatever point it was stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from consumers.orders import audit
from schemas.records import ClosedSlice
from schemas.topics import AUDIT, MAPPINGS
from stores.folder import FolderStore
from stores.interface import Stored
from streams import departed
from streams.archive import ArchiveStage
from streams.departed import Departed
from streams.mail.render import render
from streams.positions import Stand
from streams.readback import Kept
from tests.streams.doubles import Bench
from tests.streams.test_archive_stage import a_slice, bench_with, work

FRESH_S = 10.0


class Clock:
    """Goes on when it is told to, as it does for a process that is stopped."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


class Stopping(FolderStore):
    """The process is stopped after the mail was stored, and an order is carried out meanwhile."""

    stop: Callable[[], None]

    async def create(self, path: str, *given: Any, **named: Any) -> Stored:
        """As always, and then hours later."""
        stored = await super().create(path, *given, **named)
        self.stop()
        return stored


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of what is known of orders."""
    clock = Clock()
    monkeypatch.setattr(departed, "time", clock)
    return clock


def with_orders(bench: Bench) -> tuple[Departed, list[int]]:
    """Let the stage ask topic audit; from which positions on it did."""
    asked = list[int]()

    async def read(start: int) -> AsyncIterator[Kept]:
        asked.append(start)
        async for one in bench.log.read(AUDIT, 0):
            if one.position >= start:
                yield one

    known = Departed(read, bench.codec, FRESH_S)
    bench.archive = ArchiveStage(
        bench.tools, lambda: bench.log.read(MAPPINGS, 0), bench.store, departed=known
    )
    return known, asked


def dispose(bench: Bench, *slices: ClosedSlice) -> None:
    """An order names their mails."""
    mails = b"".join(mail["mail_id"] for one in slices for mail in render(one))
    bench.log.add(AUDIT, b"none of ours")
    bench.add_to(AUDIT, "Audit", audit("o", "disposed", at_ms=0, mails=mails))


def test_what_an_order_named_is_not_stored_and_the_rest_is(tmp_path: Path, clock: Clock) -> None:
    """Nothing is said of it either, in ledger or dead letters; positions move on."""
    bench = bench_with(tmp_path, a_slice(0), a_slice(3))
    with_orders(bench)
    dispose(bench, a_slice(0))
    work(bench)
    assert [one["conversation"] for one in bench.deliveries()] == ["c3"]
    assert len(bench.archived()) == 4
    assert (bench.letters(), bench.stand(bench.archive)) == ([], Stand(2, 2))


def test_a_worker_that_was_stopped_between_mail_and_copies_makes_no_copy(
    tmp_path: Path, clock: Clock
) -> None:
    """What it was just writing stands, and nothing that comes after it."""
    store = Stopping(tmp_path / "archive", durable=False)
    bench = bench_with(tmp_path, a_slice(0), store=store)
    with_orders(bench)

    def stop() -> None:
        clock.now += 3_600
        dispose(bench, a_slice(0))

    store.stop = stop
    work(bench)
    assert [path.partition("/")[0] for path in bench.archived()] == ["_mails"]
    assert (bench.deliveries(), bench.letters()) == ([], [])


def test_the_topic_is_asked_once_in_a_while_for_what_is_new(tmp_path: Path, clock: Clock) -> None:
    """Not for each mail, and never again for what was read."""
    bench = bench_with(tmp_path, *map(a_slice, range(0, 30, 3)))
    known, asked = with_orders(bench)
    dispose(bench)
    work(bench)
    assert asked == [0]
    clock.now += FRESH_S + 1
    assert not asyncio.run(known.has(b"x"))
    assert asked == [0, 2]


def test_who_is_always_at_work_waits_for_no_look(tmp_path: Path, clock: Clock) -> None:
    """It is made ahead, when half of the time is over that an answer holds."""
    bench = bench_with(tmp_path)
    known, asked = with_orders(bench)

    async def later(seconds: float) -> int:
        clock.now += seconds
        await known.has(b"x")
        count = len(asked)
        for _ in range(20):
            await asyncio.sleep(0)
        return count

    async def turns() -> list[int]:
        return [await later(seconds) for seconds in (0, 6, 4, 6, 5)]

    assert asyncio.run(turns()) == [1, 1, 2, 2, 3]
