"""What the leaves say must stand in the archive, and what they say was disposed of; on disk, struck out as it is found."""

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from consumers.evidence.errors import EvidenceError

if TYPE_CHECKING:
    from consumers.evidence.verify import Report

_SHA256 = re.compile("[0-9a-f]{64}")
_TABLES = (
    "CREATE TABLE expected (path TEXT PRIMARY KEY, sha256 TEXT, mail TEXT, number INTEGER, found TEXT) WITHOUT ROWID",
    "CREATE TABLE disposed (mail TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID",
    "CREATE TABLE pending (mail TEXT PRIMARY KEY, disposal TEXT, finished INTEGER) WITHOUT ROWID",
    "CREATE TABLE differing (path TEXT, first TEXT, second TEXT, told INTEGER, again INTEGER)",
)


@dataclass(frozen=True)
class Beyond:
    """What came after the last manifest.

    `paths`: by path of a mail or copy the mail's id (hex). `disposed`: (order, ids that it named, packed, 16 bytes each).
    `finished`: orders that were carried out.
    """

    paths: dict[str, str] = field(default_factory=dict)
    disposed: list[tuple[str, bytes]] = field(default_factory=list)
    finished: frozenset[str] = frozenset()


class Expected:
    """Paths with their hashes, from all manifests."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        for table in _TABLES:
            db.execute(table)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Many additions at once; they stay also when the block fails."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("COMMIT")

    def add(self, line: bytes, number: int, report: "Report") -> None:
        """One leaf of manifest `number`; EvidenceError if it is none."""
        try:
            leaf = checked(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise EvidenceError(
                f"manifest {number}: a leaf can't be read ({type(error).__name__}: {error})"
            ) from error
        kind = leaf["kind"]
        report.counts[kind] = report.counts.get(kind, 0) + 1
        if kind in {"mail", "copy"}:
            mail = leaf["id" if kind == "mail" else "mail"]
            self._expect(leaf["path"], leaf["sha256"], mail, number)
        elif kind == "audit":
            report.disposals.see(leaf)
            rows = [(mail, number) for mail in leaf.get("mails", ())]
            self._db.executemany("INSERT OR IGNORE INTO disposed VALUES (?,?)", rows)

    def _expect(self, path: str, sha256: str, mail: str, number: int) -> None:
        row = self._db.execute("SELECT sha256, mail, number FROM expected WHERE path=?", (path,)).fetchone()
        if row is None:
            self._db.execute("INSERT INTO expected VALUES (?,?,?,?,NULL)", (path, sha256, mail, number))
        elif row[0] != sha256:
            self._db.execute("INSERT INTO differing VALUES (?,?,?,?,?)", (path, row[1], mail, row[2], number))

    def differing(self) -> Iterator[str]:
        """A sentence for each path of which leaves name different bytes; of what was disposed of it does not matter.

        A worker that was stopped in the middle of an order makes such a mail again when it goes on, without the files that left.
        """
        rows = self._db.execute(
            "WITH away AS (SELECT mail FROM disposed UNION ALL SELECT mail FROM pending) SELECT path, told, again FROM differing "
            "WHERE first NOT IN away OR second NOT IN away ORDER BY path, again"
        )
        return (
            f"{path}: manifests {told} and {again} name different bytes for it" for path, told, again in rows
        )

    def wanted(self, path: str) -> str | None:
        """The SHA-256 that must stand there; None if no manifest knows the path."""
        if not _is_text(path):  # a file's name may be any bytes; a leaf's path is text
            return None
        row = self._db.execute("SELECT sha256 FROM expected WHERE path=?", (path,)).fetchone()
        return None if row is None else str(row[0])

    def found(self, path: str, sha256: str) -> None:
        """These bytes stand at a path that a manifest knows."""
        self._db.execute("UPDATE expected SET found=? WHERE path=?", (sha256, path))

    def dispose(self, order: str, mails: Iterable[bytes], *, finished: bool) -> None:
        """An order that is in no manifest yet names these mails; `finished`: it was carried out, so nothing of them stands."""
        rows = ((mail.hex(), order, finished) for mail in mails)
        with self.transaction():
            self._db.executemany("INSERT OR REPLACE INTO pending VALUES (?,?,?)", rows)

    def stays(self, path: str, mail: str) -> str | None:
        """A sentence where a mail or copy stands that an order removed since the last manifest."""
        row = self._db.execute("SELECT disposal FROM pending WHERE mail=? AND finished", (mail,)).fetchone()
        return None if row is None else _again(path, row[0])

    def to_look_for(self) -> list[str]:
        """Paths where something stood of what an order has removed since the last manifest, perhaps only after it was found."""
        rows = self._db.execute(
            "SELECT path FROM expected JOIN pending USING (mail) WHERE found IS NOT NULL AND finished ORDER BY path"
        )
        return [path for (path,) in rows]

    def left(self, path: str) -> None:
        """What was found there is gone by now."""
        self._db.execute("UPDATE expected SET found=NULL WHERE path=?", (path,))

    def wrong(self) -> Iterator[str]:
        """A sentence for each path where something else stands than must."""
        rows = self._db.execute(
            "SELECT path, e.number, sha256, found, d.mail IS NOT NULL, disposal, finished FROM expected e "
            "LEFT JOIN disposed d ON d.mail=e.mail LEFT JOIN pending p ON p.mail=e.mail "
            "WHERE found IS NOT NULL AND (found<>sha256 OR d.mail IS NOT NULL OR finished) ORDER BY path"
        )
        for path, number, wanted, found, gone, order, finished in rows:
            if gone:
                yield f"{path}: was disposed of, but stands here again or still"
            elif finished:
                yield _again(path, order)
            elif order is None:  # else it is just being removed
                yield f"{path}: altered; has {found[:16]}…, manifest {number} says {wanted[:16]}…"

    def gone(self) -> Iterator[str]:
        """A sentence for each path that must be there and is not."""
        rows = self._db.execute(
            "SELECT path, number FROM expected WHERE found IS NULL AND mail NOT IN (SELECT mail FROM disposed) "
            "AND mail NOT IN (SELECT mail FROM pending) ORDER BY path"
        )
        return (f"{path}: removed; manifest {number} has it" for path, number in rows)

    def pending(self) -> list[tuple[str, int]]:
        """How many mails and copies are gone by orders that are in no manifest yet, by order."""
        return self._db.execute(
            "SELECT disposal, count(*) FROM expected JOIN pending USING (mail) WHERE found IS NULL "
            "AND mail NOT IN (SELECT mail FROM disposed) GROUP BY disposal ORDER BY disposal"
        ).fetchall()


def _again(path: str, order: str) -> str:
    return f"{path}: was disposed of by order {order[:8]}, but stands here again; `chatledger dispose again` removes it"


def checked(leaf: Any) -> dict[str, Any]:
    """The same, if it is a leaf that can be checked (docs/evidence.md says what that needs); ValueError. Pure."""
    if not isinstance(leaf, dict) or not _is_text(leaf.get("kind")):
        raise ValueError("no JSON object with a kind")
    kind, mails = leaf["kind"], leaf.get("mails", [])
    if kind in {"mail", "copy"}:
        if not _is_text(leaf.get("path")) or not _is_text(leaf.get("id" if kind == "mail" else "mail")):
            raise ValueError("path and id of a mail or copy must be text")
        if not isinstance(leaf.get("sha256"), str) or not _SHA256.fullmatch(leaf["sha256"]):
            raise ValueError("sha256 must be 64 lower-case hexadecimal digits")
    if not isinstance(mails, list) or not all(map(_is_text, mails)):
        raise ValueError("mails must be a list of ids")
    if kind == "audit" and not _is_text(leaf.get("what")):
        raise ValueError("what must be text")
    return leaf


def _is_text(value: object) -> bool:
    """Text that UTF-8 can write; half of a surrogate pair is none."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
