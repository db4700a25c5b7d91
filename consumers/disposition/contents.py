"""Files of the content store that only disposed events refer to leave it too.

Everything that refers to content stands in raw-events, so it is read once, whole, and what came meanwhile just before the files
go: what a disposed event refers to may go, unless an event that stays refers to it as well. Both lists lie on disk. Claim checks
of slices are told by their topic, for as long as it keeps them (30 days). A note in the store says of each file that an
order removed it: what names it later is refused, and stops no worker.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

from consumers.disposition.books import Order
from consumers.disposition.closed import Closings
from consumers.disposition.references import Found, References
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from stores.disposal import Disposal
from stores.interface import Store
from stores.paths import content_path, disposed_path

NOTE = b"removed by an order of disposition\n"
BATCH = 1_000  # files between two looks at what came meanwhile


async def remove_contents(
    kafka: KafkaSettings, codec: Codec, store: Store, disposal: Disposal, orders: list[Order]
) -> int:
    """How many files left the store. `orders`: all that are in force. KafkaError, StoreError."""
    with closing(sqlite3.connect("", isolation_level=None)) as db, Closings() as closings:
        closings.fill(kafka, codec, [order.scope for order in orders])
        references, gone = References(kafka, codec, store, orders, closings), 0
        db.execute("CREATE TABLE ref (sha256 BLOB PRIMARY KEY, stays INTEGER) WITHOUT ROWID")
        await _note(db, references.all())
        last = b""
        while True:
            await _note(db, references.newer())
            rows = db.execute(
                "SELECT sha256 FROM ref WHERE NOT stays AND sha256>? ORDER BY sha256 LIMIT ?", (last, BATCH)
            )
            some = [sha256 for (sha256,) in rows]
            if not some:
                return gone
            for last in some:
                gone += await _remove(store, disposal, last.hex())


async def _remove(store: Store, disposal: Disposal, name: str) -> bool:
    if await store.stat(content_path(name)) is None:
        return False
    await store.create(disposed_path(name), NOTE, content_type="text/plain")
    return await disposal.remove(content_path(name))


async def _note(db: sqlite3.Connection, found: AsyncIterator[Found]) -> None:
    db.execute("BEGIN")
    async for row in found:
        db.execute("INSERT INTO ref VALUES (?1,?2) ON CONFLICT DO UPDATE SET stays=max(stays,?2)", row)
    db.execute("COMMIT")
