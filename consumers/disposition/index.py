"""What the topics say of mails, closings and files, folded into a file beside the cursors: an order then reads only what is new.

The file is a cache: without it, or where it is damaged, the topics are read once from their beginning. What is told twice changes
nothing, so it never matters where a run ended.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Self

from consumers.cache_file import opened, transaction
from consumers.disposition.closed import Place
from consumers.same_log import Logs
from schemas.dispositions import Scope
from schemas.ids import mail_id, slice_key
from schemas.records import Closing, Delivery, RawEvents, Receipt

VERSION = 2
STANDS, LEFT, KEPT = 0, 1, 2
"""Of what refers to a file: it stands, an order disposed of it, no order ever can."""
PAGE = 500
_TABLES = """
CREATE TABLE place (topic TEXT, partition INTEGER, next INTEGER, PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE closing (key TEXT, partition INTEGER, position INTEGER, at_ms INTEGER, id BLOB,
  PRIMARY KEY (key, partition, position)) WITHOUT ROWID;
CREATE TABLE mail (id BLOB PRIMARY KEY, uid TEXT, conversation TEXT, slice TEXT, start_ms INTEGER, part INTEGER,
  size INTEGER, path TEXT, copies TEXT, gone INTEGER) WITHOUT ROWID;
CREATE INDEX standing ON mail (uid, start_ms, id) WHERE NOT gone;
CREATE INDEX said ON mail (uid, conversation);
CREATE TABLE gone (id BLOB PRIMARY KEY, disposal TEXT, at_ms INTEGER, unsure INTEGER) WITHOUT ROWID;
CREATE INDEX gone_at ON gone (at_ms);
CREATE INDEX gone_by ON gone (disposal);
CREATE INDEX unsure ON gone (unsure) WHERE unsure;
CREATE TABLE ref (sha256 BLOB, partition INTEGER, position INTEGER, uid TEXT, conversation TEXT, slice TEXT,
  start_ms INTEGER, state INTEGER, PRIMARY KEY (sha256, partition, position)) WITHOUT ROWID;
CREATE INDEX referring ON ref (uid, start_ms) WHERE state = 0;
CREATE INDEX shared ON ref (uid, conversation) WHERE state = 0;
CREATE TABLE claim (sha256 BLOB, ident BLOB, PRIMARY KEY (sha256, ident)) WITHOUT ROWID;
CREATE INDEX claimed ON claim (ident);
CREATE TABLE naming (sha256 BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE leaving (sha256 BLOB PRIMARY KEY, disposal TEXT, at_ms INTEGER, done INTEGER) WITHOUT ROWID;
CREATE TABLE applied (disposal TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE imported (mail BLOB, mailbox TEXT, item TEXT, place TEXT, message_id TEXT,
  PRIMARY KEY (mail, mailbox, item)) WITHOUT ROWID
"""


class Mail(NamedTuple):
    """A mail as the ledger knows it; `size` in bytes. `copies`: (mailbox, path), also where they were before a rerouting."""

    id: bytes
    uid: str
    conversation: str
    slice: str
    start_ms: int
    part: int
    size: int
    path: str
    copies: tuple[tuple[str, str], ...]


_MAIL = ",".join(Mail._fields)


class Imported(NamedTuple):
    """A copy that was put into a mailbox: `place` is the folder there."""

    mailbox: str
    place: str
    message_id: str


class Index:
    """The fold; whoever opens it at the same time waits."""

    def __init__(self, path: Path | None = None) -> None:
        """`path`: sqlite file, its folder exists; without it the fold is thrown away at the end."""
        self.db = opened(path, _TABLES, VERSION, timeout_s=600)
        self.logs = Logs(self.db)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()

    def together(self) -> AbstractContextManager[None]:
        """All changes of the block, or none."""
        return transaction(self.db)

    def begin_anew(self) -> None:
        """Forget everything: the topics are others than those that it knows."""
        with self.together():
            for (name,) in self.db.execute("SELECT name FROM sqlite_schema WHERE type='table'").fetchall():
                self.db.execute(f"DELETE FROM {name}")  # noqa: S608 - a name of ours

    def positions(self, topic: str) -> dict[int, int]:
        """Where to read on in a topic."""
        return dict(self.db.execute("SELECT partition, next FROM place WHERE topic=?", (topic,)))

    def read_up_to(self, topic: str, positions: dict[int, int]) -> None:
        """Everything below these positions is folded."""
        rows = [(topic, number, at) for number, at in positions.items()]
        self.db.executemany("INSERT OR REPLACE INTO place VALUES (?,?,?)", rows)

    def add_closing(self, one: Closing, at_ms: int) -> None:
        """One closing; `at_ms`: Kafka's time stamp."""
        key = slice_key(one["connector_uid"], one["conversation"], one["slice"])
        row = (key, one["partition"], one["position"], at_ms, one["closing_id"])
        self.db.execute("INSERT OR IGNORE INTO closing VALUES (?,?,?,?,?)", row)

    def add_delivery(self, one: Delivery) -> None:
        """A mail, or more copies of one; one that was disposed of may stand again."""
        known = self.db.execute("SELECT copies FROM mail WHERE id=?", (one["mail_id"],)).fetchone()
        copies = {*(map(tuple, json.loads(known[0])) if known else ()), *_copies_of(one)}
        gone = self.db.execute("SELECT 1 FROM gone WHERE id=?", (one["mail_id"],)).fetchone() is not None
        self.db.execute("INSERT OR REPLACE INTO mail VALUES (?,?,?,?,?,?,?,?,?,?)", (
            one["mail_id"], one["connector_uid"], one["conversation"], one["slice"], one["slice_start_ms"], one["part"],
            one["size"], one["path"], json.dumps(sorted(copies)), gone,
        ))  # fmt: skip
        if gone:
            self.db.execute("UPDATE gone SET unsure=1 WHERE id=?", (one["mail_id"],))

    def add_gone(self, mails: Iterable[bytes], disposal: str, at_ms: int) -> None:
        """An order named these mails."""
        for mail in mails:
            self.db.execute("INSERT OR IGNORE INTO gone VALUES (?,?,?,1)", (mail, disposal, at_ms))
            self.db.execute("UPDATE mail SET gone=1 WHERE id=?", (mail,))

    def add_ref(self, sha256: bytes, place: tuple[int, int], one: RawEvents | None, *, always: bool) -> None:
        """A record at this partition and position refers to a file; `always`: and no order can dispose of that."""
        head = (
            (one["connector_uid"], one["conversation"], one["slice"], one["slice_start_ms"])
            if one
            else ("", "", "", 0)
        )
        self.db.execute(
            "INSERT INTO ref VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET state=max(state, excluded.state)",
            (sha256, *place, *head, KEPT if always else STANDS),
        )

    def add_claim(self, sha256: bytes, ident: bytes) -> None:
        """A stage put something aside of this mail or slice."""
        self.db.execute("INSERT OR IGNORE INTO claim VALUES (?,?)", (sha256, ident))

    def add_naming(self, sha256: bytes) -> None:
        """A file that names other files: an event or a slice that was put aside whole."""
        self.db.execute("INSERT OR IGNORE INTO naming VALUES (?)", (sha256,))

    def add_receipt(self, one: Receipt) -> None:
        """A copy is in a mailbox."""
        row = (one["mail_id"], one["mailbox"], one["item"] or "", one["place"] or "", one["message_id"])
        self.db.execute("INSERT OR REPLACE INTO imported VALUES (?,?,?,?,?)", row)

    def standing(self, scope: Scope) -> Iterator[Mail]:
        """Mails of a scope that no order has named; what is named meanwhile is left out. A page at a time."""
        condition, values = where(scope)
        start, last = -(2**63), b""
        while rows := self.db.execute(
            f"SELECT {_MAIL} FROM mail WHERE NOT gone AND (start_ms, id) > (:start, :last) AND {condition} "  # noqa: S608 - words of ours
            "ORDER BY start_ms, id LIMIT :page", {**values, "start": start, "last": last, "page": PAGE},
        ).fetchall():  # fmt: skip
            start, last = rows[-1][4], rows[-1][0]
            for one in map(_mail, rows):
                if scope.covers(one.uid, one.conversation, one.slice, one.start_ms):
                    yield one

    def gone(self, *, since_ms: int = 0, disposal: str | None = None) -> Iterator[Mail]:
        """Mails that orders named: of one order or of any; since then (ms since 1970 UTC), or not looked at again since."""
        last = b""
        while rows := self.db.execute(
            f"SELECT {_MAIL} FROM gone JOIN mail USING (id) WHERE id>:last AND (unsure OR at_ms>=:since) "  # noqa: S608 - as above
            "AND (:disposal IS NULL OR disposal=:disposal) ORDER BY id LIMIT :page",
            {"last": last, "since": since_ms, "disposal": disposal, "page": PAGE},
        ).fetchall():
            last = rows[-1][0]
            yield from map(_mail, rows)

    def sure_of(self, mails: Iterable[Mail]) -> None:
        """These were looked at again."""
        self.db.executemany("UPDATE gone SET unsure=0 WHERE id=?", [(one.id,) for one in mails])

    def made(self, one: Mail) -> Place | None:
        """The closing that made a mail; None if topic closings does not know it."""
        found = self._made(one)
        return None if found is None else Place(*found[:3])

    def closing_of(self, one: Mail) -> bytes | None:
        """The id of that closing."""
        found = self._made(one)
        return None if found is None else found[3]

    def _made(self, one: Mail) -> tuple[int, int, int, bytes] | None:
        rows = self.db.execute(
            "SELECT partition, position, at_ms, id FROM closing WHERE key=? AND id NOT NULL", (key_of(one),)
        )
        return next((row for row in rows if mail_id(row[3], one.part) == one.id), None)

    def took(self, key: str, partition: int, position: int) -> Place | None:
        """The closing that took the events of a record of raw-events; None while its slice is open."""
        row = self.db.execute(
            "SELECT partition, position, at_ms FROM closing WHERE key=? AND partition=? AND position>? ORDER BY position LIMIT 1",
            (key, partition, position),
        ).fetchone()
        return Place(*row) if row else None

    def imported(self, disposal: str | None = None) -> Iterator[Imported]:
        """Copies in mailboxes of mails that an order named, or any order; one that was put there again comes once."""
        rows = self.db.execute(
            "SELECT DISTINCT i.mailbox, i.place, i.message_id FROM imported i JOIN gone g ON g.id=i.mail "
            "WHERE ?1 IS NULL OR g.disposal=?1 ORDER BY 1, 2, 3", (disposal,),
        )  # fmt: skip
        return (Imported(*row) for row in rows)


def key_of(one: Mail) -> str:
    """What tells its slice apart."""
    return slice_key(one.uid, one.conversation, one.slice)


def where(scope: Scope) -> tuple[str, dict[str, str | int | None]]:
    """What SQLite looks for a scope by, over columns uid, conversation, slice and start_ms; `Scope.covers` has the last word."""
    condition = "uid=:uid AND start_ms>=:low AND start_ms<:high"
    if scope.conversation is not None:
        condition += " AND conversation=:conversation"
    return condition, {
        "uid": scope.connector_uid, "conversation": scope.conversation,
        "low": -(2**63) if scope.from_ms is None else scope.from_ms,
        "high": 2**63 - 1 if scope.before_ms is None else scope.before_ms,
    }  # fmt: skip


def _mail(row: Any) -> Mail:
    return Mail._make((*row[:-1], tuple((box, path) for box, path in json.loads(row[-1]))))


def _copies_of(one: Delivery) -> Iterator[tuple[str, str]]:
    """Where its copies are, or were before they were routed elsewhere."""
    for copy in one["copies"]:
        former = copy.get("supersedes")
        if copy["path"] is not None:
            yield copy["mailbox"] or "", copy["path"]
        if former is not None:
            yield former["mailbox"], former["path"]
