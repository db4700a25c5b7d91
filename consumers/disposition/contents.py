"""Files of the content store that only disposed events refer to leave it too.

Everything that refers to content stands in raw-events, and the index knows it: what a disposed event refers to may go, unless
something that stays refers to it as well. What came to the log meanwhile is read just before the files go. Claim checks of
slices are told by their topic, for as long as it keeps them (30 days). A note in the store says of each file which order
removed it and when that was given: what names it later gets a placeholder, and stops no worker.
"""

from consumers.disposition.books import Order
from consumers.disposition.closed import Closings, is_below
from consumers.disposition.filling import fill
from consumers.disposition.index import LEFT, Index, where
from consumers.disposition.references import REFERRING
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.disposed import Note
from schemas.ids import slice_key
from stores.disposal import Disposal
from stores.interface import Store, StoreConflictError
from stores.paths import content_path, disposed_paths

BATCH = 1_000  # files between two looks at what came meanwhile
_STAYS = """
SELECT EXISTS (SELECT 1 FROM ref WHERE sha256=?1 AND state<>1)
  OR EXISTS (SELECT 1 FROM claim WHERE sha256=?1 AND ident NOT IN (SELECT id FROM gone))
"""


def is_applied(index: Index, order: Order) -> bool:
    """Whether that is noted already."""
    return index.db.execute("SELECT 1 FROM applied WHERE disposal=?", (order.name,)).fetchone() is not None


def apply(index: Index, order: Order, later: Closings = frozenset()) -> None:
    """Note what the order leaves without anybody who refers to it. Once for each order that is carried out.

    `later`: as of `is_below`.
    """
    named, at_ms = order.name, order.said["at_ms"]
    with index.together():
        for sha256, partition, position in _disposed(index, order, later):
            at = (LEFT, sha256, partition, position)
            index.db.execute("UPDATE ref SET state=? WHERE sha256=? AND partition=? AND position=?", at)
            index.db.execute("INSERT OR REPLACE INTO leaving VALUES (?,?,?,0)", (sha256, named, at_ms))
        index.db.execute(
            "INSERT OR REPLACE INTO leaving SELECT DISTINCT c.sha256, ?1, ?2, 0 FROM claim c JOIN gone g ON g.id=c.ident "
            "WHERE g.disposal=?1", (named, at_ms),
        )  # fmt: skip
        index.db.execute("INSERT INTO applied VALUES (?)", (named,))


def _disposed(index: Index, order: Order, later: Closings) -> list[tuple[bytes, int, int]]:
    """What refers to files and was closed before the order, or by it."""
    condition, values = where(order.scope)
    rows = index.db.execute(
        f"SELECT sha256, partition, position, uid, conversation, slice, start_ms FROM ref WHERE state=0 AND {condition}",  # noqa: S608 - words of ours
        values,
    )
    found = []
    for sha256, partition, position, *named in rows:
        key = slice_key(*named[:3])
        if order.scope.covers(*named) and is_below(order, key, index.took(key, partition, position), later):
            found.append((sha256, partition, position))
    return found


async def remove_contents(
    kafka: KafkaSettings, codec: Codec, index: Index, store: Store, disposal: Disposal, *, since_ms: int | None = None
) -> int:  # fmt: skip
    """How many files left the store; with `since_ms`, those that orders since then (ms since 1970 UTC) removed are tried again.

    Files that name others go last: whoever goes on after a kill, and has lost the index, reads the names there.
    KafkaError, StoreError.
    """
    return sum([
        await _remove_some(kafka, codec, index, store, disposal, since_ms, naming=naming) for naming in (False, True)
    ])  # fmt: skip


async def _remove_some(
    kafka: KafkaSettings, codec: Codec, index: Index, store: Store, disposal: Disposal, since_ms: int | None, *, naming: bool
) -> int:  # fmt: skip
    gone, last = 0, b""
    while some := _leaving(index, last, since_ms, naming=naming):
        await fill(index, kafka, codec, store, REFERRING)  # what came meanwhile may refer to them
        for last, name, at_ms in some:
            if not index.db.execute(_STAYS, (last,)).fetchone()[0]:
                gone += await _remove(store, disposal, last.hex(), Note(name, at_ms))
        with index.together():
            index.db.executemany("UPDATE leaving SET done=1 WHERE sha256=?", [(row[0],) for row in some])
    return gone


def _leaving(
    index: Index, last: bytes, since_ms: int | None, *, naming: bool
) -> list[tuple[bytes, str, int]]:
    """The next files, by their names: SHA-256, order, when it was given."""
    return index.db.execute(
        "SELECT sha256, disposal, at_ms FROM leaving WHERE sha256>? AND (NOT done OR at_ms>=?) "
        "AND (sha256 IN (SELECT sha256 FROM naming))=? ORDER BY sha256 LIMIT ?",
        (last, 2**63 - 1 if since_ms is None else since_ms, naming, BATCH),
    ).fetchall()


async def _remove(store: Store, disposal: Disposal, name: str, note: Note) -> bool:
    if not await store.exists(content_path(name)):  # large as it may be, not a byte is read
        return False
    for path in disposed_paths(name):
        try:
            await store.create(path, note.written(), content_type="application/json")
            break
        except StoreConflictError:
            continue  # an earlier order removed it too, and it came back since
    return await disposal.remove(content_path(name))
