"""Files that could not be had when their message was archived, and may turn up later: asked for again, ever more seldom.

What is in the log stays as it is (an outcome is final, rule 7). Bytes that turn up are an event of their own, with the time
of the message, so that they reach everybody who could read it (decision 23).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from producers.source import Slice
from producers.webex.cache import Cache
from schemas.records import Attachment, Event, Person

MAY_TURN_UP = frozenset({"infected", "unscannable", "too_slow", "too_large"})
"""A scanner may change its mind, a scan may end, the configuration may allow more. What is gone is gone."""
PAUSES_S = (900, 3_600, 4 * 3_600, 12 * 3_600, 86_400)
"""Between two tries, by the source's clock; the last one again and again."""

_TABLE = """create table if not exists owing (key text, url text, room text, label text, start_ms integer,
    end_ms integer, at_ms integer, suspect integer, message text, actor text, reason text, since_ms integer,
    tries integer, due_ms integer, primary key (key, room, message))"""
_FORMER = "select 1 from sqlite_master where type = 'table' and name = 'owed'"
"""Of an earlier version, in which a file was owed to one message alone."""


@dataclass(frozen=True)
class Owed:
    """One such file, owed to one message: the same one in another space is owed there too.

    `reason` says why it could not be had, `message` is the source key of the event that has it.
    """

    key: str
    url: str
    day: Slice
    at_ms: int
    suspect: bool
    message: str
    actor: Person | None
    reason: str
    since_ms: int
    tries: int


class OwedFiles:
    """Keeps them beside the cache; losing them costs what they are for, and nothing else."""

    def __init__(self, cache: Cache) -> None:
        self._db = cache.database
        self._db.execute(_TABLE)
        if self._db.execute(_FORMER).fetchone():
            with cache.transaction():
                self._db.execute("insert or ignore into owing select * from owed")
                self._db.execute("drop table owed")

    def note(self, day: Slice, made: Event, url: str, file: Attachment, now_ms: int) -> None:
        """Owe this file of an event from now on, unless it is owed already; one that is there is owed no more."""
        message = (made["target"] if made["kind"] != "message" else None) or made["source_key"]
        if file["outcome"] == "stored":
            self._settle(file["source_key"], day.conversation, message)
        if file["outcome"] not in MAY_TURN_UP:
            return
        deleted = made["kind"] == "deleted"
        actor = made["people"][0] if deleted and made["people"] else made["actor"]
        row = (
            file["source_key"], url, day.conversation, day.label, day.start_ms, day.end_ms, made["at_ms"],
            made["at_suspect"], message, json.dumps(actor), f"{file['outcome']}: {file['reason']}",
            now_ms, 0, now_ms + PAUSES_S[0] * 1000,
        )  # fmt: skip
        self._db.execute(f"insert or ignore into owing values ({', '.join('?' * len(row))})", row)  # noqa: S608 - only marks

    def due(self, now_ms: int, most: int) -> Iterator[Owed]:
        """Those whose time has come, at most so many, the longest waiting first."""
        rows = self._db.execute(
            "select * from owing where due_ms <= ? order by due_ms, key, room, message limit ?",
            (now_ms, most),
        ).fetchall()
        for key, url, room, label, start, end, at, suspect, message, actor, reason, since, tries, _ in rows:
            day = Slice(room, label, start, end)
            yield Owed(
                key, url, day, at, bool(suspect), message, json.loads(actor), reason, since, tries
            )  # fmt: skip

    def put_off(self, one: Owed, now_ms: int, *, counts: bool = True) -> None:
        """Try again later; `counts` is False where the source did not answer at all."""
        tries = one.tries + counts
        pause_s = PAUSES_S[min(tries, len(PAUSES_S) - 1)]
        self._db.execute(
            "update owing set tries = ?, due_ms = ? where key = ? and room = ? and message = ?",
            (tries, now_ms + pause_s * 1000, one.key, one.day.conversation, one.message),
        )

    def settle(self, one: Owed) -> None:
        """Nothing more is to be had, or nothing more to be done."""
        self._settle(one.key, one.day.conversation, one.message)

    def _settle(self, key: str, room: str, message: str) -> None:
        self._db.execute("delete from owing where key = ? and room = ? and message = ?", (key, room, message))
