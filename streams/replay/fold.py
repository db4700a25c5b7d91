"""From the records of one partition to the slices that they close: `Assembly`, for selected slices only. Pure."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from schemas.codec import Codec, Decoded
from schemas.records import Control, RawEvents
from streams.accepting import accepted
from streams.assembly import Assembly, Closed, OpenSlice
from streams.events import closed_at, from_records
from streams.in_force import Fact, in_force, learn
from streams.memory import Memory
from streams.positions import Stand
from streams.refusals import LASTING
from streams.replay.days import Days
from streams.replay.heads import peek
from streams.replay.selection import Selection
from streams.scratch import Scratch

GROUP = "replay"
POSITION_BYTES = 8


class BrokenRecordError(RuntimeError):
    """The events of a record can't be read: the worker refused it, so it counts as not there; fold again without it."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the record at position {position} cannot be read")
        self.position = position


@dataclass(frozen=True)
class Step:
    """What a record did: slices to close (none of them below what was reached), those that leave, and what came in force."""

    emit: list[OpenSlice] = field(default_factory=list)
    leave: list[OpenSlice] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    refused: bool = False
    kept: bool = False
    """The record waits for its slice to close."""


class Fold:
    """Selected slices of one partition, from `stand.needed` on; closings below `stand.reached` are read, not computed."""

    def __init__(
        self, partition: int, stand: Stand, *, memory: Memory, scratch: Scratch, codec: Codec,
        selection: Selection, refused: AbstractSet[int], broken: AbstractSet[int], days: Days,
    ) -> None:  # fmt: skip
        """`refused`: positions that the live worker could not take (rule 24). `broken`: those that this replay could not.

        Nobody else knows of the latter: replays of other days, which never read their events, see their heads, so these
        count for the day of a slice. `days`: decides on which day a slice is, and keeps that.
        """
        self._partition, self._memory, self._codec = partition, memory, codec
        self._selection, self._days = selection, days
        self._refused, self._broken = refused, broken
        self._assembly = Assembly(
            partition, needed=stand.needed, reached=stand.reached, memory=memory, scratch=scratch, group=GROUP,
            fold=from_records(_decoding(codec.decode)),
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
            return Step()
        try:
            name, record = accepted(peek(self._codec, value))
        except LASTING:
            return self._left_out(position)
        if name == "Control":
            return self._control(position, record)
        return self._event(position, record, value) if self._holds(position, record) else Step()

    def _left_out(self, position: int) -> Step:
        return Step(refused=not self._assembly.is_replaying(position))

    def _event(self, position: int, record: RawEvents, value: bytes) -> Step:
        if position in self._broken:
            return self._left_out(position)
        data = position.to_bytes(POSITION_BYTES, "big") + value
        self._assembly.add(
            position, record, data, closed_ms=closed_at(record)
        )  # `peek` leaves close events in
        return Step(kept=True)

    def _holds(self, position: int, record: RawEvents) -> bool:
        """Whether the slice of this record is selected, its mailboxes aside."""
        if not self._selection.names(record["connector_uid"], record["conversation"]):
            return False
        return self._selection.span is None or self._selection.within(self._days.of(position, record))

    def close(self, one: OpenSlice, position: int) -> Closed:
        """Fold one slice; BrokenRecordError if a record of it can't be read."""
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


def _decoding(decode: Callable[[bytes], Decoded]) -> Callable[[bytes], Decoded]:
    """Reads what `feed` put aside: a record with its position before it."""

    def read(data: bytes) -> Decoded:
        try:
            return decode(data[POSITION_BYTES:])
        except LASTING as error:
            raise BrokenRecordError(int.from_bytes(data[:POSITION_BYTES], "big")) from error

    return read
