"""What LivePerson shows of a time: the conversations that it answers with, named event by event as the collector names them."""

import time
from collections.abc import Callable, Iterator

from producers.liveperson.auth import auth_of
from producers.liveperson.client import Api, Query
from producers.liveperson.domains import Domains
from producers.liveperson.drafts import drafts_of, started_ms
from producers.liveperson.filters import wanted
from producers.liveperson.history import Broken, History
from producers.liveperson.http import Http
from producers.liveperson.naming import name_of
from producers.liveperson.people import Directory
from producers.liveperson.settings import LivePersonSettings
from producers.liveperson.spans import Row
from producers.rollcall import Shown, refusal
from schemas.topics import DAY_MS


class LivePersonRollCall:
    """One LivePerson account. Memory: one page of rows."""

    def __init__(
        self,
        settings: LivePersonSettings,
        clock: Callable[[], float] = time.time,
        check_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self.look_back_ms = int(settings.look_back_days * DAY_MS)
        self._settings, self._clock = settings, clock
        self._http = Http(settings.calls, clock, check_stop)
        self._domains = Domains(self._http, settings)
        api = Api(settings, self._http, self._domains, auth_of(settings, self._http, self._domains))
        self._history = History(api, self._http)

    def now_ms(self) -> int:
        """LivePerson's clock by the `Date` of its domain lookup, never ahead of ours."""
        self._domains.ask_time()
        ours = int(self._clock() * 1000)
        return ours if self._http.date_ms is None else min(ours, self._http.date_ms)

    def shown(self, from_ms: int, to_ms: int) -> Iterator[Shown]:
        """Events of conversations that began in this time, or before it and were updated since."""
        oldest = self.now_ms() - self.look_back_ms
        if from_ms > oldest:
            yield from self._answers(Query(oldest, from_ms, updated_ms=from_ms), from_ms, to_ms)
        yield from self._answers(Query(max(oldest, from_ms), to_ms), from_ms, to_ms)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _answers(self, query: Query, from_ms: int, to_ms: int) -> Iterator[Shown]:
        for page in self._history.pages(query):
            if isinstance(page, Broken):
                yield refusal("not JSON", page.body)
                continue
            for row in page:
                yield from (
                    one for one in self._row(row) if one.at_ms is None or from_ms <= one.at_ms < to_ms
                )

    def _row(self, row: Row) -> Iterator[Shown]:
        if row.conversation is None:
            yield refusal("no conversation", row.whole.raw)
        elif wanted(row, self._settings.filters):
            start = started_ms(row)
            for draft in drafts_of(row, Directory(), start):
                name = name_of(draft, self._settings.uid, row.conversation, start)
                ids = (name.first, *sorted(name.plain - {name.first}))
                yield Shown(ids, draft.kind, row.conversation, draft.source_key, draft.at_ms)
