"""What a Webex source remembers on disk. A cache: losing it costs duplicates and former texts, never an event.

One SQLite file of mode 0600 in the state folder. What it says about Kafka's log (which events are sent, which
files are stored) holds for the log that it was made with alone: the cursor carries a name and a count that tie
the two together, and rows that the cursor does not vouch for are dropped.
"""

import contextlib
import json
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from producers.webex.tables import opened
from schemas.records import Attachment
from schemas.text import well_formed

_TRIMS = {
    "delete from sent where rowid <= (select max(rowid) from sent) - ?": 1_000_000,
    "delete from file where rowid <= (select max(rowid) from file) - ?": 200_000,
    "delete from said where rowid <= (select max(rowid) from said) - ?": 200_000,
    "delete from move where rowid <= (select max(rowid) from move) - ?": 1_000_000,
}
"""How many rows of each table are kept: some 300 MB of disk in all with ordinary texts."""


@dataclass(frozen=True)
class Move:
    """Somebody came or went: `kind` is joined or left."""

    at_ms: int
    person: str
    kind: str


@dataclass(frozen=True)
class Spooled:
    """One item that waits to be worked on."""

    room: str
    label: str
    at_ms: int
    event: str
    body: bytes
    raw: bytes


class Cache:
    """The cache, and the spool of the poll that is under way. For one thread at a time."""

    def __init__(self, folder: Path, uid: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"webex-{uid}.sqlite3"
        self._db = opened(path)
        self._sent: dict[bytes, bytes] = {}
        self._files: dict[str, Attachment] = {}
        self._vouched: int | None = -1  # None once the rows are in step with the log

    # --- what is in the log

    def sent(self, key: bytes) -> bytes | None:
        """The hash of the content under which an event was sent; None if it was not."""
        self._in_step()
        row = self._db.execute("select body from sent where key = ?", (key,)).fetchone()
        return self._sent.get(key) or (row[0] if row else None)

    def sending(self, key: bytes, body: bytes = b"-") -> None:
        """An event is on its way; it counts as sent with the next `confirm`."""
        self._sent[key] = body

    def attachment(self, key: str) -> Attachment | None:
        """The final outcome of a file that was fetched before."""
        self._in_step()
        row = self._db.execute("select attachment from file where key = ?", (key,)).fetchone()
        return self._files.get(key) or (_attachment(row[0]) if row else None)

    def fetched(self, attachment: Attachment) -> None:
        """A file has its final outcome; remembered for good with the next `confirm`."""
        self._files[attachment["source_key"]] = attachment

    def confirm(self) -> None:
        """Everything on its way is in the log: remember it."""
        self._in_step()
        seq = self._count() + 1
        with self.transaction():
            rows = ((key, body, seq) for key, body in self._sent.items())
            self._db.executemany("insert or replace into sent values (?, ?, ?)", rows)
            files = ((key, _text_of(found), seq) for key, found in self._files.items())
            self._db.executemany("insert or replace into file values (?, ?, ?)", files)
            self._set("count", str(seq))
            self._trim()
        self.forget_pending()

    def forget_pending(self) -> None:
        """What was on its way may not have arrived: a new poll begins. Fetched files stay in the store."""
        self._sent.clear()

    def state(self) -> str:
        """For the cursor: vouches for the rows that are confirmed by now."""
        self._in_step()
        return json.dumps({"cache": self._get("name"), "count": self._count()})

    def restore(self, state: str) -> None:
        """A cursor vouches for what it knows; of several, the newest counts."""
        try:
            found = json.loads(state)
            if found.get("cache") == self._get("name") and self._vouched is not None:
                self._vouched = max(self._vouched, int(found["count"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # no state of ours: nothing is vouched for

    def _in_step(self) -> None:
        """Before first use, drop what no cursor vouches for: another log, or a log that was set back."""
        if self._vouched is None:
            return
        with self.transaction():
            self._db.execute("delete from sent where seq > ?", (self._vouched,))
            self._db.execute("delete from file where seq > ?", (self._vouched,))
            self._set("count", str(max(self._vouched, 0)))
            if self._vouched < 0:
                self._set("name", secrets.token_hex(8))
        self._vouched = None

    # --- the spool of a poll

    def clear_spool(self) -> None:
        """Begin a new poll."""
        self._in_step()
        self._db.execute("delete from item")
        self.forget_pending()

    def spool(self, row: Spooled) -> None:
        """Keep an item until all pages are read; repeats of the same content vanish."""
        values = (row.room, row.label, row.at_ms, row.event, row.body, row.raw)
        self._db.execute("insert or ignore into item values (?, ?, ?, ?, ?, ?)", values)

    def spooled(self) -> Iterator[Spooled]:
        """All items, slice by slice, in order of time, then id, readable ones before ciphertext."""
        query = """select room, label, at_ms, event, body, raw from item
            order by room, label, at_ms, event, length(body) desc, body"""
        for row in self._db.execute(query):
            yield Spooled(*row)

    # --- what was said, and who came and went

    def say(self, message: str, at_ms: int, text: str) -> None:
        """Remember a version of a message, for the day when it is edited or deleted."""
        self._db.execute("insert or ignore into said values (?, ?, ?)", (message, at_ms, well_formed(text)))

    def former(self, message: str, before_ms: int) -> str | None:
        """The last text that a message had before a moment; None if it is not known."""
        query = "select text from said where message = ? and at_ms < ? order by at_ms desc limit 1"
        row = self._db.execute(query, (message, before_ms)).fetchone()
        return str(row[0]) or None if row else None

    def moved(self, room: str, event: str, move: Move) -> None:
        """Remember that somebody came or went."""
        row = (room, move.at_ms, event, move.person, move.kind)
        self._db.execute("insert or ignore into move values (?, ?, ?, ?, ?)", row)

    def moves(self, room: str, after_ms: int, until_ms: int) -> list[Move]:
        """Who came and went in (after, until], in order."""
        query = "select at_ms, person, kind from move where room = ? and at_ms > ? and at_ms <= ? order by at_ms, event"
        return [Move(*row) for row in self._db.execute(query, (room, after_ms, until_ms))]

    def known_as(self, inner: str, room: str) -> str | None:
        """Remember the id of a space; give an earlier one of the same space under which it was archived."""
        row = self._db.execute(
            "select room from space where inner = ? and room <> ?", (inner, room)
        ).fetchone()
        self._db.execute("insert or ignore into space values (?, ?)", (inner, room))
        return str(row[0]) if row else None

    # --- small things

    def fact(self, name: str) -> str | None:
        """A fact by name; None if it is not known."""
        return self._get(name)

    def note(self, name: str, value: str) -> None:
        """Remember a fact by name."""
        self._set(name, value)

    @property
    def database(self) -> sqlite3.Connection:
        """The file, for what is kept beside."""
        return self._db

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _trim(self) -> None:
        """Keep the newest rows of each table: rowids count up with every insert."""
        for statement, most in _TRIMS.items():
            self._db.execute(statement, (most,))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Write what follows together: one page, one confirmation."""
        self._db.execute("begin")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def _count(self) -> int:
        return int(self._get("count") or 0)

    def _get(self, name: str) -> str | None:
        row = self._db.execute("select value from fact where name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def _set(self, name: str, value: str) -> None:
        self._db.execute("insert or replace into fact values (?, ?)", (name, value))


def _text_of(found: Attachment) -> str:
    content = found["content"]
    plain = {"sha256": content["sha256"].hex(), "size": content["size"]} if content else None
    return json.dumps({**found, "content": plain})


def _attachment(text: str) -> Attachment:
    found = json.loads(text)
    content = found["content"]
    if content:
        found["content"] = {"sha256": bytes.fromhex(content["sha256"]), "size": content["size"]}
    whole: Attachment = found
    return whole
