"""From drafts to news: which of them the log does not have yet, in which slice, under which id.

Projections are kept in a table by version. A new version is for conversations that begin after its date, and what
the log has under any version is no news, so that no old content comes again.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from producers.liveperson.draft import Draft
from producers.liveperson.values import DAY_MS, ERASED
from producers.source import Slice, closable
from schemas.ids import event_id
from schemas.records import Attachment, Event, person
from schemas.slices import period_label

CHUNK_EVENTS = 300
CHUNK_BYTES = 8_000_000


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
    """What the log has of a source key: the ids so far, and the text of the latest."""

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
        """Whether an event's own time is too far from its capture to be believed (rule 3)."""
        return not self.captured_ms - self.look_back_ms <= at_ms <= self.captured_ms + self.tolerance_ms


@dataclass(frozen=True)
class News:
    """A draft that the log does not have, with its identity; files are still to be fetched."""

    draft: Draft
    id: bytes
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
        key = f"{telling.conversation}/{draft.source_key}"
        ids = [event_id(capture.uid, key, each.write(draft)) for each in _in_order(projections, telling)]
        if before is not None and not before.ids.isdisjoint(ids):
            continue
        have[draft.source_key] = Known((before.ids if before else frozenset()) | {ids[0]}, draft.text)
        place, suspect = placed(telling, draft, capture)
        former = before.text if before else None
        yield News(draft, ids[0], place, suspect, former, changed=before is not None)


def _in_order(projections: tuple[Projection, ...], telling: Telling) -> list[Projection]:
    """The one for this conversation first: the latest that was in force when it began."""
    return sorted(projections, key=lambda each: (each.since_ms > telling.start_ms, -each.version))


def slice_at(conversation: str, start_ms: int, at_ms: int) -> Slice:
    """The slice of this time: whole 24-hour periods since the conversation began (rule 4)."""
    period = max(0, (at_ms - start_ms) // DAY_MS)
    begin = start_ms + period * DAY_MS
    return Slice(conversation, period_label(period), begin, begin + DAY_MS)


def placed(telling: Telling, draft: Draft, capture: Capture) -> tuple[Slice, bool]:
    """Where a draft belongs by its own time, believed or not, and whether that time is suspect."""
    own = slice_at(telling.conversation, telling.start_ms, draft.at_ms)
    begun_ms = min(telling.start_ms, capture.captured_ms)
    at_capture = slice_at(telling.conversation, begun_ms, capture.captured_ms)
    place = closable(own, at_capture, capture.captured_ms + capture.tolerance_ms)
    return place, capture.is_suspect(draft.at_ms) or draft.timeless


def chunks(news: Iterable[News]) -> Iterator[list[News]]:
    """The same news in turns that stay small: at most 300, and 8 MB unless a single one is larger."""
    chunk, size = list[News](), 0
    for each in news:
        cost = _cost(each)
        if chunk and (len(chunk) >= CHUNK_EVENTS or size + cost > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += cost
    if chunk:
        yield chunk


def _cost(news: News) -> int:
    """About how many bytes the event will hold: its span of the row, and what was read out of it."""
    draft = news.draft
    return len(draft.piece.raw) + sum(len(text or "") for text in (draft.text, draft.html, news.former_text))


def _is_redaction(news: News) -> bool:
    """Whether LivePerson took a text away (Personal Data Deletion), so that its filler stands there now."""
    return ERASED in (news.draft.text or "") and ERASED not in (news.former_text or "")


def _change(news: News) -> dict[str, str]:
    """What a reader of a change must know: `changed`, the kind of what was no message; `redacted`, by whom."""
    of = {"changed": news.draft.kind} if news.changed and news.draft.kind != "message" else {}
    return of | ({"redacted": "LivePerson"} if _is_redaction(news) else {})


_LIVEPERSON = person("liveperson", "LivePerson", None, "system")


def event_of(
    news: News, attachments: list[Attachment], details: Mapping[str, str], cuts: list[tuple[int, int]]
) -> Event:
    """The event of these news."""
    draft, redacted = news.draft, _is_redaction(news)
    # LivePerson did that, and nobody in the conversation; whose words they were stands in `people`
    people = [draft.actor] if redacted and draft.actor else list(draft.people)
    piece = draft.piece.without(cuts) if cuts else draft.piece
    return Event(
        id=news.id,
        source_key=draft.source_key,
        kind="updated" if news.changed else draft.kind,
        at_ms=draft.at_ms,
        at_suspect=news.suspect,
        order=draft.order,
        actor=_LIVEPERSON if redacted and news.changed else draft.actor,
        target=draft.source_key if news.changed else None,
        thread=None,
        audience=draft.audience,
        text=draft.text,
        html=draft.html,
        former_text=news.former_text,
        people=people,
        attachments=attachments,
        details={**draft.details, **_change(news), **details},
        raw=piece.raw,
        overflow=None,
    )
