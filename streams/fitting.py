"""Lists that are too long for one record go into several."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from schemas.records import CopyResult
from schemas.topics import MAX_RECORD_BYTES
from streams.refusals import RejectedError

T = TypeVar("T")


def fitting(
    items: list[T], encode: Callable[[list[T]], bytes], *, first: Callable[[T], bool]
) -> Iterator[bytes]:
    """Encoded records of at most MAX_RECORD_BYTES that hold all items, each once; at least one record.

    Where one record will not do, items that `first` holds for stand before the others. Cut by halves, which depends
    on the items alone. RejectedError if one item alone is too large.
    """
    value = encode(items)
    if len(value) <= MAX_RECORD_BYTES:
        yield value
        return
    if len(items) <= 1:
        msg = f"{len(value):,} bytes with one participant: too large for a record"
        raise RejectedError(msg)
    ordered, middle = sorted(items, key=lambda one: not first(one)), len(items) // 2
    yield from fitting(ordered[:middle], encode, first=first)
    yield from fitting(ordered[middle:], encode, first=first)


def has_path(one: CopyResult) -> bool:
    """Whether somebody gets a copy: who counts unrouted mails sees it in the first record."""
    return one["path"] is not None
