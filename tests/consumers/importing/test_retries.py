"""What waits for a mailbox is tried again in turns, and a mailbox that comes back costs as much as it has copies."""

import sqlite3
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from consumers import cache_file
from consumers.importing import receipts, retries
from consumers.importing.items import Item, Key
from consumers.importing.receipts import Receipts
from consumers.importing.retries import AT_A_TIME, Retries
from consumers.importing.settings import ImportSettings
from consumers.importing.troubles import ItemError
from schemas.codec import Codec
from tests.consumers.importing.test_receipts import receipt

STEPS = 20  # of sqlite's machine, between two counts


@dataclass
class Work:
    """What the cache has done: rows that were read, and steps of sqlite's own machine."""

    rows: int = 0
    steps: int = 0

    def row(self, _: object, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """One more, as a row factory."""
        self.rows += 1
        return row

    def step(self) -> int:
        """So many more, as a progress handler."""
        self.steps += STEPS
        return 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Counts what caches do that are opened in the test; turns are made as soon as they are asked for."""
    made, really = Work(), cache_file.opened

    def opened(*arguments: Any) -> sqlite3.Connection:
        db = really(*arguments)
        db.row_factory = made.row
        db.set_progress_handler(made.step, STEPS)
        return db

    monkeypatch.setattr(receipts, "opened", opened)
    monkeypatch.setattr(retries, "EVERY_S", 0.0)
    return made


@dataclass
class Bench:
    """A partition with copies that wait, and an importer that does what the test says."""

    found: Receipts
    under_way: dict[Key, Item] = field(default_factory=dict)
    most: int = 0

    def __post_init__(self) -> None:
        settings = ImportSettings.model_validate({"target": {"kind": "maildir", "path": "x"}})
        desk: Any = SimpleNamespace(refuses=lambda _: False)
        self.retries = Retries(settings, "here", desk, self.under_way.__contains__, self._put)

    def _put(self, item: Item) -> None:
        assert item.key not in self.under_way
        self.under_way[item.key] = item

    def turn(self) -> None:
        """Have tried what is due."""
        partition: Any = SimpleNamespace(number=0, receipts=self.found, is_quiet=True)
        self.retries.turn([partition])
        self.most = max(self.most, len(self.under_way))

    def finish(self, count: int) -> None:
        """So many of what is under way land."""
        landed = [self.under_way.pop(key) for key in list(self.under_way)[:count]]
        self.found.fold([{**item.blank, "outcome": "ok", "reason": None} for item in landed])


def bench(waiting: int) -> Bench:
    """So many copies wait for one mailbox."""
    found = Receipts(None, Codec())
    found.fold([receipt(mail, "waiting", reason="mailbox full: [OVERQUOTA]") for mail in range(waiting)])
    return Bench(found)


def recovered(work: Work, waiting: int) -> Work:
    """What the cache did until nothing waited any more; the mailbox takes fewer at a time than it is offered."""
    one = bench(waiting)
    work.rows = work.steps = 0
    while one.found.waiting_mailboxes():
        one.turn()
        one.found.reasons()  # as status asks it
        one.finish(20)
    assert one.most == AT_A_TIME
    assert one.found.counts()["lp"]["ok"] == waiting
    one.found.close()
    return Work(work.rows, work.steps)


def test_a_mailbox_that_comes_back_costs_as_much_as_it_has_copies(work: Work) -> None:
    """Eight times as many copies are eight times the work, and each waiting row is read once, apart from the last turn."""
    few, many = recovered(work, 250), recovered(work, 2_000)
    assert many.rows < 2 * 2_000 + 4 * AT_A_TIME
    assert many.rows < 9 * few.rows
    assert many.steps < 10 * few.steps


def test_copies_that_are_refused_by_themselves_hide_no_others(work: Work) -> None:
    """Each has a pause of its own; those behind them are tried, and the rows of a turn are bounded."""
    one = bench(3_000)
    tried = list[Key]()
    for _ in range(80):
        work.rows = 0
        one.turn()
        assert work.rows <= retries.READ + AT_A_TIME
        for key in list(one.under_way):
            tried.append(key)
            one.retries.put_off(key, ItemError("mail refused"))
            del one.under_way[key]
    assert len(tried) == len(set(tried)) == 3_000
    one.found.close()


def test_what_came_to_wait_behind_the_turn_is_tried_in_the_next(work: Work) -> None:
    """A copy whose id is lower than the one that was tried last."""
    one = bench(60)
    one.turn()
    one.found.fold([receipt(mail, "waiting", reason="x") for mail in range(60, 120)])
    while one.found.waiting_mailboxes():
        one.finish(7)
        one.turn()
    assert one.found.counts()["lp"]["ok"] == 120
    one.found.close()
