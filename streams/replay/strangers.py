"""What stands in the archive and is explained neither by the log nor by a rerouting. The listing lies on disk.

The listing is taken before the end of the log is: what live workers store meanwhile is in the log, but not in the listing.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

from stores.interface import Store
from stores.paths import MAILS_ROOT

AT_ONCE = 1_000  # paths


class Listing:
    """Paths of mails and copies in one SQLite file; `explain` strikes them out."""

    def __init__(self, path: Path | None) -> None:
        """`path`: None for one that is empty, and stays so."""
        self._db = sqlite3.connect(path or "", isolation_level=None)
        self._db.execute("PRAGMA synchronous=OFF")  # begun anew when it is not whole
        self._db.execute("CREATE TABLE IF NOT EXISTS listed (path TEXT PRIMARY KEY) WITHOUT ROWID")

    async def fill(self, store: Store, connectors: frozenset[str], known: Iterable[str]) -> int:
        """List the archive of these connectors, or all of it; how many there are."""
        self._db.execute("BEGIN")
        owners, count, rows = sorted(known, key=len, reverse=True), 0, list[tuple[str]]()
        async for path in _paths(store):
            if not connectors or owner(path, owners) in connectors:
                rows.append((path,))
                count += 1
            if len(rows) >= AT_ONCE:
                self._insert(rows)
        self._insert(rows)
        self._db.execute("COMMIT")
        return count

    def _insert(self, rows: list[tuple[str]]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO listed VALUES (?)", rows)
        rows.clear()

    def explain(self, paths: Iterable[str]) -> None:
        """These are no strangers."""
        self._db.execute("BEGIN")
        self._db.executemany("DELETE FROM listed WHERE path=?", ((path,) for path in paths))
        self._db.execute("COMMIT")

    def has(self, path: str) -> bool:
        """Whether it is listed, and not explained yet."""
        return self._db.execute("SELECT 1 FROM listed WHERE path=?", (path,)).fetchone() is not None

    def rest(self) -> Iterator[str]:
        """What nobody explained, by path."""
        return (path for (path,) in self._db.execute("SELECT path FROM listed ORDER BY path"))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


async def _paths(store: Store) -> AsyncIterator[str]:
    async for found in store.list():
        if found.path.startswith(f"{MAILS_ROOT}/") or not found.path.startswith("_"):
            yield found.path


def owner(path: str, uids: Iterable[str]) -> str:
    """The connector whose mail or copy has this path; `uids`: all that are known, the longest first. Empty if none.

    A copy's file name begins with the connector's uid, or with its first 36 characters (`stores/paths.py`).
    """
    root, _, rest = path.partition("/")
    if root == MAILS_ROOT:
        return rest.partition("/")[0]
    name = path.rpartition("/")[2]
    return next((uid for uid in uids if name.startswith(f"{uid[:36]}-")), "")
