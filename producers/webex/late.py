"""Files of Webex that turn up after their message was archived."""

from producers.late import Late, LateFiles
from producers.owed import Owed, OwedFiles
from producers.source import Slice
from producers.webex.cache import Cache
from producers.webex.filenames import content_key
from producers.webex.lookups import Lookups
from producers.webex.settings import WebexSettings
from schemas.records import Attachment, Event


class WebexLateFiles(LateFiles):
    """What is owed is noted while events are made: losing the cache costs what it is for, and nothing else."""

    def __init__(self, settings: WebexSettings, cache: Cache, lookups: Lookups) -> None:
        owed = OwedFiles(cache.database)
        super().__init__(settings.uid, settings.late_file_days, owed, check_stop=lookups.check_stop)
        self._cache, self._lookups = cache, lookups

    def note(self, day: Slice, made: Event, urls: list[str], now_ms: int) -> None:
        """Remember which files of an event could not be had."""
        by_key = {content_key(url): url for url in urls}
        for file in made["attachments"]:
            self._owed.note(day, made, by_key[file["source_key"]], file, now_ms)

    def again(self, one: Owed) -> Attachment:
        """Ask for the file; SourceUnavailableError."""
        return self._lookups.again(one.url)

    def known(self, late: Late) -> bool:
        """Whether it was sent."""
        return self._cache.sent(late.id) is not None

    def sending(self, late: Late) -> None:
        """It counts as sent with the next confirmation."""
        self._cache.sending(late.id)
