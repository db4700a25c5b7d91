"""Listings, page by page to the end: over empty pages, never round in a circle, no byte lost on a broken page."""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from producers.source import SourceUnavailableError
from producers.webex.auth import origin
from producers.webex.client import Answer, Client, accepted
from producers.webex.paging import next_url
from producers.webex.spans import Page, page

log = logging.getLogger(__name__)

TRIES = 3
"""How often a page that can't be read is asked for, before it is taken as it is."""
MOST_REPEATS = 300
"""So many pages in a row with nothing new are no listing any more."""


@dataclass(frozen=True)
class Batch:
    """The items of a page, verbatim; `body` is the whole page when it broke, for `error`."""

    items: list[bytes]
    origin: str
    error: str | None = None
    body: bytes = b""


def listing(client: Client, path: str, params: Mapping[str, str]) -> Iterator[Batch]:
    """All pages of a listing. Raises SourceRefusedError, SourceUnavailableError."""
    url: str | None = client.url(path, params)
    guard = _Guard()
    first = True
    while url is not None:
        answer, found = _read(client, url, first=first)
        yield Batch(found.items, answer.url, found.error, answer.body if found.error else b"")
        guard.check(url, answer.body)
        url, first = _following(client, answer, params), False


def _read(client: Client, url: str, *, first: bool) -> tuple[Answer, Page]:
    """One page, asked for again while it can't be read: a broken page may be whole the next time."""
    for _ in range(TRIES):
        answer = client.fetch(url)
        if not first and answer.status in {400, 404, 410}:
            raise SourceUnavailableError(
                "Webex no longer knows where a listing was; it will be started again"
            )
        found = page(accepted(answer).body)
        if found.error is None:
            break
        log.warning("a page of %s can't be read: %s", url.partition("?")[0], found.error)
    return answer, found


def _following(client: Client, answer: Answer, params: Mapping[str, str]) -> str | None:
    url = next_url(answer.headers.get("Link"), answer.url, params)
    if url is not None and origin(url) != origin(client.settings.base_url):
        raise SourceUnavailableError("Webex names a next page on another host; it is not followed")
    return url


class _Guard:
    """Ends listings that come round again or never end. Memory: 16 bytes a page."""

    def __init__(self) -> None:
        self._urls, self._bodies = set[bytes](), set[bytes]()
        self._repeats = 0

    def check(self, url: str, body: bytes) -> None:
        """Note a page. Raises SourceUnavailableError at the end of patience."""
        self._repeats = self._repeats + 1 if _known(body, self._bodies) else 0
        if _known(url.encode(), self._urls) or self._repeats > MOST_REPEATS:
            raise SourceUnavailableError(
                "Webex repeats a page of its events for ever; the window is asked for again"
            )


def _known(raw: bytes, seen: set[bytes]) -> bool:
    key = hashlib.blake2b(raw, digest_size=16).digest()
    known = key in seen
    seen.add(key)
    return known
