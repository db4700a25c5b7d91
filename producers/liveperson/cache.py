"""Memory of what the log has, in SQLite. A cache: `recall` makes it anew from the log, whoever wrote there.

It is trusted only together with the log that it speaks of: the cursor carries its generation, and a memory whose
generation the cursor does not name is forgotten (a log that was lost must not be believed to hold anything).
How far it knows the log is written together with what it knows: after a power cut or from a backup both are old.
What a poll hands over lies in a table of its own until Kafka has confirmed it.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from producers.liveperson.events import LONGEST_DOUBT_MS, Known, News
from producers.liveperson.tables import OF_THE_LOG, opened
from producers.owed import OwedFiles
from producers.source import Captured

# In the order of the log, which another collector may write too: what we confirmed moves to where it was read.
_KEEP = """INSERT INTO logged(conversation, source_key, id, text, captured_ms, recalled) VALUES (?, ?, ?, ?, ?, 1)
    ON CONFLICT(conversation, source_key, id) DO UPDATE
    SET recalled = 1, number = (SELECT max(number) + 1 FROM logged) WHERE recalled = 0"""
_KEEP_PENDING = """INSERT OR IGNORE INTO logged(conversation, source_key, id, text, captured_ms)
    SELECT conversation, source_key, id, text, captured_ms FROM pending ORDER BY number"""
_DOUBT = """UPDATE conversations SET open = 1, last_ms = max(last_ms, fetched_ms) WHERE conversation IN (
    SELECT conversation FROM logged GROUP BY conversation, source_key HAVING count(*) > 1 AND max(captured_ms) >= ?)"""
_POSITIONS = "positions"
RECHECK_MAX_MS = 3_600_000
RECALLED = 300
"""Records read back that are written to disk together."""


@dataclass(frozen=True)
class Sent:
    """An event that was handed over, and when (ms since 1970 UTC, by LivePerson's clock)."""

    conversation: str
    source_key: str
    id: bytes
    text: str | None
    captured_ms: int = 0


def sent(news: News, conversation: str, captured_ms: int) -> Sent:
    """News of a conversation, captured at this time, that are handed over."""
    return Sent(conversation, news.draft.source_key, news.id, news.draft.text, captured_ms)


@dataclass(frozen=True)
class Seen:
    """A conversation as of its latest capture; times in ms since 1970 UTC."""

    conversation: str
    last_ms: int
    fetched_ms: int
    open: bool


class Cache:
    """What was sent; `begin`, then `add` while yielding, then `confirm` once Kafka has it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = opened(path)
        self.owed = OwedFiles(self._db)
        """Files that may turn up, as the log says."""
        self._seen: dict[str, Seen] = {}

    @property
    def generation(self) -> str:
        """Names this memory; the cursor carries it."""
        return self.meta("generation") or self.forget()

    def trust(self, generation: str) -> bool:
        """Keep the memory if the cursor names it, else forget everything; whether it was kept."""
        if generation == self.meta("generation"):
            return True
        self.forget()
        return False

    def forget(self) -> str:
        """Start with an empty memory under a new name."""
        self.begin()
        with self._db:
            for table in OF_THE_LOG:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of ours
            self._put_meta("generation", generation := uuid.uuid4().hex)
        return generation

    def meta(self, name: str) -> str | None:
        """A remembered fact."""
        found = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else None

    def begin(self) -> None:
        """A new poll: what the one before handed over without confirmation is not remembered."""
        with self._db:
            self._db.execute("DELETE FROM pending")
        self._seen.clear()

    def known(self, conversation: str) -> dict[str, Known]:
        """What was sent of a conversation, by source key, in the order of the log."""
        known: dict[str, Known] = {}
        for table in ("logged", "pending"):
            rows = self._db.execute(
                f"SELECT source_key, id, text, captured_ms FROM {table} WHERE conversation = ? ORDER BY number",  # noqa: S608 - as above
                (conversation,),
            )
            for key, ident, text, captured_ms in rows:
                before = known.get(key)
                known[key] = Known((*(before.ids if before else ()), bytes(ident)), text, captured_ms)
        return known

    def add(self, sent: Iterable[Sent]) -> None:
        """Note what is about to be handed over."""
        with self._db:
            self._db.executemany(
                "INSERT INTO pending(conversation, source_key, id, text, captured_ms) VALUES (?, ?, ?, ?, ?)",
                map(_as_row, sent),
            )

    def see(self, seen: Seen) -> None:
        """Note the state of a conversation."""
        self._seen[seen.conversation] = seen

    def confirm(self, facts: dict[str, str] | None = None) -> None:
        """Everything handed over since `begin` is in the log: remember it."""
        with self._db:
            self._db.execute(_KEEP_PENDING)
            self._db.executemany(
                "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?)",
                [(s.conversation, s.last_ms, s.fetched_ms, int(s.open)) for s in self._seen.values()],
            )
            for name, value in (facts or {}).items():
                self._put_meta(name, value)
        self.begin()

    @property
    def positions(self) -> tuple[int, ...]:
        """By partition of raw-events, the position below which everything is remembered on disk."""
        return tuple(json.loads(self.meta(_POSITIONS) or "[]"))

    def recall(self, earlier: Iterable[Captured], reached: Sequence[int]) -> None:
        """Remember what the log has; on disk in steps of some hundred records, together with the positions `reached`.

        A conversation that was not known counts as open until its close is among the events.
        """
        try:
            for number, each in enumerate(earlier, 1):
                self._recall(each)
                if number % RECALLED == 0:
                    self._keep(reached)
        finally:
            self._keep(reached)

    def _keep(self, reached: Sequence[int]) -> None:
        self._put_meta(_POSITIONS, json.dumps([*reached]))
        self._db.commit()

    def _recall(self, captured: Captured) -> None:
        place, events = captured.slice.conversation, captured.events
        at = captured.captured_ms
        sent = (Sent(place, event["source_key"], event["id"], event["text"], at) for event in events)
        self._db.executemany(_KEEP, map(_as_row, sent))
        skills = ((place, event["details"]["skill"]) for event in events if "skill" in event["details"])
        self._db.executemany("INSERT OR IGNORE INTO begun VALUES (?, ?)", skills)
        last = max((event["at_ms"] for event in events if not event["at_suspect"]), default=0)
        is_open = all(event["kind"] != "closed" for event in events)
        # What a poll has seen says more: only rows that no poll has written are changed.
        self._db.execute(
            "INSERT INTO conversations VALUES (?, ?, 0, ?) ON CONFLICT(conversation) DO UPDATE SET"
            " last_ms = max(last_ms, excluded.last_ms), open = min(open, excluded.open) WHERE fetched_ms = 0",
            (place, last, int(is_open)),
        )

    def doubt(self, at_ms: int) -> None:
        """Look again at what may have been changed back before, and been doubted until after this time (decision 21)."""
        with self._db:
            self._db.execute(_DOUBT, (at_ms - LONGEST_DOUBT_MS,))

    def due(self, now_ms: int) -> list[str]:
        """Open conversations to look at again: a busy one at every poll, a quiet one each hour at the latest."""
        rows = self._db.execute(
            "SELECT conversation FROM conversations WHERE open = 1 "
            "AND ? - fetched_ms >= min(?, max(0, (fetched_ms - last_ms) / 8)) ORDER BY conversation",
            (now_ms, RECHECK_MAX_MS),
        )
        return [str(row[0]) for row in rows]

    def prune(self, before_ms: int) -> None:
        """Forget settled conversations in which nothing happened since this time."""
        with self._db:
            old = "SELECT conversation FROM conversations WHERE open = 0 AND last_ms < ?"
            for table in ("logged", "begun"):
                self._db.execute(f"DELETE FROM {table} WHERE conversation IN ({old})", (before_ms,))  # noqa: S608 - fixed text
            self._db.execute("DELETE FROM conversations WHERE open = 0 AND last_ms < ?", (before_ms,))

    def skill(self, conversation: str) -> str | None:
        """Where it began, as the log says."""
        found = self._db.execute("SELECT skill FROM begun WHERE conversation = ?", (conversation,)).fetchone()
        return str(found[0]) if found else None

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _put_meta(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def _as_row(sent: Sent) -> tuple[str, str, bytes, str | None, int]:
    return sent.conversation, sent.source_key, sent.id, sent.text, sent.captured_ms
