"""A replay into the archive tells the ledger of everything that it lacks, whenever the replay was ended."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from schemas.codec import Codec
from schemas.records import Copies
from schemas.topics import DELIVERIES
from stores.folder import FolderStore
from streams.contents import Contents
from streams.mail.render import render
from streams.replay.selection import Selection
from streams.replay.targets import Into
from streams.replay.told import Told
from streams.routing import Router
from tests.streams.doubles import Bench, values
from tests.streams.mail_cases import AGENT, KEN, closed, said

MAPPING: Any = {"version": "v", "rows": [], "domains": ["bank.example"], "catch_all": None}
(MAIL,) = render(closed([said(1, AGENT, "hello"), said(2, KEN, "dear")]))
COPIES = Router(MAPPING).copies(MAIL)


class Found:
    """What a replay finds, as far as it is asked here."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, _: object) -> None:
        """None is looked at."""

    def explain(self, _: str) -> None:
        """As above."""


def life(bench: Bench, copies: Copies = COPIES, *, killed: bool = False) -> int:
    """How many records a replay hands to the ledger that is killed, or not, before they are on their way."""

    async def use() -> int:
        before, told = len(bench.deliveries()), Told()
        await told.fill(values(bench.log.read(DELIVERIES, 0)), Codec(), Selection())
        store = FolderStore(bench.folder / "archive", durable=False)
        outbox = None if killed else bench.outbox()
        target = Into(store, Contents(store), outbox, 0, told)
        await target.handle(copies, Found())
        await target.settle()
        told.close()
        return len(bench.deliveries()) - before

    return asyncio.run(use())


def test_a_replay_killed_before_the_ledger_tells_it_after_all(tmp_path: Path) -> None:
    """Its files stand already, so nothing is new any more; once the ledger has it, it is not told again."""
    bench = Bench(tmp_path)
    assert [life(bench, killed=True), life(bench), life(bench)] == [0, 1, 0]
    (delivery,) = bench.deliveries()
    assert [one["outcome"] for one in delivery["copies"]] == ["ok", "ok"]


def test_a_ledger_with_some_of_the_participants_lacks_the_others(tmp_path: Path) -> None:
    """A mail's results may be in several records, and a replay may have been for some mailboxes."""
    bench = Bench(tmp_path)
    first: Copies = {**COPIES, "targets": COPIES["targets"][:1]}
    assert [life(bench, first), life(bench, killed=True), life(bench), life(bench)] == [1, 0, 1, 0]


def test_a_copy_that_failed_in_the_ledger_and_stands_now_is_told(tmp_path: Path) -> None:
    """And one that does not stand is no news where the ledger has any result of the participant."""
    bench = Bench(tmp_path)
    elsewhere: Copies = {
        **COPIES, "targets": [{**one, "path": None, "outcome": "failed"} for one in COPIES["targets"]]
    }  # fmt: skip
    assert [life(bench, elsewhere), life(bench, killed=True), life(bench), life(bench, elsewhere)] == [
        1,
        0,
        1,
        0,
    ]
