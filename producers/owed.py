"""Files that could not be had when their message was archived, and may turn up later: asked for again, ever more seldom.

What is in the log stays as it is (an outcome is final, rule 7). Bytes that turn up are an event of their own, with the time
of the message, so that they reach everybody who could read it (decision 23).
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from producers.source import Slice
from schemas.records import Attachment, Event, Person

MAY_TURN_UP = frozenset({"infected", "unscannable", "too_slow", "too_large"})
"""A scanner may change its mind, a scan may end, the configuration may allow more. What is gone is gone."""
PAUSES_S = (900, 3_600, 4 * 3_600, 12 * 3_600, 86_400)
"""Between two tries, by the source's clock; the last one again and again."""
TABLE = "owed_files"

_LAYOUT = f"""create table if not exists {TABLE} (key text, url text, room text, label text, start_ms integer,
    end_ms integer, at_ms integer, suspect integer, message text, actor text, reason text, since_ms integer,
    tries integer, due_ms integer, audience text, name text, kind text, primary key (key, room, message))"""
_COLUMNS = 17
_FORMER = ("owed", "owing")
"""Tables of earlier versions, without the last three columns; in the first a file was owed to one message alone."""


@dataclass(frozen=True)
class Owed:
    """One such file, owed to one message: the same one in another conversation is owed there too.

    `reason` says why it could not be had, `message` is the source key of the event that has it; `name` and
    `content_type` are what that event says of the file.
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
    audience: str = "all"
    name: str | None = None
    content_type: str | None = None


class OwedFiles:
    """Keeps them in the file of a source's cache; who commits there commits them too."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self._db.execute(_LAYOUT)
        for former in _FORMER:
            self._take_over(former)

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
            now_ms, 0, now_ms + PAUSES_S[0] * 1000, made["audience"], file["name"], file["content_type"],
        )  # fmt: skip
        self._db.execute(f"insert or ignore into {TABLE} values ({', '.join('?' * _COLUMNS)})", row)  # noqa: S608 - only marks

    def due(self, now_ms: int, most: int) -> Iterator[Owed]:
        """Those whose time has come, at most so many, the longest waiting first; also those of a clock ahead of this one."""
        rows = self._db.execute(
            f"select * from {TABLE} where due_ms <= ? or since_ms > ? order by due_ms, key, room, message limit ?",  # noqa: S608 - one name
            (now_ms, now_ms, most),
        ).fetchall()
        for row in rows:
            key, url, room, label, start, end, at, suspect, message, actor, reason, since, tries, _, *told = (
                row
            )
            day = Slice(room, label, start, end)
            yield Owed(
                key, url, day, at, bool(suspect), message, json.loads(actor), reason, since, tries, *told
            )

    def put_off(self, one: Owed, now_ms: int, *, counts: bool = True) -> None:
        """Try again later; `counts` is False where the source did not answer at all."""
        tries = one.tries + counts
        pause_s = PAUSES_S[min(tries, len(PAUSES_S) - 1)]
        self._db.execute(
            f"update {TABLE} set tries = ?, due_ms = ?, since_ms = min(since_ms, ?)"  # noqa: S608 - one name
            " where key = ? and room = ? and message = ?",
            (tries, now_ms + pause_s * 1000, now_ms, one.key, one.day.conversation, one.message),
        )

    def forget(self, before_ms: int) -> None:
        """Those that are owed since before this time: nobody expects them any more."""
        self._db.execute(f"delete from {TABLE} where since_ms < ?", (before_ms,))  # noqa: S608 - one name

    def settle(self, one: Owed) -> None:
        """Nothing more is to be had, or nothing more to be done."""
        self._settle(one.key, one.day.conversation, one.message)

    def _settle(self, key: str, room: str, message: str) -> None:
        self._db.execute(
            f"delete from {TABLE} where key = ? and room = ? and message = ?",  # noqa: S608 - one name
            (key, room, message),
        )

    def _take_over(self, former: str) -> None:
        if not self._db.execute(
            "select 1 from sqlite_master where type = 'table' and name = ?", (former,)
        ).fetchone():
            return
        with self._db:
            self._db.execute("begin")
            self._db.execute(f"insert or ignore into {TABLE} select *, 'all', null, null from {former}")  # noqa: S608 - one of two names
            self._db.execute(f"drop table {former}")  # one of two names
