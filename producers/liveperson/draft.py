"""A draft: an event that does not know yet whether it is news.

`meaning` is what a reader would call the content (rule 1). It takes the source's own fields, never texts
that we derive, so that better rendering is no change.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from producers.liveperson.content import File
from producers.liveperson.spans import Piece
from producers.liveperson.values import fact, words
from schemas.records import Person

OPENED, ROSTER, TRANSFER, LEFT, JOINED = -30, -20, -12, -11, -10
"""Order among events of one time: these before messages, whose order is their seq."""
SURVEY, SUMMARY, CLOSED = 1 << 40, (1 << 40) + 1, (1 << 40) + 2
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Draft:
    """Something that happened, told by one piece of a row; times in ms since 1970 UTC."""

    source_key: str
    kind: str
    at_ms: int
    order: int
    meaning: dict[str, Any]
    piece: Piece = field(repr=False)
    timeless: bool = False
    """True if the source gave no usable time and `at_ms` is a neighbour's."""
    actor: Person | None = None
    audience: str = "all"
    text: str | None = None
    html: str | None = None
    people: tuple[Person, ...] = ()
    files: tuple[File, ...] = ()
    details: dict[str, str] = field(default_factory=dict)


def unknown(item: Piece, section: str, neighbour_ms: int) -> Draft:
    """A piece that is not what its section should hold: kept whole, under the hash of its bytes."""
    key = f"raw/{sha256(item.raw).hexdigest()[:32]}"
    return Draft(
        source_key=key, kind=UNKNOWN, at_ms=neighbour_ms, timeless=True, order=0, piece=item,
        meaning={"raw": key}, text=words(item.value), details={"section": section},
    )  # fmt: skip


def facts_of(source: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    """The facts that are there, by our names."""
    return {ours: said for ours, theirs in names.items() if (said := fact(source.get(theirs))) is not None}
