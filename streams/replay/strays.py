"""What was disposed of, but stands all the same: a replay or a worker that was under way when the order came has made it.

A replay can't remove: it names them, and `chatledger dispose again` removes them. What an order removed meanwhile is not missing.
"""

import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Container

from schemas.codec import Codec
from schemas.records import Delivery
from stores.interface import BlobMissingError, LinkFoundError, Store
from stores.paths import MAILS_ROOT
from streams.replay.disposed import Disposed
from streams.replay.findings import Finding
from streams.replay.ledger import is_selected, readable, stored_hash
from streams.replay.selection import Selection
from streams.replay.state import PartitionState
from streams.replay.strangers import Listing

STANDS = "was disposed of by an order, but stands here; `chatledger dispose again` removes it"


async def disposed_paths(
    values: AsyncIterable[bytes], codec: Codec, selection: Selection, disposed: Disposed
) -> AsyncIterator[str]:
    """Where mails and copies of the ledger lay that an order disposed of."""
    if not disposed:
        return  # and the ledger need not be read
    async for one in readable(values, codec):
        if one["mail_id"] in disposed and is_selected(one, selection):
            for path in _paths(one):
                yield path


def _paths(one: Delivery) -> set[str]:
    return {one["path"], *(copy["path"] for copy in one["copies"] if copy["path"] is not None)}


async def known(paths: AsyncIterable[str], listing: Listing, store: Store) -> set[str]:
    """Those that are listed and stand there still; what has left since the listing was taken is no stranger."""
    standing = set()
    async for path in paths:
        if listing.has(path):
            if not await _stands(store, path):
                listing.explain([path])
            else:
                standing.add(path)
    return standing


def strangers(listing: Listing, standing: Container[str], room: int) -> tuple[list[Finding], int]:
    """What nobody explained: the first `room` of it, and how much it is."""
    found, count = list[Finding](), 0
    for count, path in enumerate(listing.rest(), 1):
        if count <= room:
            found.append(
                Finding("unexplained", path, STANDS if path in standing else "nothing in the log makes it")
            )
    return found, count


async def brought_back(paths: AsyncIterable[str], store: Store) -> list[Finding]:
    """What this replay has made, of what an order disposed of while it ran."""
    return [
        Finding("unexplained", path, STANDS, copy=not path.startswith(f"{MAILS_ROOT}/"))
        for path in {path async for path in paths}
        if await _stands(store, path)
    ]


async def _stands(store: Store, path: str) -> bool:
    try:
        return await store.exists(path)
    except LinkFoundError:
        return True


async def excuse(state: PartitionState, paths: AsyncIterable[str]) -> None:
    """What left while it was looked for was disposed of, and is not missing."""
    gone = {path async for path in paths}
    for one in state.findings("missing") if gone else ():
        if one.path in gone:
            state.counts["copies_missing" if one.copy else "missing"] -= 1
            state.counts["copies" if one.copy else "mails"] -= 1
            state.counts["disposed"] += not one.copy
            state.drop(one)
    state.commit(state.stand)


async def look_again(state: PartitionState, store: Store) -> None:
    """What live workers have stored since is not missing."""
    for one in state.findings("missing"):
        with contextlib.suppress(BlobMissingError, LinkFoundError):  # a link is no mail either
            if await stored_hash(store, one.path) == one.sha256:
                prefix = "copies_" if one.copy else ""
                state.counts[f"{prefix}missing"] -= 1
                state.counts[f"{prefix}equal"] += 1
                state.drop(one)
    state.commit(state.stand)
