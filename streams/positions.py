"""Where each partition stands: what the consumer commits and where it starts again. Pure bookkeeping.

Every commit carries two numbers: offset = the first position still *needed*, metadata = the position *reached*
(everything below it is durable). Stages without open state need exactly what they have reached.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

TopicPartition = tuple[str, int]


class Stand(NamedTuple):
    """needed <= reached, offsets of the next record."""

    needed: int
    reached: int


class LogTruncatedError(RuntimeError):
    """The log no longer holds what is needed: going on would archive conversations without their beginning."""


@dataclass
class Positions:
    """Stands of the partitions that this process owns. Changed only between two awaits of the agents.

    `held` asks the owner of open state (the assembler) for its own stand; None for partitions without.
    """

    held: Callable[[TopicPartition], Stand | None] = lambda _: None
    reached: dict[TopicPartition, int] = field(default_factory=dict)
    committed: dict[TopicPartition, Stand] = field(default_factory=dict)
    revoked: set[TopicPartition] = field(default_factory=set)

    def stand(self, tp: TopicPartition) -> Stand | None:
        """What may be committed now; None if we don't own the partition."""
        held = self.held(tp)
        if held is not None:
            return held
        reached = self.reached.get(tp)
        return None if reached is None else Stand(reached, reached)

    def to_commit(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, Stand]:
        """One synchronous snapshot of these partitions, without what is committed already."""
        stands = {tp: self.stand(tp) for tp in tps}
        return {
            tp: stand for tp, stand in stands.items() if stand is not None and self.committed.get(tp) != stand
        }

    def keeps(self, tp: TopicPartition, stored: Stand) -> bool:
        """Whether our state of this partition is still the newest: nobody committed since we did."""
        if tp not in self.reached:
            return False
        return tp not in self.revoked or self.committed.get(tp) == stored

    def start(self, tp: TopicPartition, stored: Stand) -> None:
        """We own this partition from here on, and read it again from what is needed."""
        self.reached[tp] = stored.needed
        self.committed[tp] = stored

    def forget(self, tp: TopicPartition) -> None:
        """Somebody else owns it."""
        self.reached.pop(tp, None)
        self.committed.pop(tp, None)


def stored_stand(tp: TopicPartition, offset: int, metadata: str, begin: int) -> Stand:
    """What a commit says; LogTruncatedError when the log begins later than it is needed."""
    if offset < 0:
        return Stand(begin, begin)
    if offset < begin:
        msg = (
            f"{tp[0]}/{tp[1]}: position {offset} is still needed, but the log begins at {begin}; "
            "restore the topic, or start a new group (replay) knowing that what is missing cannot be assembled"
        )
        raise LogTruncatedError(msg)
    return Stand(offset, max(offset, int(metadata) if metadata.isdigit() else offset))
