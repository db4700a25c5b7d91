"""The Webex source: the window's events, slice by slice, each with everything that belongs to it.

    pages ─▶ spool on disk, by space and day ─▶ rosters, people, messages, files ─▶ Captured, at most 300 events

Memory: one page, or one Captured with its answers; files are streamed.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from producers.source import Captured, Contents, Finding, Refused, Window
from producers.webex import checks
from producers.webex.cache import Cache, Spooled
from producers.webex.capture import Capture
from producers.webex.client import Client
from producers.webex.directory import Directory
from producers.webex.feed import ListingError
from producers.webex.files import Files
from producers.webex.lookups import Lookups
from producers.webex.settings import WebexSettings
from producers.webex.slices import iso
from producers.webex.spooling import Spooling
from schemas.slices import UNDATED
from schemas.topics import DAY_MS

log = logging.getLogger(__name__)

MOST_EVENTS = 300
MOST_BYTES = 8_000_000


class WebexSource:
    """Webex as a `producers.source.Source`.

    `clock` gives seconds since 1970; `state_dir` holds a cache whose loss costs repeats and former texts only;
    `stop`, set by anybody, ends every wait for Webex within seconds with SourceUnavailableError.
    """

    name = "webex"

    def __init__(
        self,
        settings: WebexSettings,
        contents: Contents,
        state_dir: Path,
        clock: Callable[[], float] = time.time,
        stop: threading.Event | None = None,
    ) -> None:
        self.settle_ms = int(settings.settle_default_seconds * 1000)
        self.look_back_ms = int(settings.look_back_days * DAY_MS)
        self._client = Client(settings, clock, stop)
        self._cache = Cache(state_dir, settings.uid)
        self._lookups = Lookups(self._client, Files(self._client, contents), self._cache)
        self._spooling = Spooling(self._client, self._cache)
        self._capture = Capture(
            settings, self._cache, Directory(self._client), self._lookups, self._spooling
        )  # fmt: skip

    def now_ms(self) -> int:
        """The clock of the last answer, never ahead of ours; asks when that is older than a second."""
        return self._client.now_ms()

    def poll(self, window: Window) -> Iterator[Captured | Refused]:
        """Everything new of a window; see producers.source.Source."""
        now_ms = self.now_ms()
        from_ms = max(window.from_ms, now_ms - self.look_back_ms)
        if from_ms > window.from_ms:
            log.warning("Webex tells nothing before %s; what is older can't be collected", iso(from_ms))
        if from_ms > window.to_ms:
            return
        self._cache.clear_spool()
        self._lookups.begin()
        try:
            yield from self._spooling.read(from_ms, window.to_ms, now_ms)
        except ListingError:  # what came is archived, however long the rest will take
            yield from self._captured()
            raise
        yield from self._captured()
        yield from self._capture.late()

    def confirmed(self) -> None:
        """Everything yielded is in the log."""
        self._cache.confirm()

    def state(self) -> str:
        """Ties the cache on disk to the log."""
        return self._cache.state()

    def restore(self, state: str) -> bool:
        """Trust the cache as far as this state vouches for it; True, for what is lost need not be read back."""
        self._cache.restore(state)
        return True

    def recalled(self) -> None:
        """Nothing is kept of the log."""

    def recall(self, earlier: Iterable[Captured], reached: Sequence[int]) -> None:
        """Read nothing: ids are Webex's own, so a repeat is one also if it is not remembered."""

    def check(self) -> list[Finding]:
        """Try each right that collecting needs."""
        return checks.findings(self._client)

    def close(self) -> None:
        """Let go of connections and files."""
        self._client.close()
        self._lookups.close()
        self._cache.close()

    def _captured(self) -> Iterator[Captured]:
        for (room, label), rows in groupby(self._cache.spooled(), key=lambda row: (row.room, row.label)):
            for chunk in _chunks(rows):
                day = self._spooling.day(room, None if label == UNDATED else chunk[0].at_ms)
                events = self._capture.events(day, chunk)
                if events:
                    yield Captured(day, events)


def _chunks(rows: Iterable[Spooled]) -> Iterator[list[Spooled]]:
    chunk, size = list[Spooled](), 0
    for row in rows:
        if chunk and (len(chunk) >= MOST_EVENTS or size + len(row.raw) > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += len(row.raw)
    if chunk:
        yield chunk
