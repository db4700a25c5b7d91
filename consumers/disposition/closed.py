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


def is_below(order: Order, place: Place | None) -> bool:
    """Whether a closing lies below an order, or is its own; what nobody knows the closing of stays."""
    if place is None:
        return False
    at, limit = order.positions.get(place.partition, -1), order.scope.captured_before_ms
    return place.position == at or (place.position < at and (limit is None or place.at_ms < limit))
