"""Events of files that turn up after their message was archived; each source says how it asks for one again."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from producers.owed import Owed, OwedFiles
from producers.source import Captured, SourceUnavailableError
from schemas.ids import event_id
from schemas.records import Attachment, Event, event
from schemas.text import well_formed
from schemas.topics import DAY_MS

log = logging.getLogger(__name__)
MOST_TRIES = 20
"""Files that one poll asks for again: what is new has precedence."""
LONGEST_S = 60.0
"""When asking for them has taken so long, the rest waits for the next poll."""


@dataclass(frozen=True)
class Late:
    """A file that is owed, with what its event is called."""

    owed: Owed
    key: str
    id: bytes


class LateFiles(ABC):
    """Asks again for what is owed; `order` puts a file behind what has the same time.

    `about` says what goes into the details of an event of this conversation; `check_stop` raises if the collector is
    to stop, where that does not end `again` by itself.
    """

    order = 1

    def __init__(
        self,
        uid: str,
        for_days: float,
        owed: OwedFiles,
        about: Callable[[str], dict[str, str]] = lambda _: {},
        check_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._uid, self._for_ms = uid, int(for_days * DAY_MS)
        self._owed, self._about, self._check_stop = owed, about, check_stop

    @abstractmethod
    def again(self, one: Owed) -> Attachment:
        """Ask for the file without waiting for a scan. Raises SourceUnavailableError, SourceRefusedError."""

    @abstractmethod
    def known(self, late: Late) -> bool:
        """Whether its event is in the log already."""

    @abstractmethod
    def sending(self, late: Late) -> None:
        """Its event is on its way to the log."""

    def captured(self, now_ms: int) -> Iterator[Captured]:
        """Those that can be had now. One that was yielded is forgotten only when it is in the log."""
        until = time.monotonic() + LONGEST_S
        self._owed.forget(now_ms - self._for_ms)
        for one in self._owed.due(now_ms, MOST_TRIES):
            late = self._late(one)
            if self.known(late):
                self._owed.settle(one)
                continue
            if time.monotonic() > until:
                return
            found = self._asked(one, now_ms)
            if found is not None:
                self.sending(late)
                yield Captured(one.day, [self._event(late, found)])

    def _late(self, one: Owed) -> Late:
        # The same file may hang on messages of several conversations: each of them gets it.
        key = f"file:{one.key}/{one.day.conversation}/{one.message}"
        return Late(one, key, event_id(self._uid, key))

    def _asked(self, one: Owed, now_ms: int) -> Attachment | None:
        try:
            found = self.again(one)
        except SourceUnavailableError as error:
            self._check_stop()
            log.info("a file that was not to be had is asked for later: %s", error)
            self._owed.put_off(one, now_ms, counts=False)
            return None
        if found["outcome"] == "stored":
            return found
        self._owed.put_off(one, now_ms)
        return None

    def _event(self, late: Late, found: Attachment) -> Event:
        """In the slice of the message and with its time and audience: who could read the message gets the file."""
        one = late.owed
        made = event(late.id, late.key, "file", one.at_ms)
        made |= {"target": one.message, "actor": one.actor, "at_suspect": one.suspect, "attachments": [found]}
        made |= {"order": self.order, "audience": one.audience, "raw": well_formed(one.url).encode()}
        note = f"archived later than its message; at first {one.reason}"
        made["details"] = {**self._about(one.day.conversation), "note": note}
        return made
