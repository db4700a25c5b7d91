"""The connector log as a fold over items: counters and lines by run, kept on disk.

A *run* is connector and UTC day on which the ledger recorded an item first, by Kafka's time stamp of the record. So a day that
is over never changes: what comes late (a supplement, a back-fill of old chats) stands in the run that brought it, as in
Microsoft's own log. A result counts in the run that recorded it, once, however often it is repeated; a copy that is routed
again later has a second result, which counts in its own run, also as *routed again*, and leaves the first one alone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from consumers.cache_file import transaction
from consumers.logbook.file import opened
from consumers.logbook.items import IMPORTED, OUTCOMES, Item, Ledger, Result
from consumers.same_log import Logs
from schemas.deliveries import STANDS
from schemas.topics import DAY_MS

UNIX_EPOCH = date(1970, 1, 1).toordinal()
WAITING = OUTCOMES.index("waiting")
_STANDING = tuple(OUTCOMES.index(one) for one in sorted(STANDS))
_KINDS: "dict[str, Kind]" = {
    "failed": "failed", "partial": "partial", "skipped": "skipped", "external": "external"
}  # fmt: skip
"""Outcomes that have lines: all but those that are well."""
_KEY = 8  # bytes that tell the participants of one mail apart
_ENTRY = _KEY + 3

Kind = Literal["failed", "partial", "skipped", "waiting", "external", "unrouted"]
Where = tuple[Ledger, str, int]
"""Ledger, connector, and days since 1970."""
Reads = Iterable[tuple[int, int, int, Item]]


@dataclass(frozen=True)
class Run:
    """Microsoft's seven fields, and what stands beside their sum. `completed_at_ms` is None for a day with nothing.

    `available_for_import` is counted by itself: that it equals ok + partial + skipped + failed is a fact to be tested.
    """

    day: date
    completed_at_ms: int | None = None
    available_from_source: int = 0
    available_for_import: int = 0
    ok: int = 0
    partial: int = 0
    skipped: int = 0
    failed: int = 0
    external: int = 0
    unrouted: int = 0
    routed_again: int = 0

    @property
    def adds_up(self) -> bool:
        """Microsoft's invariant."""
        return self.available_for_import == self.ok + self.partial + self.skipped + self.failed


@dataclass(frozen=True)
class Line:
    """Something of a run that a person looks at. `item`: id of the mail, of several the first; `count`: of how many."""

    kind: Kind
    item: str
    user: str
    name: str
    mailbox: str
    reason: str
    path: str
    count: int


class Runs:
    """All runs of all connectors, together with how far each ledger was read. Its file is a cache of the topics.

    Memory: SQLite's pages, 64 MB at most; on disk some 100 bytes a mail with four participants.
    """

    def __init__(self, path: Path | None = None) -> None:
        """`path`: sqlite file; without it the fold is thrown away at the end."""
        self._db = opened(path)
        self.logs = Logs(self._db)
        self._counts = Counter[tuple[Ledger, str, int, str]]()

    def add(self, ledger: Ledger, reads: Reads) -> None:
        """Fold (partition, offset, recorded at ms, item), all or none; repeats change nothing."""
        with transaction(self._db):
            self._counts.clear()
            reached: dict[int, int] = {}
            for partition, offset, at_ms, item in reads:
                self._one(item, at_ms)
                reached[partition] = offset + 1
            self._save(ledger, reached)

    def positions(self, ledger: Ledger) -> dict[int, int]:
        """Where to read on, by partition."""
        return dict(self._db.execute("SELECT part, next FROM position WHERE ledger=?", (ledger,)))

    def clear(self, ledger: Ledger) -> None:
        """Forget everything of this ledger."""
        with transaction(self._db):
            for table in ("item", "counter", "line", "position"):
                self._db.execute(f"DELETE FROM {table} WHERE ledger=?", (ledger,))  # noqa: S608 - names from above

    def connectors(self) -> list[str]:
        """Uids that any ledger has items of."""
        return [uid for (uid,) in self._db.execute("SELECT DISTINCT connector FROM counter ORDER BY 1")]

    def has(self, ledger: Ledger) -> bool:
        """Whether anything was ever recorded in this ledger."""
        return self._db.execute("SELECT 1 FROM item WHERE ledger=? LIMIT 1", (ledger,)).fetchone() is not None

    def run(self, ledger: Ledger, connector: str, day: date) -> Run:
        """What one run did; one with nothing has zeros."""
        where = (ledger, connector, day.toordinal() - UNIX_EPOCH)
        found = dict(
            self._db.execute(
                "SELECT name, value FROM counter WHERE ledger=? AND connector=? AND day=?", where
            )
        )
        alone = "SELECT count(*) FROM line WHERE ledger=? AND connector=? AND day=? AND kind='unrouted'"
        return Run(day, unrouted=self._db.execute(alone, where).fetchone()[0], **found)

    def latest(self, ledger: Ledger, connector: str) -> date | None:
        """The day of the last run that brought anything; None if none did."""
        found = self._db.execute(
            "SELECT max(day) FROM counter WHERE ledger=? AND connector=?", (ledger, connector)
        ).fetchone()[0]
        return None if found is None else date.fromordinal(found + UNIX_EPOCH)

    def lines(self, ledger: Ledger, connector: str, day: date, kind: Kind) -> Iterator[Line]:
        """What somebody has to look at in a run, read as it is asked for."""
        cursor = self._db.execute(
            "SELECT item, user, name, mailbox, reason, path, count FROM line"
            " WHERE ledger=? AND connector=? AND day=? AND kind=? ORDER BY user, reason, item",
            (ledger, connector, day.toordinal() - UNIX_EPOCH, kind),
        )
        for item, *rest in cursor:
            yield Line(kind, item.hex(), *rest)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _one(self, item: Item, at_ms: int) -> None:
        where = (item.ledger, item.connector, at_ms // DAY_MS)
        found = self._db.execute(
            "SELECT state FROM item WHERE ledger=? AND id=?", (item.ledger, item.mail)
        ).fetchone()
        state: bytes | None = found[0] if found else None
        seen = _Seen(state or b"\0")
        news = [(result, again) for result in item.results if (again := seen.note(result)) is not None]
        if state == seen.state:
            return
        for result, again in news:
            self._result(where, item, result, again=again)
        self._mail(where, item, seen, new=state is None)
        self._db.execute("INSERT OR REPLACE INTO item VALUES (?,?,?)", (item.ledger, item.mail, seen.state))
        completed = (*where, "completed_at_ms")
        self._counts[completed] = max(self._counts[completed], at_ms)

    def _mail(self, where: Where, item: Item, seen: "_Seen", *, new: bool) -> None:
        """Count the mail once; a mail that has a copy in any of its first records is routed."""
        if new:
            self._counts[*where, "available_from_source"] += 1
        if not new and seen.routed_now:
            self._done(item, "unrouted", item.mail)
        if new and not seen.routed and item.ledger == "stored":
            self._line(where, "unrouted", item.mail, item, None)

    def _result(self, where: Where, item: Item, result: Result, *, again: bool) -> None:
        one = item.mail + _short(result.participant)
        if result.outcome == "waiting":
            self._line(where, "waiting", one, item, result)
            return
        if item.ledger == "imported":  # nothing else ever waits
            self._done(item, "waiting", one)
        self._counts[*where, result.outcome] += 1
        self._counts[*where, "routed_again"] += again
        if result.outcome in IMPORTED:
            self._counts[*where, "available_for_import"] += 1
        kind = _KINDS.get(result.outcome)
        if kind is not None:  # of what is the same for all of a user's mails, one line a day with the count
            alike = result.unmapped or kind in {"external", "skipped"}
            key = _short(f"{result.participant}\0{result.reason}") if alike else one
            self._line(where, kind, key, item, result)

    def _done(self, item: Item, kind: Kind, key: bytes) -> None:
        self._db.execute("DELETE FROM line WHERE ledger=? AND kind=? AND key=?", (item.ledger, kind, key))

    def _line(self, where: Where, kind: Kind, key: bytes, item: Item, result: Result | None) -> None:
        said = (result.user, result.name, result.mailbox or "", result.reason) if result else ("", "", "", "")
        self._db.execute(
            "INSERT INTO line VALUES (?,?,?,?,?,?,?,?,?,?,?,1) ON CONFLICT DO UPDATE SET count = count + 1",
            (*where, kind, key, item.mail, *said, item.path),
        )

    def _save(self, ledger: Ledger, reached: dict[int, int]) -> None:
        for key, value in self._counts.items():
            how = "max(value, excluded.value)" if key[3] == "completed_at_ms" else "value + excluded.value"
            self._db.execute(
                f"INSERT INTO counter VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET value = {how}",  # noqa: S608 - as above
                (*key, value),
            )
        for part, after in reached.items():
            self._db.execute("INSERT OR REPLACE INTO position VALUES (?,?,?)", (ledger, part, after))


class _Seen:
    """What is known of one mail's results, packed: whether it is routed, then participant, outcome and number."""

    def __init__(self, state: bytes) -> None:
        self.state = state
        self.routed_now = False

    @property
    def routed(self) -> bool:
        """Whether a copy stands by the first routing."""
        return self.state[0] == 1

    def note(self, result: Result) -> bool | None:
        """Take a result: False if it is the participant's first, True if it is another one, None if it was seen before.

        A copy that stands and stands once more at its place, whole or in part, was made again: it counts as it did first.
        """
        key, number = _short(result.participant), min(result.number, 65_535).to_bytes(2, "big")
        entry = key + bytes([OUTCOMES.index(result.outcome)]) + number
        known = [self.state[at : at + _ENTRY] for at in range(1, len(self.state), _ENTRY)]
        same = [key + bytes([one]) + number for one in _STANDING] if result.outcome in STANDS else [entry]
        if any(one in known for one in same):
            return None
        self.state += entry
        if not result.number and result.outcome in STANDS and not self.routed:
            self.routed_now, self.state = True, b"\1" + self.state[1:]
        return any(one.startswith(key) and one[_KEY] != WAITING for one in known)


def _short(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY).digest()
