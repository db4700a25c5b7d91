"""Copies that a rerouting made: the log does not explain them, the ledger does (rule 23)."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator

from schemas.codec import Codec
from schemas.deliveries import routing, stands
from schemas.records import Delivery
from stores.interface import BlobMissingError, Store
from streams.contents import Contents
from streams.replay.findings import Finding
from streams.replay.selection import Selection


async def rerouted(
    values: AsyncIterable[bytes], codec: Codec, selection: Selection
) -> AsyncIterator[tuple[str, Delivery]]:
    """Path and delivery of every copy in the ledger that was routed elsewhere after it had been delivered."""
    async for data in values:
        name, delivery = codec.decode(data)
        if name != "Delivery" or not selection.names(delivery["connector_uid"], delivery["conversation"]):
            continue
        for copy in delivery["copies"]:
            if routing(copy) > 0 and stands(copy) and copy["path"] is not None:
                yield copy["path"], delivery


async def look(
    path: str, delivery: Delivery, store: Store, contents: Contents, counts: Counter[str]
) -> Finding | None:
    """Whether the copy stands there with the bytes that the ledger names; what is wrong, if anything is."""
    wanted = delivery["sha256"].hex()
    try:
        found = await contents.patiently(lambda: stored_hash(store, path))
    except BlobMissingError:
        found = ""
    kind = "equal" if found == wanted else "different" if found else "missing"
    counts[f"copies_{kind}"] += 1
    counts["copies"] += 1
    if kind == "equal":
        return None
    mail = f"the rerouted copy of {delivery['path']}"
    return Finding(kind, path, mail if kind == "missing" else f"not the bytes of {mail}", wanted, copy=True)


async def stored_hash(store: Store, path: str) -> str:
    """SHA-256 of what stands there, read whole; BlobMissingError."""
    running = hashlib.sha256()
    async for chunk in store.stream(path):
        running.update(chunk)
    return running.hexdigest()
