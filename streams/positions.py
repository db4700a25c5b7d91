"""Where each partition stands: what the consumer commits and where it starts again. Pure bookkeeping.

Every commit carries two numbers: offset = the first position still *needed*, metadata = the position *reached*
(everything below it is durable). Stages without open state need exactly what they have reached. The assembler also says
where topic closings stood, so that the next owner can prove that it has them all.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas import commits
from schemas.commits import Bounds

TopicPartition = tuple[str, int]


class Stand(NamedTuple):
    """needed <= reached, offsets of the next record. `closings`: where topic closings stood then, if that is known."""

    needed: int
    reached: int
    closings: Bounds | None = None

    @classmethod
    def said(cls, offset: int, metadata: str | None) -> "Stand":
        """What a commit says; one by another tool says it by its offset alone."""
        note = commits.read(metadata)
        return cls(offset, commits.reached(offset, metadata), note.closings if note is not None else None)

    @property
    def metadata(self) -> str:
        """What a commit says of it, beside the offset."""
        return commits.written(commits.Note(self.reached, self.closings))


class LogTruncatedError(RuntimeError):
    """The log no longer holds what is needed: going on would archive conversations without their beginning."""


@dataclass
class Positions:
    """Stands of the partitions that this process owns. Changed only between two awaits of the agents.

    `held` asks the owner of open state (the assembler) for its own stand; None for partitions without.
    """

    held: Callable[[TopicPartition], Stand | None] = lambda _: None
    next_at: dict[TopicPartition, int] = field(default_factory=dict)
    """The next record that this life takes: after a restart below what the commit says is *reached*."""
    committed: dict[TopicPartition, Stand] = field(default_factory=dict)
    revoked: dict[TopicPartition, int] = field(default_factory=dict)
    """Partitions that were taken from us and not yet decided on, each with the number of times it was."""

    def stand(self, tp: TopicPartition) -> Stand | None:
        """What may be committed now; None if we don't own the partition."""
        held = self.held(tp)
        if held is not None:
            return held
        at = self.next_at.get(tp)
        return None if at is None else Stand(at, at)

    def to_commit(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, Stand]:
        """One synchronous snapshot of these partitions, without what is committed already."""
        stands = {tp: self.stand(tp) for tp in tps}
        return {
            tp: stand for tp, stand in stands.items() if stand is not None and self.committed.get(tp) != stand
        }

    def revoke(self, tps: Iterable[TopicPartition]) -> None:
        """These were taken from us: our state stays until we know who committed last."""
        for tp in tps:
            self.revoked[tp] = self.revoked.get(tp, 0) + 1

    def revocations(self) -> dict[TopicPartition, int]:
        """What is known before the coordinator is asked; one that comes while it answers is not decided by it."""
        return dict(self.revoked)

    def settled(self, asked: Mapping[TopicPartition, int]) -> None:
        """The answer to a question of then has been acted on."""
        self.revoked = {tp: times for tp, times in self.revoked.items() if asked.get(tp) != times}

    def keeps(self, tp: TopicPartition, stored: Stand) -> bool:
        """Whether our state of this partition is still the newest: nobody committed since we did."""
        return tp in self.next_at and (tp not in self.revoked or self.committed.get(tp) == stored)

    def start(self, tp: TopicPartition, stored: Stand) -> None:
        """We own this partition from here on, and read it again from what is needed."""
        self.next_at[tp] = stored.needed
        self.committed[tp] = stored

    def is_next(self, tp: TopicPartition, position: int) -> bool:
        """Whether this record is the next one; not so once the partition has moved away."""
        return self.next_at.get(tp) == position

    def move(self, tp: TopicPartition, position: int) -> bool:
        """The record at this position is done; False (and nothing moves) if the partition went away meanwhile."""
        ours = self.is_next(tp, position)
        if ours:
            self.next_at[tp] = position + 1
        return ours

    def confirm(self, stands: Mapping[TopicPartition, Stand]) -> None:
        """The group's coordinator has these; what was forgotten meanwhile stays forgotten."""
        self.committed.update({tp: stand for tp, stand in stands.items() if tp in self.next_at})

    def forget(self, tp: TopicPartition) -> None:
        """Somebody else owns it."""
        self.next_at.pop(tp, None)
        self.committed.pop(tp, None)


def stored_stand(
    tp: TopicPartition, offset: int, metadata: str, begin: int, end: int, *, original: bool = False
) -> Stand:
    """What a commit says; LogTruncatedError when the log begins later than is needed, or ends before what was reached.

    `original`: of the originals' log nothing may be passed over either: not a beginning that was cut away from a group without
    a position, and not what lies before a position that another tool has set (it does not say what was reached).
    """
    if original and (begin > 0 if offset < 0 else offset > begin and commits.read(metadata) is None):
        msg = (
            f"{tp[0]}/{tp[1]}: the group has no position of ours, and its conversations may have begun before "
            f"{max(offset, begin)}; restore the topic, or delete the group so that all is read again"
        )
        raise LogTruncatedError(msg)
    if offset < 0:
        return Stand(begin, begin)
    if offset < begin:
        msg = (
            f"{tp[0]}/{tp[1]}: position {offset} is still needed, but the log begins at {begin}; "
            "restore the topic, or start a new group (replay) knowing that what is missing cannot be assembled"
        )
        raise LogTruncatedError(msg)
    stand = Stand.said(offset, metadata)
    if stand.reached > end:
        # Kafka would begin it anew, and every record would pass for one that was done.
        msg = (
            f"{tp[0]}/{tp[1]}: {stand.reached} records were done, but the log ends at {end}; if the topic was restored or made "
            "anew, the group's positions are of another log: see Restore in docs/backup.md"
        )
        raise LogTruncatedError(msg)
    return stand
