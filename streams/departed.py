"""Mails that an order of disposition named: a worker that comes late does not store them again (rule 28).

An order waits until the workers are past what it names. But one that was stopped meanwhile, or cut off from Kafka, has lost its
partitions to another and still has slices in its hands when it goes on, and one whose positions were lost reads old slices again.
So the ids in topic audit are known here as of a moment ago: whoever was away for longer asks again before it stores anything.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable

from schemas import dispositions
from schemas.codec import Codec, DecodeError
from streams.readback import Kept
from streams.refusals import dependency

ReadAudit = Callable[[int], AsyncIterator[Kept]]


class Departed:
    """Their ids, on disk in a file without a name, since retention names very many."""

    def __init__(self, audit: ReadAudit, codec: Codec, fresh_s: float) -> None:
        """`audit` reads topic audit from a position to its present end; what was read holds for `fresh_s` seconds."""
        self._audit, self._codec, self._fresh_s = audit, codec, fresh_s
        self._reading = asyncio.Lock()
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("CREATE TABLE departed (mail BLOB PRIMARY KEY) WITHOUT ROWID")
        self._any = False  # where nothing was ever disposed of, nothing is looked up
        self._next, self._as_of = 0, -fresh_s
        self._ahead: asyncio.Task[None] | None = None

    async def has(self, mail: bytes) -> bool:
        """Whether an order named the mail; DependencyError if the topic can't be read."""
        age_s = time.monotonic() - self._as_of
        if age_s > self._fresh_s:
            await self._look(self._fresh_s)
        elif age_s > self._fresh_s / 2 and (self._ahead is None or self._ahead.done()):
            # A look takes a tenth of a second: while there is always something to store, nobody waits for it.
            self._ahead = asyncio.create_task(self._look(self._fresh_s / 2))
            self._ahead.add_done_callback(_heard)
        if not self._any:
            return False
        return self._db.execute("SELECT 1 FROM departed WHERE mail=?", (mail,)).fetchone() is not None

    async def _look(self, oldest_s: float) -> None:
        """Read what came since, unless somebody else has just done so."""
        async with self._reading:
            as_of = time.monotonic()
            if as_of - self._as_of <= oldest_s:
                return
            with dependency("audit"):
                async for kept in self._audit(self._next):
                    self._note(kept)
                    self._next = kept.position + 1
            self._as_of = as_of

    def _note(self, kept: Kept) -> None:
        try:
            name, one = self._codec.decode(kept.value)
        except DecodeError:
            return  # the commands that need orders and holds stop there, and say so
        if name == "Audit" and one["kind"] == "disposed":
            self._any = True
            rows = ((mail,) for mail in dispositions.mails_of(one))
            self._db.executemany("INSERT OR IGNORE INTO departed VALUES (?)", rows)


def _heard(look: "asyncio.Task[None]") -> None:
    """What went wrong is said by the next one who has to wait for a look."""
    if not look.cancelled():
        look.exception()
