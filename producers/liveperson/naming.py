"""What the content of a draft is called: its id in the log, by projections that are kept in a table by version.

A new version is for conversations that begin after its date, and what the log has under any version is no news, so
that no old content comes again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from producers.liveperson.draft import Draft
from schemas.ids import event_id


@dataclass(frozen=True)
class Projection:
    """A way to write down a meaning, for conversations that began at `since_ms` or later."""

    version: int
    since_ms: int
    write: Callable[[Draft], bytes]


def _first(draft: Draft) -> bytes:
    # ASCII and sorted: lone surrogates and the order of members change nothing.
    text = json.dumps(draft.meaning, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return f"1:{text}".encode("ascii")


PROJECTIONS = (Projection(version=1, since_ms=0, write=_first),)


@dataclass(frozen=True)
class Name:
    """What the content of a draft is called: `written` in force, and `plain` ids by all projections."""

    uid: str
    key: str
    whole_key: str
    written: tuple[bytes, ...]
    plain: frozenset[bytes]

    @property
    def first(self) -> bytes:
        """Its id where the log does not have it."""
        return event_id(self.uid, self.whole_key, self.written[0])

    def after(self, ident: bytes) -> bytes:
        """Its id as a return, after this one."""
        return self._after(self.written[0], ident)

    def is_latest(self, ids: tuple[bytes, ...]) -> bool:
        """Whether it is the last of these; a second collector may have put something between a return and what it followed."""
        if ids[-1] in self.plain:
            return True
        return any(ids[-1] == self._after(text, ident) for text in self.written for ident in ids[:-1])

    def _after(self, written: bytes, ident: bytes) -> bytes:
        return event_id(self.uid, self.whole_key, written + b"after:" + ident)


def name_of(
    draft: Draft,
    uid: str,
    conversation: str,
    start_ms: int,
    projections: tuple[Projection, ...] = PROJECTIONS,
) -> Name:
    """What a draft of a conversation that began at `start_ms` (ms since 1970 UTC) is called."""
    key = f"{conversation}/{draft.source_key}"
    written = tuple(each.write(draft) for each in _in_order(projections, start_ms))
    return Name(uid, draft.source_key, key, written, frozenset(event_id(uid, key, text) for text in written))


def _in_order(projections: tuple[Projection, ...], start_ms: int) -> list[Projection]:
    """The one for this conversation first: the latest that was in force when it began."""
    return sorted(projections, key=lambda each: (each.since_ms > start_ms, -each.version))
