"""What the workers say in the metadata of their commits, and how it is read: by them, by a replay, and by who waits for them.

    REACHED                      everything below this position is durable
    REACHED closings BEGIN..END  and topic closings held these offsets when it was said

The commit's offset is the first position that is still needed. Where topic closings ended never becomes less, whatever
compaction takes out of it: a topic that ends earlier is another one, and one that begins later was cut.
"""

import re
from typing import NamedTuple

_FORM = re.compile(r"([0-9]{1,19})(?: closings ([0-9]{1,19})\.\.([0-9]{1,19}))?", re.ASCII)


class Bounds(NamedTuple):
    """A partition as it stands: the first offset, and the one behind the last."""

    begin: int
    end: int


class Note(NamedTuple):
    """What a commit says besides its offset; `closings` is None where nothing is known of them."""

    reached: int
    closings: Bounds | None = None


def written(note: Note) -> str:
    """The metadata that says this."""
    closings = "" if note.closings is None else f" closings {note.closings.begin}..{note.closings.end}"
    return f"{note.reached}{closings}"


def read(metadata: str | None) -> Note | None:
    """What this metadata says; None if it is not the workers'."""
    found = _FORM.fullmatch(metadata or "")
    if found is None:
        return None
    return Note(int(found[1]), None if found[2] is None else Bounds(int(found[2]), int(found[3])))


def reached(offset: int, metadata: str | None) -> int:
    """How far a commit says that all is done; one by another tool says it by its offset alone (-1: nothing was committed)."""
    note = read(metadata)
    return max(0, offset, note.reached if note is not None else 0)
