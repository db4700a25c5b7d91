"""How far a partition of topic deliveries is done: records are started and finished in any order, committed in theirs. Pure."""

from collections import OrderedDict

WIDTH = 500
"""Records that may be begun beyond what is committed. So after a kill only so many can be there without a receipt; a constant
for all versions, since the next importer relies on what the one before may have begun."""


class Window:
    """One partition; `committed` is the first offset that is not known to be committed."""

    def __init__(self, committed: int) -> None:
        self.committed = committed
        self._next = committed
        self._open: OrderedDict[int, int] = OrderedDict()

    def takes(self, offset: int) -> bool:
        """Whether this record may be begun."""
        return offset < self.committed + WIDTH

    def begin(self, offset: int, items: int) -> None:
        """This record was begun, with so many items; offsets only grow."""
        self._next = offset + 1
        if items:
            self._open[offset] = items

    def done(self, offset: int) -> None:
        """One more item of this record is done, with its receipt confirmed."""
        if offset in self._open:
            self._open[offset] -= 1
            if not self._open[offset]:
                del self._open[offset]

    @property
    def begun(self) -> int:
        """Everything below this offset was begun."""
        return self._next

    @property
    def reached(self) -> int:
        """Everything below this offset is done: what can be committed."""
        return next(iter(self._open), self._next)
