"""What an importer says in its log: one line a minute while something changes, and one at its end."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping

from consumers.importing.items import FINAL
from schemas.records import Receipt

EVERY_S = 60.0
WORDS = {
    "ok": "imported",
    "partial": "imported in part",
    "skipped": "skipped",
    "failed": "refused",
    "waiting": "waiting",
}
log = logging.getLogger(__name__)


class Progress:
    """Counts receipts from the start of the process on, by connector."""

    def __init__(self, connectors: Iterable[str]) -> None:
        self._done = {uid: Counter[str]() for uid in connectors}
        self._waiting: dict[str, int] = {}
        self._told, self._due = self.line(), time.monotonic() + EVERY_S

    def note(self, receipts: Iterable[Receipt]) -> None:
        """These are confirmed."""
        for one in receipts:
            if one["outcome"] in FINAL:
                self._done.setdefault(one["connector_uid"], Counter())[one["outcome"]] += 1

    def waits(self, waiting: Mapping[str, int]) -> None:
        """So many copies of each connector wait for their mailboxes now."""
        self._waiting = dict(waiting)

    def tell(self) -> None:
        """The line, not more often than once a minute, and only if it is another one than before."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + EVERY_S
        if self._told != self.line():
            self.end()

    def end(self) -> None:
        """The line, whatever was told before."""
        self._told = self.line()
        log.info("%s", self._told)

    def line(self) -> str:
        """For each connector what became of its copies since the start, and what waits."""
        parts = []
        for uid in sorted({*self._done, *self._waiting}):
            counts = {**self._done.get(uid, Counter()), "waiting": self._waiting.get(uid, 0)}
            parts.append(f"{uid}: {in_words(counts)}")
        return "since the start: " + ("; ".join(parts) or "nothing")


def in_words(counts: Mapping[str, int]) -> str:
    """Copies by outcome; what is not counted is none."""
    return ", ".join(f"{counts.get(outcome, 0):,} {word}" for outcome, word in WORDS.items())
