"""Copies that a rerouting made: the log does not explain them, the ledger does (rule 23)."""

import hashlib
import logging
import sqlite3
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import closing
from typing import NamedTuple

from schemas.codec import Codec, DecodeError
from schemas.deliveries import routing, stands
from schemas.records import CopyResult, Delivery
from schemas.records import Target as Wanted
from schemas.slices import slice_day
from schemas.topics import DELIVERIES
from stores.interface import BlobMissingError, ChecksumError, LinkFoundError, Store
from streams.contents import Contents
from streams.keeping import Keeper
from streams.replay.findings import Finding
from streams.replay.selection import Selection

log = logging.getLogger(__name__)


class Rerouted(NamedTuple):
    """A copy that was routed elsewhere after it had been delivered, and the delivery that says so."""

    path: str
    delivery: Delivery
    copy: CopyResult


async def readable(values: AsyncIterable[bytes], codec: Codec) -> AsyncIterator[Delivery]:
    """The deliveries of a partition; what nobody can read is passed over with a word, as the monitor does."""
    async for data in values:
        try:
            name, one = codec.decode(data)
        except DecodeError as error:
            log.error("a record of %s is passed over: %s", DELIVERIES.name, error)  # noqa: TRY400 - one line
            continue
        if name == "Delivery":
            yield one


def is_selected(one: Delivery, selection: Selection) -> bool:
    """Whether the mail is, mailboxes aside."""
    day = slice_day(one)
    within = (selection.first or day) <= day <= (selection.last or day)
    return within and selection.names(one["connector_uid"], one["conversation"])


async def rerouted(
    values: AsyncIterable[bytes], codec: Codec, selection: Selection
) -> AsyncIterator[Rerouted]:
    """Every selected copy in the ledger that was routed elsewhere and stands, each path once, however often it is told."""
    with closing(sqlite3.connect("", isolation_level=None)) as seen:  # a file without a name
        seen.execute("CREATE TABLE seen (path TEXT PRIMARY KEY) WITHOUT ROWID")
        async for delivery in readable(values, codec):
            for copy in delivery["copies"] if is_selected(delivery, selection) else ():
                path = copy["path"]
                if path is None or not (routing(copy) and stands(copy) and selection.wants(copy["mailbox"])):
                    continue
                if seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (path,)).rowcount:
                    yield Rerouted(path, delivery, copy)


async def look(one: Rerouted, store: Store, contents: Contents, counts: Counter[str]) -> Finding | None:
    """Whether the copy stands there with the bytes that the ledger names; what is wrong, if anything is."""
    wanted = one.delivery["sha256"].hex()
    try:
        found = await contents.patiently(lambda: stored_hash(store, one.path))
    except BlobMissingError:
        found = ""
    except LinkFoundError as error:
        found = str(error)
    kind = "equal" if found == wanted else "different" if found else "missing"
    counts[f"copies_{kind}"] += 1
    counts["copies"] += 1
    if kind == "equal":
        return None
    mail = f"the rerouted copy of {one.delivery['path']}"
    return Finding(
        kind, one.path, mail if kind == "missing" else f"not the bytes of {mail}", wanted, copy=True
    )


async def restore(one: Rerouted, keeper: Keeper, counts: Counter[str]) -> Finding | None:
    """Make the copy again if it is gone, from the mail that stands in the store; what is wrong, if anything is.

    The ledger has it already, and is told nothing.
    """
    delivery, counts["copies"] = one.delivery, counts["copies"] + 1
    target: Wanted = {
        "participant": one.copy["participant"], "mailbox": one.copy["mailbox"], "path": one.path, "outcome": "deliver",
        "reason": None,
    }  # fmt: skip
    try:
        kept = await keeper.copy(delivery, target, delivery["sha256"].hex())
    except (BlobMissingError, ChecksumError, LinkFoundError) as error:
        counts["failed"] += 1
        return Finding("failed", one.path, str(error), copy=True)
    failed = kept.result["outcome"] == "failed"
    counts["copies_different" if failed else "copies_new" if kept.created else "copies_equal"] += 1
    return Finding("different", one.path, kept.result["reason"] or "", copy=True) if failed else None


async def stored_hash(store: Store, path: str) -> str:
    """SHA-256 of what stands there, read whole; BlobMissingError."""
    running = hashlib.sha256()
    async for chunk in store.stream(path):
        running.update(chunk)
    return running.hexdigest()
