"""From drafts to news: which of them the log does not have yet, in which slice, under which id.

What was changed and changed back is a change too. Its content has an id in the log already, so the id of a return also
covers the id that it follows; and since a page that lags behind looks like a return, it is believed after a while only
(decision 21).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from producers.liveperson.draft import Draft
from producers.liveperson.naming import PROJECTIONS, Projection, name_of
from producers.liveperson.values import ERASED
from producers.source import Slice, closable
from schemas.records import Attachment, Event, person
from schemas.slices import period_label
from schemas.topics import DAY_MS

CHUNK_EVENTS = 300
CHUNK_BYTES = 8_000_000


DOUBT_MS = 240_000
"""How long after a change what stood there before is not believed: LivePerson shows changes with up to a minute's delay
(Messaging Interactions API page), and our own doubling of that (`SETTLE_MS`) is doubled."""
LONGEST_DOUBT_MS = DAY_MS


@dataclass(frozen=True)
class Known:
    """What the log has of a source key: its ids in the order of the log; text and capture (ms) of the latest."""

    ids: tuple[bytes, ...]
    text: str | None = None
    captured_ms: int = 0

    @property
    def doubt_ms(self) -> int:
        """How long a return is not believed: twice as long after each change, at most a day, so that none flips for ever."""
        return min(DOUBT_MS << min(max(len(self.ids) - 2, 0), 9), LONGEST_DOUBT_MS)


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
    believed: bool = True
    """False of a return that may as well be a page that lags behind: to be looked at again."""
    returns: bool = False
    """Whether the log has had this content before, and something else since."""
    skill: str | None = None
    """Where the conversation began, of what may be archived in a supplement: its subject says it too."""


@dataclass(frozen=True)
class Telling:
    """One conversation's drafts with what placing and naming them needs."""

    conversation: str
    start_ms: int
    drafts: list[Draft] = field(repr=False)
    skill: str | None = None
    """Where it began."""


def news_of(
    telling: Telling,
    known: Mapping[str, Known],
    capture: Capture,
    projections: tuple[Projection, ...] = PROJECTIONS,
) -> Iterator[News]:
    """The drafts that are new, or other than what the log has last under their key."""
    have = dict(known)
    ended = any(key.startswith("closed/") for key in known)
    names = [
        name_of(draft, capture.uid, telling.conversation, telling.start_ms, projections)
        for draft in telling.drafts
    ]
    shown = {
        each.key for each in names if (told := have.get(each.key)) is not None and each.is_latest(told.ids)
    }
    for draft, name in zip(telling.drafts, names, strict=True):
        before = have.get(draft.source_key)
        returns = before is not None and not name.plain.isdisjoint(before.ids)
        if before is not None and returns and (name.key in shown or name.is_latest(before.ids)):
            continue  # also one of several contents that a row has under one key: as long as the latest is among them
        ident = name.after(before.ids[-1]) if before is not None and returns else name.first
        skill = telling.skill if ended or before is not None else None
        news = replace(_news(telling, draft, capture, ident, before), returns=returns, skill=skill)
        if before is not None and returns and 0 <= capture.captured_ms - before.captured_ms < before.doubt_ms:
            yield replace(news, believed=False)
            continue
        ids = (*(before.ids if before else ()), ident)
        have[draft.source_key] = Known(ids, draft.text, capture.captured_ms)
        yield news


def names_of(
    uid: str, telling: Telling, draft: Draft, projections: tuple[Projection, ...] = PROJECTIONS
) -> list[bytes]:
    """The ids under which the log has what a draft says, if it has it: a return was there under one of them before."""
    name = name_of(draft, uid, telling.conversation, telling.start_ms, projections)
    return [name.first, *sorted(name.plain - {name.first})]


def _news(telling: Telling, draft: Draft, capture: Capture, ident: bytes, before: Known | None) -> News:
    place, suspect = placed(telling, draft, capture)
    former = before.text if before else None
    return News(draft, ident, place, suspect, former, changed=before is not None)


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
    about = {"skill": news.skill} if news.skill else {}
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
        details={**about, **draft.details, **_change(news), **details},
        raw=piece.raw,
        overflow=None,
    )
