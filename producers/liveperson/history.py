"""Whole answers from a paged, sharded, moving history: every page, shard and truncated row settled, or an error.

`next` links are not followed (they name internal hosts); offsets are computed. A result that shrinks, stands still
or stays incomplete ends as SourceUnavailableError, and the window is polled again as a whole.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from producers.liveperson.calls import TooLargeError
from producers.liveperson.client import IDS_PER_CALL, PAGE_ROWS, Api, Query
from producers.liveperson.http import Http
from producers.liveperson.spans import RECORDS, MalformedError, Page, Row
from producers.source import SourceUnavailableError

MOST_ROWS = 9_000
"""Rows that one query may match; beyond 10,000 the search engine behind the API stops answering."""
MALFORMED_TRIES = 3
UNSEEN = "LivePerson history breaks off in the middle of rows; the window will be polled again"


@dataclass(frozen=True)
class Broken:
    """An answer that is no JSON: its bytes, and why."""

    error: str
    body: bytes = field(repr=False)

    @property
    def whole(self) -> bool:
        """Whether it begins and ends like an answer: then what it was to bring is in its bytes, else nobody has seen it."""
        return RECORDS.encode() in self.body and self.body.rstrip().endswith(b"}")


@dataclass
class _Reading:
    """How far one query has been read."""

    count: int = 0
    offset: int = 0
    more: bool = True
    ids: set[str] = field(default_factory=set)
    unseen: int = 0
    """Rows of which no answer came that had them, however often they were asked for."""


class History:
    """Reads queries to the end."""

    def __init__(self, api: Api, http: Http) -> None:
        self._api, self._http = api, http

    def pages(self, query: Query) -> Iterator[list[Row] | Broken]:
        """All rows of a query, page by page, each whole; answers that can't be read come as they are."""
        for span in query.spans():
            yield from self._span(span)

    def _span(self, query: Query) -> Iterator[list[Row] | Broken]:
        reading = _Reading()
        while reading.more:
            page = self._page(query, reading.offset)
            halves = query.halves() if _too_many(page) and reading.offset == 0 else None
            if isinstance(page, Broken):
                yield from self._rescued(query, reading, page)
            elif halves:
                for half in halves:
                    yield from self._span(half)
                return
            else:
                _note(reading, page)
                yield from self._whole(page.rows)
        if reading.unseen:  # all others are on their way
            raise SourceUnavailableError(UNSEEN)

    def _page(self, query: Query, offset: int, limit: int = PAGE_ROWS) -> Page | Broken:
        """One page from all shards; a shorter one where so many rows would be too many bytes."""
        try:
            return self._settled(query, offset, limit)
        except TooLargeError:
            if limit == 1:
                raise
        return self._page(query, offset, max(1, limit // 10))

    def _settled(self, query: Query, offset: int, limit: int) -> Page | Broken:
        found: list[Page | Broken] = []

        def answered() -> bool:
            found.append(self._readable(lambda: self._api.search_body(query, offset, limit)))
            return isinstance(found[-1], Broken) or found[-1].settled

        self._http.patiently(
            answered,
            "LivePerson history search: some shards keep giving no answer; the window will be polled again",
        )
        return found[-1]

    def _readable(self, ask: Callable[[], bytes]) -> Page | Broken:
        """The page in an answer, asked for again a few times if it can't be read."""
        broken = Broken("never asked", b"")
        for _ in range(MALFORMED_TRIES):
            body = ask()
            try:
                return self._api.page(body)
            except MalformedError as error:
                broken = Broken(str(error), body)
        return broken

    def _rescued(self, query: Query, reading: _Reading, whole: Broken) -> Iterator[list[Row] | Broken]:
        """The rows of a page that can't be read, one by one, so that a single bad one takes no other with it."""
        singles = self._singles(query, reading.offset)
        if all(isinstance(single, Broken) for single in singles):
            msg = f"LivePerson history search answers with what is no JSON ({whole.error}); it will be tried again"
            raise SourceUnavailableError(msg)
        for single in singles:
            reading.offset += 1
            if isinstance(single, Broken):
                reading.unseen += not single.whole
                yield single
            elif single.rows:
                yield from self._whole(
                    single.rows
                )  # more than was asked for is no harm, and may be two bodies of one id
            else:
                reading.more = False

    def _singles(self, query: Query, offset: int) -> list[Page | Broken]:
        """The rows of one page, each asked for alone, up to the end of the result."""
        found: list[Page | Broken] = []
        while len(found) < PAGE_ROWS:
            found.append(self._page(query, offset + len(found), 1))
            if isinstance(found[-1], Page) and not found[-1].rows:
                break
        return found

    def _whole(self, rows: list[Row]) -> Iterator[list[Row] | Broken]:
        """The same rows, truncated ones fetched again by id."""
        cut = [row.conversation for row in rows if row.cut_short and row.conversation is not None]
        answers = self.by_ids(cut)
        yield replaced(rows, [row for row in answers if isinstance(row, Row)], lambda row: row.cut_short)
        broken = [answer for answer in answers if isinstance(answer, Broken)]
        yield from broken
        if not all(answer.whole for answer in broken):
            raise SourceUnavailableError(UNSEEN)

    def by_ids(self, ids: Sequence[str]) -> list[Row | Broken]:
        """These conversations whole; those that the source does not know are missing."""
        chunks = (list(ids)[at : at + IDS_PER_CALL] for at in range(0, len(ids), IDS_PER_CALL))
        return [row for chunk in chunks for row in self._by_ids(chunk)]

    def _by_ids(self, ids: list[str]) -> list[Row | Broken]:
        """One call, or several where one answer would be too large or can't be read."""
        try:
            found = self._settled_by_ids(ids)
        except TooLargeError:
            found = Broken("too large", b"")
        if isinstance(found, Page):
            return [*found.rows]
        if len(ids) == 1:
            return [found]
        middle = len(ids) // 2
        return [*self._by_ids(ids[:middle]), *self._by_ids(ids[middle:])]

    def _settled_by_ids(self, ids: list[str]) -> Page | Broken:
        found: list[Page | Broken] = []

        def answered() -> bool:
            found.append(self._readable(lambda: self._api.by_ids_body(ids)))
            page = found[-1]
            return isinstance(page, Broken) or (page.settled and not any(row.cut_short for row in page.rows))

        self._http.patiently(
            answered,
            "LivePerson history by id: the rows keep coming incomplete; the window will be polled again",
        )
        return found[-1]


def replaced(rows: Sequence[Row], fetched: Iterable[Row], wanted: Callable[[Row], bool]) -> list[Row]:
    """The rows, wanted ones as they were fetched by id; of several bodies under one id none is left out."""
    whole: dict[str | None, list[Row]] = {}
    for row in fetched:
        whole.setdefault(row.conversation, []).append(row)
    return [each for row in rows for each in (whole.pop(row.conversation, [row]) if wanted(row) else [row])]


def _too_many(page: Page | Broken) -> bool:
    return isinstance(page, Page) and (page.count or 0) > MOST_ROWS


def _note(reading: _Reading, page: Page) -> None:
    """Note a page; SourceUnavailableError if rows may have been skipped or the pages go round in circles."""
    ids = {row.conversation or row.whole.raw.hex() for row in page.rows}
    fault = _fault(reading, page, ids)
    if fault is not None:
        msg = f"LivePerson history search: {fault}; the window will be polled again"
        raise SourceUnavailableError(msg)
    reading.count = page.count or 0
    reading.offset += len(page.rows)
    reading.ids |= ids
    reading.more = bool(page.rows) if page.count is None else reading.offset < page.count


def _fault(reading: _Reading, page: Page, ids: set[str]) -> str | None:
    count = page.count if page.count is not None else reading.count
    if count < reading.count:
        return f"the result shrank from {reading.count} to {count} rows while it was read"
    if not page.rows and reading.offset < count:
        return f"{reading.offset} of {count} rows came, then none"
    if ids and ids <= reading.ids:
        return f"the page at offset {reading.offset} only repeats earlier rows"
    return None
