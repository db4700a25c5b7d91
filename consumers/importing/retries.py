"""Which of the copies that wait are tried again, and when: some of each mailbox at a time, in turn.

Work is linear in what waits: each row of the cache is read once in a turn through its mailbox, however long that takes.
"""

import time
from collections.abc import Callable, Iterable

from consumers.importing.desk import Desk
from consumers.importing.items import Item, Key
from consumers.importing.partition import Partition
from consumers.importing.receipts import Waiting
from consumers.importing.settings import ImportSettings
from consumers.importing.troubles import TroubleError

EVERY_S = 0.5
AT_A_TIME = 50  # waiting copies of a mailbox, from one partition, that are under way
READ = 1_000  # rows of a mailbox that are looked at at a time: most may have a pause of their own
Place = tuple[int, str]


class Retries:
    """For one life of an importer."""

    def __init__(
        self, settings: ImportSettings, target: str, desk: Desk, is_open: Callable[[Key], bool], put: Callable[[Item], None]
    ) -> None:  # fmt: skip
        """`is_open`: whether an item is under way; `put`: have it tried."""
        self._settings, self._target, self._desk = settings, target, desk
        self._is_open, self._put = is_open, put
        self._due: dict[Key, tuple[float, int]] = {}
        self._after: dict[Place, bytes] = {}
        self._tried: dict[Place, set[Key]] = {}
        self._at = 0.0

    def turn(self, partitions: Iterable[Partition]) -> None:
        """Try again what waits for mailboxes that are not left alone any more; does nothing most of the time."""
        if time.monotonic() < self._at:
            return
        self._at = time.monotonic() + EVERY_S
        for one in (some for some in partitions if some.is_quiet):
            for mailbox in one.receipts.waiting_mailboxes():
                if not self._desk.refuses(mailbox):
                    self._mailbox(one, mailbox)

    def put_off(self, key: Key, trouble: TroubleError) -> None:
        """An item that is refused by itself has a pause of its own."""
        failures = self._due.get(key, (0.0, 0))[1] + 1
        first, longest = self._settings.retry_seconds, self._settings.longest_retry_seconds
        pause = min(longest, first * 2.0 ** min(failures - 1, 20))
        self._due[key] = (time.monotonic() + max(pause, trouble.retry_s or 0.0), failures)

    def done(self, key: Key) -> None:
        """Nothing is tried any more for this item."""
        self._due.pop(key, None)

    def _mailbox(self, partition: Partition, mailbox: str) -> None:
        place = (partition.number, mailbox)
        under_way = {key for key in self._tried.pop(place, ()) if self._is_open(key)}
        read, room = 0, AT_A_TIME - len(under_way)
        while room > 0 and read < READ:
            rows = partition.receipts.waiting(mailbox, self._after.pop(place, b""), room)
            for row in rows:
                under_way |= self._again(partition, row)
            read += len(rows)
            if len(rows) < room:
                break  # that was the last; the next turn begins with the first
            self._after[place] = rows[-1].id
            room = AT_A_TIME - len(under_way)
        if under_way:
            self._tried[place] = under_way

    def _again(self, partition: Partition, row: Waiting) -> set[Key]:
        key = (row.id, row.routing)
        if self._is_open(key) or self._due.get(key, (0.0, 0))[0] > time.monotonic():
            return set()
        receipt = partition.receipts.decoded(row)
        self._put(Item({**receipt, "target": self._target}, partition.number))
        return {key}
