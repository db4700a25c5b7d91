"""How far one partition of a replay is: one SQLite file, changed in one transaction after the effects are durable.

It holds the replay's own closings (rule 18: never live's), the pair (needed, reached), what is in force, and the
report so far. A kill at any moment leaves the last transaction, and going on from there repeats no effect but by name.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Self

from schemas.codec import decode, encode
from streams.in_force import Fact, learn
from streams.memory import Memory
from streams.positions import Stand
from streams.replay.days import Days
from streams.replay.findings import Finding

_TABLES = """
CREATE TABLE stand (id INTEGER PRIMARY KEY, first INTEGER, needed INTEGER, reached INTEGER, until INTEGER, counts TEXT);
CREATE TABLE fact (position INTEGER, name TEXT, value BLOB, PRIMARY KEY (position, name, value)) WITHOUT ROWID;
CREATE TABLE refused (position INTEGER PRIMARY KEY);
CREATE TABLE finding (path TEXT, kind TEXT, detail TEXT, sha256 TEXT, copy INTEGER, PRIMARY KEY (path, kind)) WITHOUT ROWID;
CREATE TABLE explained (path TEXT PRIMARY KEY) WITHOUT ROWID;
"""

EXPLAINED_AT_ONCE = 1_000  # paths; one by one they cost twice as much


class PartitionState:
    """The file of one partition; a `Findings`. Everything since the last `commit` is gone after `close` or a kill."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "PRAGMA synchronous=NORMAL"
        )  # a power cut may cost the last commits, which are then repeated
        self.counts: Counter[str] = Counter()
        self._explained = list[str]()  # since the last time they were kept

    @classmethod
    def blank(cls, path: Path) -> Self:
        """A new file that knows nothing yet but what is noted in `days`, until it is told where to `begin`."""
        made = cls(path)
        made._db.executescript(_TABLES)
        made._begin()
        return made

    def begin(
        self, start: int, until: int, *, facts: Iterable[Fact] = (), refused: Iterable[int] = ()
    ) -> None:
        """Positions from `start` to below `until`; `facts` came in force before it."""
        self.add_facts(facts)
        self._db.executemany("INSERT INTO refused VALUES (?)", ((one,) for one in refused))
        self._db.execute("INSERT INTO stand VALUES (0,?,?,?,?,'{}')", (start, start, start, until))
        self._db.execute("COMMIT")
        self._load()

    @classmethod
    def open(cls, path: Path) -> Self:
        """The file as its last transaction left it."""
        found = cls(path)
        found._load()
        return found

    def _load(self) -> None:
        row = self._db.execute("SELECT first, needed, reached, until, counts FROM stand").fetchone()
        self.first, self.stand, self.until = int(row[0]), Stand(row[1], row[2]), int(row[3])
        self.counts = Counter(json.loads(row[4]))
        self.refused = {position for (position,) in self._db.execute("SELECT position FROM refused")}
        self._begin()

    def _begin(self) -> None:
        self._db.execute("BEGIN")

    @property
    def finished(self) -> bool:
        """Whether everything is done."""
        return self.stand.reached >= self.until

    def memory(self) -> Memory:
        """The replay's closings, kept here, and what is in force."""
        memory = Memory(db=self._db)
        for name, value in self._db.execute("SELECT name, value FROM fact"):
            learn(memory, (name, decode(value).value))
        return memory

    def days(self) -> Days:
        """On which day each slice is, kept here."""
        return Days(self._db)

    def add_facts(self, facts: Iterable[Fact]) -> None:
        """What came in force at a position; a repeat replaces itself."""
        rows = [(record["position"], name, encode(name, record)) for name, record in facts]
        self._db.executemany("INSERT OR REPLACE INTO fact VALUES (?,?,?)", rows)

    def add(self, finding: Finding) -> None:
        """Keep a finding; one for each path and kind."""
        one = finding
        row = (one.path, one.kind, one.detail, one.sha256, one.copy)
        self._db.execute("INSERT OR REPLACE INTO finding VALUES (?,?,?,?,?)", row)

    def explain(self, path: str) -> None:
        """The log explains what stands at this path."""
        self._explained.append(path)
        if len(self._explained) >= EXPLAINED_AT_ONCE:
            self._keep_explained()

    def _keep_explained(self) -> None:
        if not self._explained:
            return
        rows = ((path,) for path in self._explained)
        self._db.executemany("INSERT OR IGNORE INTO explained VALUES (?)", rows)
        self._explained.clear()

    def commit(self, stand: Stand) -> None:
        """Everything so far is durable: keep it, in one transaction."""
        self.stand = stand
        self._save()
        self._begin()

    def _save(self) -> None:
        self._keep_explained()
        row = (self.stand.needed, self.stand.reached, json.dumps(self.counts))
        self._db.execute("UPDATE stand SET needed=?, reached=?, counts=?", row)
        self._db.execute("COMMIT")

    def findings(self, wanted: str | None = None, *, limit: int = -1) -> list[Finding]:
        """Findings of a kind, or all, by path."""
        rows = self._db.execute(
            "SELECT kind, path, detail, sha256, copy FROM finding WHERE ?1 IS NULL OR kind=?1 ORDER BY path LIMIT ?2",
            (wanted, limit),
        )
        return [
            Finding(kind, path, detail, sha256, copy=bool(copy)) for kind, path, detail, sha256, copy in rows
        ]

    def drop(self, finding: Finding) -> None:
        """It is no finding any more."""
        self._db.execute("DELETE FROM finding WHERE path=? AND kind=?", (finding.path, finding.kind))

    def explains(self, path: str) -> bool:
        """Whether the log explains what stands there."""
        self._keep_explained()
        row = self._db.execute("SELECT 1 FROM explained WHERE path=?", (path,))
        return row.fetchone() is not None

    def explained(self) -> Iterator[str]:
        """Paths that the log explains, in order."""
        self._keep_explained()
        return (path for (path,) in self._db.execute("SELECT path FROM explained ORDER BY path"))

    def close(self) -> None:
        """Let go of the file; what is not committed is gone."""
        self._undo()
        self._db.close()

    def _undo(self) -> None:
        self._explained.clear()
        if self._db.in_transaction:  # where the disk is full, SQLite has undone it already
            self._db.execute("ROLLBACK")


@contextmanager
def blanks(folder: Path) -> Iterator[Callable[[int], PartitionState]]:
    """Makes the file of each partition when it is first asked for; all are closed at the end."""
    with ExitStack() as stack:

        @cache
        def made(number: int) -> PartitionState:
            return stack.enter_context(closing(PartitionState.blank(folder / f"{number}.sqlite")))

        yield made
