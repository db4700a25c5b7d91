"""From the records of one partition to the slices that they close: `Assembly`, for selected slices only. Pure."""

import marshal
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain

from schemas.codec import Codec
from schemas.records import Control, Person, RawEvents
from streams.accepting import accepted
from streams.assembly import Assembly, Closed, OpenSlice
from streams.events import Folded, closed_at, folded
from streams.in_force import Fact, in_force, learn
from streams.memory import Memory
from streams.positions import Stand
from streams.refusals import LASTING
from streams.replay.days import Days
from streams.replay.heads import peek
from streams.replay.selection import Selection
from streams.scratch import Scratch

GROUP = "replay"


@dataclass(frozen=True)
class Step:
    """What a record did: slices to close (none of them below what was reached), those that leave, and what came in force."""

    emit: Sequence[OpenSlice] = ()
    leave: Sequence[OpenSlice] = ()
    facts: Sequence[Fact] = ()
    refused: bool = False
    kept: bool = False
    """The record waits for its slice to close."""


_NOTHING, _KEPT = Step(), Step(kept=True)  # what nearly all records do


class Fold:
    """Selected slices of one partition, from `stand.needed` on; closings below `stand.reached` are read, not computed."""

    def __init__(
        self, partition: int, stand: Stand, *, memory: Memory, scratch: Scratch, codec: Codec,
        selection: Selection, refused: AbstractSet[int], days: Days,
    ) -> None:  # fmt: skip
        """`refused`: positions that the live worker could not take (rule 24); what can't be read is found again without them.

        `days`: decides on which day a slice is, and keeps that. The head of a record whose events can't be read counts for
        it: replays of other days never read its events, so they can't know.
        """
        self._partition, self._memory, self._codec = partition, memory, codec
        self._selection, self._days, self._refused = selection, days, refused
        self._peeks = selection.span is not None  # most records are on none of the days that are selected
        self._assembly = Assembly(
            partition, needed=stand.needed, reached=stand.reached, memory=memory, scratch=scratch, group=GROUP,
            fold=_folded,
        )  # fmt: skip

    @property
    def stand(self) -> Stand:
        """Where to go on after a restart, once all effects so far are durable."""
        return Stand(*self._assembly.position())

    @property
    def waiting(self) -> int:
        """Selected slices that no control record has closed yet."""
        return len(self._assembly.open)

    def feed(self, position: int, key: bytes | None, value: bytes) -> Step:
        """Take the next record; the caller closes what is to be emitted, then says `done`."""
        if position in self._refused:
            return self._left_out(position)
        if not self._selection.may_hold(key):
            return _NOTHING
        try:
            name, record = accepted(peek(self._codec, value) if self._peeks else self._codec.decode(value))
        except LASTING:
            return self._left_out(position)
        if name == "Control":
            return self._control(position, record)
        return self._event(position, record, value) if self._holds(position, record) else _NOTHING

    def _left_out(self, position: int) -> Step:
        return Step(refused=not self._assembly.is_replaying(position))

    def _event(self, position: int, record: RawEvents, value: bytes) -> Step:
        try:
            record = self._codec.decode(value).value if self._peeks else record
        except LASTING:
            return self._left_out(position)
        data = marshal.dumps(record["events"])  # read again for a third of what decoding costs
        self._assembly.add(position, record, data, closed_ms=closed_at(record))
        return _KEPT

    def _holds(self, position: int, record: RawEvents) -> bool:
        """Whether the slice of this record is selected, its mailboxes aside."""
        if not self._selection.names(record["connector_uid"], record["conversation"]):
            return False
        return self._selection.span is None or self._selection.within(self._days.of(position, record))

    def close(self, one: OpenSlice, position: int) -> Closed:
        """Fold one slice."""
        return self._assembly.close(one, position)

    def done(self, position: int, step: Step) -> None:
        """All effects of this record are made, or under way and waited for before `stand` is kept."""
        self._assembly.done(position, step.leave)

    def abandon(self) -> None:
        """Give the scratch space back."""
        self._assembly.abandon()

    def _control(self, position: int, control: Control) -> Step:
        facts = in_force(control, GROUP, self._partition, position)
        for fact in facts:
            learn(self._memory, fact)
        due = self._assembly.due(position, control)
        return Step([] if self._assembly.is_replaying(position) else due, due, facts)


def _folded(waiting: Iterable[bytes], taken: set[bytes], known: list[Person]) -> Folded:
    events = chain.from_iterable(map(marshal.loads, waiting))  # our own, from a file without a name
    return folded(events, taken, known)
