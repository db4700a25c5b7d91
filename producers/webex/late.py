"""Events of files that turn up after their message was archived."""

import logging
from collections.abc import Iterator

from producers.source import Captured, Slice, SourceUnavailableError
from producers.webex.cache import Cache
from producers.webex.filenames import content_key
from producers.webex.lookups import Lookups
from producers.webex.owed import Owed, OwedFiles
from producers.webex.settings import WebexSettings
from schemas.ids import event_id
from schemas.records import Attachment, Event, event
from schemas.text import well_formed

log = logging.getLogger(__name__)
MOST_TRIES = 20
"""Files that one poll asks for again: what is new has precedence."""
DAY_MS = 86_400_000


class LateFiles:
    """Asks again for what is owed."""

    def __init__(self, settings: WebexSettings, cache: Cache, lookups: Lookups) -> None:
        self._uid, self._for_ms = settings.uid, int(settings.late_file_days * DAY_MS)
        self._cache, self._lookups = cache, lookups
        self._owed = OwedFiles(cache)

    def note(self, day: Slice, made: Event, urls: list[str], now_ms: int) -> None:
        """Remember which files of an event could not be had."""
        by_key = {content_key(url): url for url in urls}
        for file in made["attachments"]:
            self._owed.note(day, made, by_key[file["source_key"]], file, now_ms)

    def captured(self, now_ms: int) -> Iterator[Captured]:
        """Those that can be had now. One that was yielded is forgotten only when it is in the log."""
        for one in self._owed.due(now_ms, MOST_TRIES):
            ident = event_id(self._uid, _source_key(one))
            if self._cache.sent(ident) is not None or now_ms - one.since_ms > self._for_ms:
                self._owed.settle(one)
                continue
            found = self._asked(one, now_ms)
            if found is not None:
                self._cache.sending(ident)
                yield Captured(one.day, [_event(ident, one, found)])

    def _asked(self, one: Owed, now_ms: int) -> Attachment | None:
        try:
            found = self._lookups.again(one.url)
        except SourceUnavailableError as error:
            self._lookups.check_stop()
            log.info("a file that was not to be had is asked for later: %s", error)
            self._owed.put_off(one, now_ms, counts=False)
            return None
        if found["outcome"] == "stored":
            return found
        self._owed.put_off(one, now_ms)
        return None


def _source_key(one: Owed) -> str:
    # The same file may hang on messages of several spaces: each of them gets it.
    return f"file:{one.key}/{one.day.conversation}/{one.message}"


def _event(ident: bytes, one: Owed, found: Attachment) -> Event:
    """In the slice of the message and with its time: who could read the message gets the file."""
    made = event(ident, _source_key(one), "file", one.at_ms)
    made |= {"target": one.message, "actor": one.actor, "at_suspect": one.suspect, "attachments": [found]}
    made["order"] = 1  # behind what has the same time
    made["details"] = {"note": f"archived later than its message; at first {one.reason}"}
    made["raw"] = well_formed(one.url).encode()
    return made
