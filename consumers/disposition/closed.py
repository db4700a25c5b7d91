"""Which closing took an event or made a mail decides what an order names: what was closed before its control record. Pure.

The assembler closes what an order names at its control record, so no mail mixes what came before with what came after it.
"""

from typing import NamedTuple

from consumers.disposition.books import Order


class Place(NamedTuple):
    """Where a slice was closed, and when: `at_ms` is Kafka's time stamp, so nothing in it was captured later."""

    partition: int
    position: int
    at_ms: int


Closings = frozenset[tuple[str, int, int]]
"""Key of the slice, partition and position."""


def is_below(order: Order, key: str, place: Place | None, later: Closings = frozenset()) -> bool:
    """Whether a closing of this slice lies below an order, or is its own; what nobody knows the closing of stays.

    `later`: what the order does not name though it lies below, since it holds what was captured after the order was given.
    """
    if place is None:
        return False
    at, limit = order.positions.get(place.partition, -1), order.scope.captured_before_ms
    if place.position == at:
        return True
    is_older = place.position < at and (limit is None or place.at_ms < limit)
    return is_older and (key, place.partition, place.position) not in later
