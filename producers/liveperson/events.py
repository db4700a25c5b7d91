"""From drafts to news: which of them the log does not have yet, in which slice, under which id.

Projections are kept in a table by version. A key that was captured stays with the version that it was captured
under, and a new version is for conversations that begin after its date, so that no old content comes again, with
or without the memory of what was sent.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from producers.liveperson.draft import Draft
from producers.liveperson.values import DAY_MS
from producers.source import Slice
from schemas.ids import event_id
from schemas.records import Attachment, Event, Person

Meaning = dict[str, object]


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
class Known:
    """What the log has of a source key: its version, the ids so far, and the text of the latest."""

    version: int
    ids: frozenset[bytes]
    text: str | None = None


@dataclass(frozen=True)
class Capture:
    """The circumstances of a capture; times in ms."""

    uid: str
    captured_ms: int
    look_back_ms: int
    tolerance_ms: int

    def is_suspect(self, at_ms: int) -> bool:
        """Whether an event's own time is too far from its capture to be believed (semantics 3)."""
        return not self.captured_ms - self.look_back_ms <= at_ms <= self.captured_ms + self.tolerance_ms


@dataclass(frozen=True)
class News:
    """A draft that the log does not have, with its identity; files are still to be fetched."""

    draft: Draft
    id: bytes
    version: int
    slice: Slice
    suspect: bool
    former_text: str | None = None
    changed: bool = False


@dataclass(frozen=True)
class Telling:
    """One conversation's drafts with what placing and naming them needs."""

    conversation: str
    start_ms: int
    drafts: list[Draft] = field(repr=False)


def news_of(
    telling: Telling,
    known: Mapping[str, Known],
    capture: Capture,
    projections: tuple[Projection, ...] = PROJECTIONS,
) -> Iterator[News]:
    """The drafts that are new, or other than what the log has under their key."""
    have = dict(known)
    for draft in telling.drafts:
        before = have.get(draft.source_key)
        projection = _projection(projections, telling.start_ms, before)
        ident = event_id(capture.uid, f"{telling.conversation}/{draft.source_key}", projection.write(draft))
        if before is not None and ident in before.ids:
            continue
        ids = (before.ids if before else frozenset()) | {ident}
        have[draft.source_key] = Known(projection.version, ids, draft.text)
        place, suspect = placed(telling, draft, capture)
        former = before.text if before else None
        yield News(draft, ident, projection.version, place, suspect, former, changed=before is not None)


def _projection(projections: tuple[Projection, ...], start_ms: int, known: Known | None) -> Projection:
    if known is not None:
        return next(each for each in projections if each.version == known.version)
    return max((each for each in projections if each.since_ms <= start_ms), key=lambda each: each.version)


def slice_at(conversation: str, start_ms: int, at_ms: int) -> Slice:
    """The slice of this time: whole 24-hour periods since the conversation began (semantics 4)."""
    period = max(0, (at_ms - start_ms) // DAY_MS)
    begin = start_ms + period * DAY_MS
    return Slice(conversation, f"p{period:04d}", begin, begin + DAY_MS)


def placed(telling: Telling, draft: Draft, capture: Capture) -> tuple[Slice, bool]:
    """Where a draft belongs, and whether its own time is suspect, so that capture time had to choose."""
    suspect = capture.is_suspect(draft.at_ms)
    at_ms = capture.captured_ms if suspect else draft.at_ms
    return slice_at(telling.conversation, telling.start_ms, at_ms), suspect or draft.timeless


def event_of(
    news: News, attachments: list[Attachment], details: Mapping[str, str], cuts: list[tuple[int, int]]
) -> Event:
    """The event of these news."""
    draft = news.draft
    people: list[Person] = list(draft.people)
    piece = draft.piece.without(cuts) if cuts else draft.piece
    return Event(
        id=news.id,
        source_key=draft.source_key,
        kind="updated" if news.changed else draft.kind,
        at_ms=draft.at_ms,
        at_suspect=news.suspect,
        order=draft.order,
        actor=draft.actor,
        target=draft.source_key if news.changed else None,
        thread=None,
        audience=draft.audience,
        text=draft.text,
        html=draft.html,
        former_text=news.former_text,
        people=people,
        attachments=attachments,
        details={**draft.details, **details},
        raw=piece.raw,
        overflow=None,
    )
