"""Positions: what is committed and where a partition starts, under every order of events."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from streams.positions import LogTruncatedError, Positions, Stand, stored_stand

TP = ("raw-events", 0)
OTHER = ("raw-events", 1)


def test_a_fresh_group_begins_where_the_log_does() -> None:
    """Nothing committed means everything is needed."""
    assert stored_stand(TP, -1, "", 7, 9) == Stand(7, 7)


def test_metadata_says_what_is_reached() -> None:
    """The offset is what is needed; a commit by somebody else's tool has no metadata and counts as both."""
    assert stored_stand(TP, 5, "9", 0, 9) == Stand(5, 9)
    assert stored_stand(TP, 5, "", 0, 9) == Stand(5, 5)
    assert stored_stand(TP, 5, "not a number", 0, 9) == Stand(5, 5)
    assert stored_stand(TP, 5, "3", 0, 9) == Stand(5, 5)


def test_a_log_that_begins_later_stops_the_worker() -> None:
    """Going on would archive conversations without their beginning."""
    with pytest.raises(LogTruncatedError, match="still needed"):
        stored_stand(TP, 5, "9", 6, 9)


def test_only_the_record_that_follows_moves() -> None:
    """A batch that outlives its partition neither moves it nor brings it back."""
    positions = Positions()
    positions.start(TP, Stand(4, 4))

    assert positions.move(TP, 4)
    assert not positions.move(TP, 4)
    positions.forget(TP)
    assert not positions.move(TP, 5)
    assert positions.stand(TP) is None
    positions.start(TP, Stand(2, 2))
    assert not positions.move(TP, 5)
    assert positions.next_at[TP] == 2


def test_a_late_confirmation_brings_nothing_back() -> None:
    """A commit that is confirmed after the partition went away is forgotten with it."""
    positions = Positions()
    positions.confirm({TP: Stand(1, 2)})

    assert not positions.committed


def test_a_revocation_while_the_coordinator_answers_is_not_lost() -> None:
    """Its answer is older than the revocation: who commits in between must still be noticed."""
    positions = Positions()
    positions.start(TP, Stand(0, 0))
    positions.revoke([TP])
    asked = positions.revocations()
    positions.revoke([TP])
    positions.settled(asked)

    assert not positions.keeps(TP, Stand(3, 3))
    positions.settled(positions.revocations())
    assert positions.keeps(TP, Stand(3, 3))


def test_open_state_holds_the_commit_back() -> None:
    """`held` is asked first: the assembler's needed stays behind its reached."""
    positions = Positions(held=lambda tp: Stand(3, 8) if tp == TP else None)
    positions.start(TP, Stand(3, 3))
    positions.start(OTHER, Stand(6, 6))

    assert positions.to_commit([TP, OTHER, ("elsewhere", 0)]) == {TP: Stand(3, 8)}


class Group(RuleBasedStateMachine):
    """Two workers and one partition: whoever owns it works, commits, dies or loses it, in any order."""

    @initialize()
    def begin(self) -> None:
        """Nothing is committed."""
        self.stored = Stand(0, 0)
        self.durable: set[int] = set()
        self.workers = [Positions(), Positions()]
        self.owner = 0
        self._assign(0)

    @rule(count=st.integers(1, 3))
    def work(self, count: int) -> None:
        """The owner makes the effects of some records durable, then moves."""
        positions = self.workers[self.owner]
        for _ in range(count):
            at = positions.next_at[TP]
            self.durable.add(at)
            assert positions.move(TP, at)

    @rule(worker=st.integers(0, 1), at=st.integers(0, 30))
    def finish_late(self, worker: int, at: int) -> None:
        """A batch of somebody who is not the owner any more ends."""
        if worker != self.owner:
            self.workers[worker].move(TP, at)

    @rule(fails=st.booleans())
    def commit(self, fails: bool) -> None:
        """The owner commits; the answer may be lost on its way."""
        positions = self.workers[self.owner]
        todo = positions.to_commit([TP])
        self.stored = todo.get(TP, self.stored)
        if not fails:
            positions.confirm(todo)

    @rule(to=st.integers(0, 1))
    def rebalance(self, to: int) -> None:
        """Everything is revoked, then given to one of the two."""
        self.workers[self.owner].revoke([TP])
        self._assign(to)

    @rule()
    def crash(self) -> None:
        """The owner's memory is gone."""
        self.workers[self.owner] = Positions()
        self._assign(self.owner)

    def _assign(self, to: int) -> None:
        if to != self.owner:
            self.workers[self.owner].forget(TP)
        self.owner, positions = to, self.workers[to]
        asked = positions.revocations()
        if not positions.keeps(TP, self.stored):
            positions.start(TP, self.stored)
        positions.settled(asked)

    @invariant()
    def nothing_is_skipped(self) -> None:
        """Every position below what is committed, or below where the owner stands, is durable."""
        if hasattr(self, "stored"):
            below = max(self.stored.needed, self.workers[self.owner].next_at[TP])
            assert self.durable.issuperset(range(below))


TestGroup = Group.TestCase
TestGroup.settings = settings(max_examples=60, deadline=None)


def test_a_log_that_ends_before_what_was_done_stops_the_worker() -> None:
    """A topic that was made anew or restored shorter: its records must not pass for those of the former one."""
    assert stored_stand(TP, 5, "9", 0, 9) == Stand(5, 9)
    for offset, metadata, end in [(5, "9", 8), (5, "", 4), (5, "9", 0)]:
        with pytest.raises(LogTruncatedError, match=f"ends at {end}"):
            stored_stand(TP, offset, metadata, 0, end)


def test_of_the_originals_nothing_is_passed_over() -> None:
    """A log that was cut before a group came, or a position from another tool, would behead conversations in silence."""
    for offset, metadata, begin in [(-1, "", 3), (5, "", 0), (5, "by hand", 0)]:
        stored_stand(TP, offset, metadata, begin, 9)
        with pytest.raises(LogTruncatedError, match="no position of ours"):
            stored_stand(TP, offset, metadata, begin, 9, original=True)
    for offset, metadata, begin in [(-1, "", 0), (0, "", 0), (3, "", 3), (5, "7", 3)]:
        stored_stand(TP, offset, metadata, begin, 9, original=True)
