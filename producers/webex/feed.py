"""Listings, page by page to the end: over empty pages, never round in a circle, no byte lost on a broken page."""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from producers.source import SourceUnavailableError
from producers.webex.auth import origin
from producers.webex.client import Answer, Client, accepted
from producers.webex.paging import larger, next_url, smaller
from producers.webex.spans import Page, page

log = logging.getLogger(__name__)

TRIES = 3
"""How often a page that can't be read is asked for, before it is asked for in halves, down to a single item."""
MOST_REPEATS = 300
"""So many pages in a row with nothing new are no listing any more."""


class ListingError(SourceUnavailableError):
    """A listing that has no end: its pages repeat, or break off. What came before is good."""


@dataclass(frozen=True)
class Batch:
    """The items of a page, verbatim; `body` is the whole page when it broke, for `error`."""

    items: list[bytes]
    origin: str
    error: str | None = None
    body: bytes = b""


def listing(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Batch]:
    """All pages of a listing. Raises SourceRefusedError, SourceUnavailableError.

    A page that stays broken is handed over as it is; if nothing says whether more was to come, ListingError.
    """
    url: str | None = client.url(path, params)
    guard = _Guard()
    first = True
    while url is not None:
        answer, found = _read(client, url, first=first)
        yield Batch(found.items, answer.url, found.error, answer.body if found.error else b"")
        guard.check(url, answer.body)
        url, first = _following(client, answer, params), False
        if url is None and found.error is not None and not _is_whole(answer.body):
            raise ListingError("Webex breaks off a listing; the window is asked for again")


def _read(client: Client, url: str, *, first: bool) -> tuple[Answer, Page]:
    """One page, asked for again while it can't be read, then in halves: what breaks one item takes no other with it."""
    tries = 0
    while True:
        answer = client.fetch(url)
        if not first and answer.status in {400, 404, 410}:
            raise SourceUnavailableError(
                "Webex no longer knows where a listing was; it will be started again"
            )
        found, tries = page(accepted(answer).body), tries + 1
        shorter = smaller(answer.url, least=1) if tries >= TRIES else url
        if found.error is None or shorter is None:
            return answer, found
        log.warning("a page of %s can't be read: %s", url.partition("?")[0], found.error)
        url = shorter


def _is_whole(body: bytes) -> bool:
    """Whether a broken page has an end like a page: then it was the last, and all that it brought is in its bytes."""
    return b'"items"' in body and body.rstrip().endswith(b"}")


def _following(client: Client, answer: Answer, params: Mapping[str, str]) -> str | None:
    url = next_url(answer.headers.get("Link"), answer.url, params)
    if url is not None and origin(url) != origin(client.settings.base_url):
        raise SourceUnavailableError("Webex names a next page on another host; it is not followed")
    return None if url is None else larger(url, params.get("max"))


class _Guard:
    """Ends listings that come round again or never end. Memory: 16 bytes a page."""

    def __init__(self) -> None:
        self._urls, self._bodies = set[bytes](), set[bytes]()
        self._repeats = 0

    def check(self, url: str, body: bytes) -> None:
        """Note a page. Raises ListingError at the end of patience."""
        self._repeats = self._repeats + 1 if _known(body, self._bodies) else 0
        if _known(url.encode(), self._urls) or self._repeats > MOST_REPEATS:
            raise ListingError("Webex repeats a page of its events for ever; the window is asked for again")


def _known(raw: bytes, seen: set[bytes]) -> bool:
    key = hashlib.blake2b(raw, digest_size=16).digest()
    known = key in seen
    seen.add(key)
    return known
