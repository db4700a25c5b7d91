"""Whether topic closings still has all that the workers wrote there: what is missing would be archived a second time. Pure.

A commit says where the partition of closings began and ended when it was made. Its end never becomes less: compaction
leaves it, so a topic that ends earlier was made anew. Its beginning never moves: nothing in it is ever deleted.
"""

from schemas.commits import Bounds
from schemas.topics import CLOSINGS
from streams.positions import LogTruncatedError, Stand


class LostClosingsError(LogTruncatedError):
    """Topic closings lacks what the group's positions speak of; the message says what, and what to do."""


def lacks(stand: Stand, found: Bounds) -> str | None:
    """What the closings of a group that stands there lack; None if nothing. A group that has done nothing needs none.

    Commits of earlier versions say nothing of closings: then a log that did something has some (it begins with settings), and
    nothing is cut away.
    """
    said = stand.closings or Bounds(0, 1)
    if stand.reached == 0:
        return None
    if found.end < said.end:
        return f"ends at {found.end}, and {said.end} offsets of it were written: it was lost or made anew"
    if found.begin > said.begin:
        return f"begins at {found.begin} instead of {said.begin}: what stood before was deleted"
    return None


class Proof:
    """What may be said of closings in the commits of the partitions that this worker owns."""

    def __init__(self) -> None:
        self._known: dict[int, Bounds] = {}

    def begin(self, partition: int, stand: Stand, found: Bounds) -> None:
        """The memory is being restored from closings that stand there; LostClosingsError if they are not all."""
        lost = lacks(stand, found)
        if lost is not None:
            raise LostClosingsError(_refusal(partition, lost, stand.reached))
        begin = max(found.begin, stand.closings.begin if stand.closings else 0)
        self._known[partition] = Bounds(begin, found.end)

    def grown(self, partition: int, end: int) -> None:
        """Kafka has confirmed closings of ours below `end`; LostClosingsError if it should have been further already.

        Ignored where nothing was restored: the partition went to another worker.
        """
        known = self._known.get(partition)
        if known is None:
            return
        if end <= known.end:
            lost = f"gave offset {end - 1} a second time: it was lost or made anew while we worked"
            raise LostClosingsError(_refusal(partition, lost, None))
        self._known[partition] = Bounds(known.begin, end)

    def said(self, partition: int) -> Bounds | None:
        """What the next commit says."""
        return self._known.get(partition)

    def forget(self, partition: int) -> None:
        """The partition went to another worker, or is restored anew."""
        self._known.pop(partition, None)


def _refusal(partition: int, lost: str, reached: int | None) -> str:
    done = "what was archived" if reached is None else f"what {reached} records of raw-events made"
    return (
        f"{CLOSINGS.name}/{partition} {lost}. {done[0].upper()}{done[1:]} may be forgotten and would be archived again; "
        "stop all workers and see Lost closings in docs/backup.md"
    )
