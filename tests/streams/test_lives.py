"""Workers that come, go, die and come back as zombies: one log gives one set of mails, with the same bytes and names.

The state machine of one partition's owner. At any await of any worker the group may rebalance, a commit may be taken,
or a worker may be killed, be stopped (its sends hang and arrive later), or go on for a while after it lost the
partition. What remains in the topics must be what one undisturbed life writes, repeats being identical.
"""

import asyncio
import random
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import decode
from schemas.topics import CLOSINGS, CONVERSATIONS, DEAD_LETTERS, RAW_EVENTS
from streams.mail.render import render
from streams.positions import Stand
from tests.streams.doubles import KAFKA, Bench, Log
from tests.streams.logs import GRACE_MS, SETTINGS, STALL_MS, control, in_force, logs, raw, told
from tests.streams.mail_cases import mail_bytes
from tests.streams.oracle import Outcome, outcomes

TP = (KAFKA.topic(RAW_EVENTS.name), 0)
Entries = list[tuple[str, Any]]
HEAD: Entries = [("Control", in_force(uid, SETTINGS[0])) for uid in "ab"]


class Line(Log):
    """One worker's connection to a shared log; while it is held, what was sent hangs, and arrives afterwards."""

    def __init__(self, shared: Log) -> None:
        super().__init__()
        self.records = shared.records
        self.free = asyncio.Event()
        self.free.set()

    async def _confirm(self, topic: str, partition: int, key: bytes | None, value: bytes) -> Any:
        await self.free.wait()
        return await super()._confirm(topic, partition, key, value)


class Life:
    """A worker: takes batches while it may, and goes on with the one it has when it may not any more."""

    def __init__(self, folder: Path, shared: Log, batch: int) -> None:
        self.line = Line(shared)
        self.bench = Bench(folder, self.line)
        self.bench.assemble.batch = batch
        self.turn, self.rests = asyncio.Event(), asyncio.Event()
        self.rests.set()
        self.task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await self.turn.wait()
            batch = self.bench.waiting(self.bench.assemble)[: self.bench.assemble.batch]
            if batch:
                self.rests.clear()
                await self.bench.assemble.handle(batch)
                self.rests.set()
            await asyncio.sleep(0)

    def own(self, stored: Stand) -> None:
        """As the consumer does after an assignment: keep our state if it is the newest, else begin at `stored`."""
        positions = self.bench.positions
        if not positions.keeps(TP, stored):
            self.bench.own(self.bench.assemble, 0, stored)
        positions.settled(positions.revocations())
        self.line.free.set()
        self.turn.set()

    def commit(self, stored: Stand) -> Stand:
        """What the group has afterwards."""
        stands = self.bench.positions.to_commit([TP])
        self.bench.positions.confirm(stands)
        return stands.get(TP, stored)

    def revoked(self) -> None:
        """The group took the partition away, and this worker has heard of it."""
        self.turn.clear()
        self.bench.positions.revoke([TP])

    async def end(self) -> None:
        """SIGKILL: what hangs is lost."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.bench.scratch.close()


class Group:
    """A group of workers for one partition; only the owner's commits are taken."""

    def __init__(self, folder: Path, shared: Log, chance: random.Random) -> None:
        self.folder, self.shared, self.chance = folder, shared, chance
        self.stored, self.diligence = Stand(0, 0), chance.choice([0.0, 0.02, 0.1])
        self.idle: list[Life] = []
        self.zombies: list[Life] = []
        self.owner = self.new()

    def new(self) -> Life:
        """One more worker."""
        return Life(self.folder, self.shared, self.chance.randint(1, 5))

    async def run(self, steps: int) -> None:
        """Some steps of everybody's; the owner commits now and then."""
        for _ in range(steps):
            await asyncio.sleep(0)
            if self.chance.random() < self.diligence:
                self.stored = self.owner.commit(self.stored)
            for life in [self.owner, *self.idle, *self.zombies]:
                if life.task.done():
                    life.task.result()

    async def change(self) -> None:
        """The partition goes to another worker, new or one that had it before, in one of the ways in which that happens."""
        old, how = self.owner, self.chance.choice(["killed", "in order", "zombie", "stopped"])
        if how == "killed":
            await old.end()
        elif how == "in order":  # Faust waits for the batch, commits perhaps, and tells
            old.turn.clear()
            await old.rests.wait()
            if self.chance.random() < 0.5:
                self.stored = old.commit(self.stored)
            old.revoked()
            self.idle.append(old)
        else:
            if how == "stopped":  # SIGSTOP: nothing is confirmed until it goes on
                old.line.free.clear()
            self.zombies.append(old)
        back = self.idle and self.chance.random() < 0.6
        self.owner = self.idle.pop(self.chance.randrange(len(self.idle))) if back else self.new()
        self.owner.own(self.stored)

    async def wake(self) -> None:
        """Zombies go on; some hear that they lost the partition and are members again, some die."""
        for life in list(self.zombies):
            what = self.chance.choice(["goes on", "hears", "dies"])
            life.line.free.set()
            if what == "goes on":
                continue
            self.zombies.remove(life)
            if what == "dies":
                await life.end()
            else:
                life.turn.clear()
                await life.rests.wait()
                life.revoked()
                self.idle.append(life)

    async def finish(self) -> None:
        """The last owner does everything that is left; zombies too have their say."""
        while self.owner.bench.waiting(self.owner.bench.assemble) or not self.owner.rests.is_set():
            await self.run(5)
        for life in self.zombies:
            life.line.free.set()
        await self.run(30)
        for life in [self.owner, *self.idle, *self.zombies]:
            await life.end()


async def many_lives(folder: Path, shared: Log, lives: list[int], seed: int) -> None:
    """A history of owners, each for so many steps, until everything is done."""
    group = Group(folder, shared, random.Random(seed))
    group.owner.own(group.stored)
    for steps in lives:
        await group.run(steps)
        await group.change()
        await group.run(steps // 2)
        await group.wake()
    await group.finish()


def written(log: Entries, lives: list[int], seed: int) -> Log:
    """What stands in the topics after these lives over this log."""
    shared = Log()
    with tempfile.TemporaryDirectory() as folder:
        first = Bench(Path(folder), shared)
        for name, record in log:
            first.add(name, record)
        asyncio.run(many_lives(Path(folder), shared, lives, seed))
    return shared


def by_name(values: list[bytes]) -> dict[bytes, bytes]:
    """Closed slices by their names; an AssertionError when a name has two meanings."""
    found: dict[bytes, bytes] = {}
    for value in values:
        assert found.setdefault(decode(value).value["closing_id"], value) == value
    return found


def by_key(log: Log) -> dict[bytes | None, bytes]:
    """Topic closings as compaction leaves it; an AssertionError when a key has two meanings."""
    found: dict[bytes | None, bytes] = {}
    for key, value in log.records[KAFKA.topic(CLOSINGS.name), 0]:
        assert found.setdefault(key, value) == value
    return found


def mails_of(values: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The bytes of every mail by its id."""
    slices = [decode(value).value for value in values.values()]
    return {mail["mail_id"]: mail_bytes(mail) for one in slices for mail in render(one)}


def as_oracle(value: bytes) -> Outcome:
    """A closed slice as the oracle names it."""
    one = decode(value).value
    where = "|".join([one["connector_uid"], one["conversation"], one["slice"]])
    people = frozenset(person["id"] for person in one["people"])
    ids = tuple(event["id"] for event in one["events"])
    return Outcome(where, one["revision"], ids, one["mapping_version"], one["settings"]["version"], people)


@settings(max_examples=300, deadline=None)
@given(log=logs, seed=st.integers(0, 2**32), lives=st.lists(st.integers(0, 60), max_size=8))
def test_same_log_same_mails_same_bytes_same_names(log: Entries, seed: int, lives: list[int]) -> None:
    """However owners change and whatever zombies write: the mails of the oracle, with the bytes and names of one life."""
    log = [*HEAD, *log]
    calm, wild = written(log, [], seed), written(log, lives, seed)
    want, got = by_name(calm.values(CONVERSATIONS)), by_name(wild.values(CONVERSATIONS))

    assert {as_oracle(value) for value in got.values()} == set(
        outcomes(log, grace_ms=GRACE_MS, stall_ms=STALL_MS)
    )
    assert got == want
    assert mails_of(got) == mails_of(want)
    assert by_key(wild) == by_key(calm)
    assert wild.values(DEAD_LETTERS) == []


def test_settings_that_change_no_content_change_the_name_of_what_closes_after_them() -> None:
    """The same events under other settings are another mail, so a name never stands for two contents."""
    said = ("RawEvents", told(raw(("a", "c", "s0"), [1, 2], "live", 10, None)))
    mark = ("Control", control("a", "watermark", "live", 20))
    change = ("Control", in_force("a", SETTINGS[1]))

    names = [
        set(by_name(written(log, [], 0).values(CONVERSATIONS)))
        for log in ([*HEAD, said, mark, change], [*HEAD, said, change, mark], [*HEAD, change, said, mark])
    ]

    assert names[0] != names[1] == names[2]


def test_settings_hold_for_what_is_opened_and_closed_after_them_only() -> None:
    """A shorter stall shortens nothing that was open before: its end was said when it opened."""
    said = ("RawEvents", told(raw(("a", "c", "s0"), [1], "live", 10, None)))
    change = ("Control", in_force("a", SETTINGS[2]))
    foreign = ("Control", control("b", "watermark", "live", 20 + 10))

    assert written([*HEAD, said, change, foreign], [], 0).values(CONVERSATIONS) == []
    assert len(written([*HEAD, change, said, foreign], [], 0).values(CONVERSATIONS)) == 1
