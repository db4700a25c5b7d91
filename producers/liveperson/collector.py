"""LivePerson as a source: windows into queries, rows into news, news into events.

    window ─▶ began in it ∪ began before, updated since ∪ known open ones by id ─▶ rows ─▶ drafts ─▶ news
           ─▶ files and whole rows into the content store ─▶ events by slice

There is no change feed, so a window needs three questions: which conversations began in it; which older ones were
updated since it began (asked in spans of three months over the look-back); and, live, how the open ones are that
we know (a second net, should an update not count as one).
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from producers.liveperson.agents import Agents
from producers.liveperson.auth import auth_of
from producers.liveperson.cache import Cache, Seen, Sent, sent
from producers.liveperson.checks import findings
from producers.liveperson.client import Api, Query
from producers.liveperson.content import form_cuts
from producers.liveperson.domains import Domains
from producers.liveperson.drafts import closed_ms, drafts_of, first_skill, rosters_of, started_ms
from producers.liveperson.events import Capture, News, Telling, chunks, event_of, news_of, slice_at
from producers.liveperson.files import Files
from producers.liveperson.filters import wanted
from producers.liveperson.history import Broken, History, replaced
from producers.liveperson.http import Http
from producers.liveperson.late import LivePersonLateFiles
from producers.liveperson.people import cast_of
from producers.liveperson.settings import LivePersonSettings
from producers.liveperson.spans import Row
from producers.liveperson.values import mapped
from producers.source import Captured, Contents, Finding, Refused, SourceUnavailableError, Window
from schemas.ids import digest
from schemas.live import LIVE_LANE
from schemas.records import Event
from schemas.topics import DAY_MS

SETTLE_MS = 120_000
"""LivePerson shows things with a delay of up to a minute (Messaging Interactions API page); twice that."""
QUIET_MS = 3_600_000
"""How long after its close a conversation is still looked at by id."""
_SWEPT = "swept"
_NOWHERE = "refused/"
"""In the cache, begins the conversation of what belongs to none."""


class LivePersonSource:
    """One LivePerson account; `state_dir` holds a cache of what the log has: `recall` makes it anew.

    `check_stop` is called before each request and each piece of a body, and may raise to end a long wait.
    """

    name = "liveperson"

    def __init__(
        self,
        settings: LivePersonSettings,
        contents: Contents,
        state_dir: Path,
        clock: Callable[[], float] = time.time,
        check_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self.settle_ms = SETTLE_MS
        self.look_back_ms = int(settings.look_back_days * DAY_MS)
        self._settings, self._contents = settings, contents
        self._cache = Cache(state_dir / f"liveperson-{settings.uid}.sqlite3")
        self._http = Http(settings.calls, clock, check_stop)
        self._domains = Domains(self._http, settings)
        self._api = Api(settings, self._http, self._domains, auth_of(settings, self._http, self._domains))
        self._history = History(self._api, self._http)
        self._files = Files(settings, self._http, self._domains, contents, state_dir)
        self._late = LivePersonLateFiles(settings, self._cache, self._files, self._date_ms)
        self._agents = Agents(self._api, settings.users_seconds)
        self._trusted = self._doubted = False
        self._facts: dict[str, str] = {}

    def now_ms(self) -> int:
        """The source's clock by the `Date` of its domain lookup, never ahead of ours; SourceError if LivePerson is down."""
        self._domains.ask_time()
        return self._date_ms()

    def _date_ms(self) -> int:
        date = self._http.date_ms
        if date is None:
            raise SourceUnavailableError("LivePerson tells no time: its answers have no Date header")
        return date

    def poll(self, window: Window) -> Iterator[Captured | Refused]:
        """Everything new of this window, at most 300 events a yield; see `producers.source.Source`."""
        if not self._trusted:  # no cursor named this memory: it may speak of another log
            self.restore("{}")
        self._cache.begin()
        self._facts = {}
        self._agents.know()
        fetched: set[str] = set()
        for query in self._queries(window):
            for page in self._history.pages(query):
                yield from self._page(page, fetched)
        if window.lane == LIVE_LANE:
            if not self._doubted:  # a memory that was lost, or is an older copy, does not know of doubts
                self._cache.doubt(window.from_ms)
            self._doubted = True
            yield from self._watched(fetched)
            yield from self._late.captured(self._date_ms())
            self._cache.prune(window.to_ms - self.look_back_ms - 30 * DAY_MS)
            self._facts = {_SWEPT: "yes"}

    def _queries(self, window: Window) -> Iterator[Query]:
        oldest = window.to_ms - self.look_back_ms
        if window.from_ms > oldest:
            yield Query(oldest, window.from_ms, updated_ms=window.from_ms)
        yield Query(max(oldest, window.from_ms), window.to_ms)
        if window.lane == LIVE_LANE and self._cache.meta(_SWEPT) is None:
            yield Query(oldest, window.to_ms, status="OPEN")

    def _page(self, page: list[Row] | Broken, fetched: set[str]) -> Iterator[Captured | Refused]:
        if isinstance(page, Broken):
            yield from self._refused("not JSON", page.error, page.body)
            return
        for row in self._complete(page):
            again = row.conversation in fetched
            if row.conversation is not None:
                fetched.add(row.conversation)
            yield from self._row(row, again=again)

    def _complete(self, page: list[Row]) -> list[Row]:
        """The page, where an address may be missing with rows by id: lists leave out most attributes of consumers."""
        lacking = [row.conversation for row in page if row.conversation and self._lacks_address(row)]
        whole = (row for row in self._history.by_ids(lacking) if isinstance(row, Row))
        return replaced(page, whole, lambda row: row.conversation in lacking)

    def _lacks_address(self, row: Row) -> bool:
        attributes = any(mapped(row.section(name)).get("events") for name in ("sdes", "unAuthSdes"))
        if not attributes or not wanted(row, self._settings.filters):
            return False
        consumers = cast_of(row, self._agents.directory).consumers.values()
        unnamed = any(person["email"] is None for person in consumers)
        return unnamed and not self._cache.known(row.conversation or "")

    def _refused(self, reason: str, error: str, body: bytes) -> Iterator[Refused]:
        """Hand over bytes for the dead-letters, once; again if the memory was lost, for they are not in the log."""
        ident = digest("refused", body)
        place = f"{_NOWHERE}{ident.hex()}"
        if not self._cache.known(place):
            self._cache.add([Sent(place, "refused", ident, None)])
            yield Refused(reason, error, "LivePerson history", body)

    def _watched(self, fetched: set[str]) -> Iterator[Captured | Refused]:
        due = [ident for ident in self._cache.due(self._date_ms()) if ident not in fetched]
        for row in self._history.by_ids(due):
            yield from self._page(row if isinstance(row, Broken) else [row], fetched)

    def _row(self, row: Row, *, again: bool) -> Iterator[Captured | Refused]:
        if row.conversation is None:
            yield from self._refused(
                "no conversation", "a history row without a conversation id", row.whole.raw
            )
        elif wanted(row, self._settings.filters):
            yield from self._told(row, row.conversation, again=again)

    def _told(self, row: Row, conversation: str, *, again: bool) -> Iterator[Captured]:
        """What a row says; `again`: a second one of its conversation in one poll, by which nothing was changed back."""
        self._agents.meet(row)
        capture = self._capture()
        start = started_ms(row)
        telling = Telling(
            conversation, start, drafts_of(row, self._agents.directory, start), first_skill(row)
        )
        every = self._news(row, telling, capture)
        news = [each for each in every if each.believed and not (again and each.returns)]
        cuts = [cut for item in row.items.get("messageRecords", []) for cut in form_cuts(item)]
        for place, group in groupby(
            sorted(news, key=lambda each: each.slice.label), key=lambda each: each.slice
        ):
            for chunk in chunks(group):
                events = [self._event(each, row, cuts) for each in chunk]
                self._cache.add(sent(each, conversation, capture.captured_ms) for each in chunk)
                yield Captured(place, events)
        last = max(each.at_ms for each in telling.drafts)
        closed = closed_ms(row)
        watched = closed is None or capture.captured_ms - closed < QUIET_MS
        if not all(each.believed for each in every):  # look at it again at each poll, until it is
            last, watched = capture.captured_ms, True
        self._cache.see(Seen(conversation, min(last, capture.captured_ms), capture.captured_ms, open=watched))

    def _news(self, row: Row, telling: Telling, capture: Capture) -> list[News]:
        """What the log does not have yet; a slice that is not the first begins with who is there."""
        known = self._cache.known(telling.conversation)
        news = list(news_of(telling, known, capture))
        places = (slice_at(telling.conversation, telling.start_ms, each.draft.at_ms) for each in news)
        later = {place.label: place for place in places if place.start_ms > telling.start_ms}
        rosters = rosters_of(row, self._agents.directory, later.values())
        return [*news_of(replace(telling, drafts=rosters), known, capture), *news]

    def _capture(self) -> Capture:
        tolerance = int(self._settings.collect.tolerance_seconds * 1000)
        return Capture(self._settings.uid, self._date_ms(), self.look_back_ms, tolerance)

    def _event(self, news: News, row: Row, cuts: list[tuple[int, int]]) -> Event:
        attachments = [self._files.fetch(file) for file in news.draft.files]
        details: dict[str, str] = {}
        if news.draft.kind == "closed":
            whole = row.whole.without(cuts).raw
            ref = self._contents.put([whole], "application/json")
            details = {"row_sha256": ref["sha256"].hex(), "row_size": str(ref["size"])}
        return event_of(news, attachments, details, cuts)

    def confirmed(self) -> None:
        """All that was yielded is in Kafka: remember it."""
        self._cache.confirm(self._facts)

    def state(self) -> str:
        """The name of the memory that goes with this cursor."""
        return json.dumps({"cache": self._cache.generation})

    def restore(self, state: str) -> bool:
        """Trust the memory if the cursor names it, else forget it; whether it was trusted."""
        try:
            named = json.loads(state).get("cache", "")
        except (ValueError, AttributeError):
            named = ""
        self._trusted, self._doubted = True, False
        return self._cache.trust(str(named))

    def recalled(self) -> tuple[int, ...]:
        """Up to where the memory on disk knows the log; from there on it is to be read back."""
        return self._cache.positions

    def recall(self, earlier: Iterable[Captured], reached: Sequence[int]) -> None:
        """Remember what the log has: whether content is new or changed is decided by that alone."""
        self._cache.recall(self._late.learnt(earlier), reached)

    def check(self) -> list[Finding]:
        """Try domain lookup, keys, both privileges and the file storage, without collecting."""
        return findings(self._settings, self._domains, self._api, self._files, self._date_ms)

    def close(self) -> None:
        """Let go of connections and of the cache."""
        self._http.close()
        self._cache.close()
