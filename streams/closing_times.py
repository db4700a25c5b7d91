"""When open slices close, and how an order of disposition looks at them: small helpers of `assembly`. Pure."""

import heapq
from typing import TYPE_CHECKING

from schemas.dispositions import Scope

if TYPE_CHECKING:
    from streams.assembly import OpenSlice


def due_of(current: "OpenSlice") -> int:
    """When its lanes' watermarks close it; one with earlier mails closes at the next.

    What an order closed without a mail has none: the rest of such a day waits for its end.
    """
    return -(2**62) if any(past.closing_id for past in current.earlier) else current.due_ms


def is_disposed(scope: Scope, current: "OpenSlice") -> bool:
    """Whether an order names an open slice: by its first record, and not where the last one came after the order was given."""
    return scope.names(current.head) and (scope.below is None or current.last < scope.below)


def pop_until(heap: list[tuple[int, int]], limit: int) -> list[int]:
    """Take everything off the heap that is due by then."""
    found = []
    while heap and heap[0][0] <= limit:
        found.append(heapq.heappop(heap)[1])
    return found
