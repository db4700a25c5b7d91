"""What becomes of the mails of a replay: counted, compared with what stands in the archive, or made again."""

import hashlib
from collections.abc import AsyncIterator
from typing import Protocol

from schemas.records import Copies
from stores.interface import BlobMissingError, Comparing, LinkFoundError, Store, StoreConflictError
from streams.contents import Contents
from streams.keeping import INLINE_BYTES, Keeper, Kept, delivery, joined, send_delivery
from streams.mail.assemble import mail_chunks, mail_size
from streams.outbox import Outbox
from streams.replay.differing import first_difference
from streams.replay.findings import Finding, Findings
from streams.replay.told import Told


class Target(Protocol):
    """Where mails go. All effects of `handle` are durable after the next `settle`."""

    async def handle(self, copies: Copies, findings: Findings) -> None:
        """One mail with the copies that are selected."""

    async def settle(self) -> None:
        """Return when everything so far is durable."""


_KINDS = {True: "equal", False: "different", None: "missing"}


class DryRun:
    """Counts, and touches nothing."""

    async def handle(self, copies: Copies, findings: Findings) -> None:
        """Whoever calls has counted already."""

    async def settle(self) -> None:
        """Nothing is under way."""


class Compare:
    """Reads what stands in the archive, whole, and compares it with what the log says."""

    def __init__(self, store: Store, contents: Contents) -> None:
        """`contents`: where attachments come from."""
        self._store, self._contents = store, contents
        self._comparing = store if isinstance(store, Comparing) else None

    async def handle(self, copies: Copies, findings: Findings) -> None:
        """The mail and every copy of it; each path counts as explained, whatever stands there."""
        paths = [copies["path"], *paths_of(copies)]
        for path in paths:  # even if a file is gone, so that nobody can say with which bytes
            findings.explain(path)
        kinds = await self._kinds(paths, copies)
        wanted = "" if set(kinds) == {"equal"} else await self._wanted(copies)
        for path, kind in zip(paths, kinds, strict=True):
            told = kind if kind == "equal" else await self._found(path, kind, wanted, copies, findings)
            findings.counts[told if path == copies["path"] else f"copies_{told}"] += 1

    async def settle(self) -> None:
        """Nothing is under way."""

    async def _kinds(self, paths: list[str], copies: Copies) -> list[str]:
        """Bytes with bytes where there are few, which costs less than to hash them; else by hash, a chunk at a time."""
        if self._comparing is None or mail_size(copies["segments"]) > INLINE_BYTES:
            wanted = await self._wanted(copies)
            return [await self._kind(path, wanted) for path in paths]
        store, data = self._comparing, await self._contents.patiently(lambda: joined(self._ours(copies)))
        return [_KINDS[same] for same in await self._contents.patiently(lambda: store.same(paths, data))]

    async def _found(self, path: str, kind: str, wanted: str, copies: Copies, findings: Findings) -> str:
        """The kind of what is told; `wanted`: the hash that should stand there."""
        what = _of(copies)
        if kind == "different":
            try:
                what = await self.explain(path, copies)
            except BlobMissingError:
                kind = "missing"  # it was removed since it was compared, by an order perhaps
        findings.add(Finding(kind, path, what, wanted, path != copies["path"]))
        return kind

    async def _wanted(self, copies: Copies) -> str:
        return await self._contents.patiently(lambda: _sha256(self._ours(copies)))

    async def _kind(self, path: str, wanted: str) -> str:
        try:
            found = await self._contents.patiently(lambda: _sha256(self._store.stream(path)))
        except BlobMissingError:
            return "missing"
        except LinkFoundError:
            return "different"
        return "equal" if found == wanted else "different"

    async def explain(self, path: str, copies: Copies) -> str:
        """The first header or line in which what stands there differs from what the log says."""
        try:
            return await self._contents.patiently(
                lambda: first_difference(self._ours(copies), self._store.stream(path))
            )
        except LinkFoundError as error:
            return str(error)

    def _ours(self, copies: Copies) -> AsyncIterator[bytes]:
        return mail_chunks(copies["segments"], self._contents.stream)


class Into:
    """Makes mails and copies in a store, create-only; tells the ledger, if there is one, of what is new or what it lacks."""

    def __init__(
        self,
        store: Store,
        contents: Contents,
        outbox: Outbox | None = None,
        partition: int = 0,
        told: Told | None = None,
    ) -> None:
        """`contents`: where attachments come from, which may be another store. `outbox`: the way to the ledger.

        `told`: what the ledger has. A replay that was killed before its ledger was confirmed finds nothing new later.
        """
        self._keeper, self._compare = Keeper(store, contents), Compare(store, contents)
        self._outbox, self._partition, self._told = outbox, partition, told

    async def handle(self, copies: Copies, findings: Findings) -> None:
        """The mail, then its copies; other bytes that stand there already stay, and are a finding."""
        for path in [copies["path"], *paths_of(copies)] if self._outbox is not None else ():
            findings.explain(path)  # beside the archive nobody asks what explains them
        try:
            original = await self._keeper.original(copies)
        except StoreConflictError:
            findings.counts["different"] += 1
            findings.counts["copies_different"] += len(paths_of(copies))  # none can be made of it
            await self._tell(copies["path"], copies, findings)
            return
        findings.counts["new" if original.created else "equal"] += 1
        results, new = [], original.created
        for target in copies["targets"]:
            kept = await self._keeper.copy(copies, target, original.sha256)
            results.append(kept.result)
            new = new or kept.created
            if target["path"] is not None:
                await self._count(kept, copies, findings)
        one = delivery(copies, original, results)
        if self._outbox is not None and (new or (self._told is not None and self._told.lacks(one))):
            await send_delivery(self._outbox, one, self._partition)

    async def settle(self) -> None:
        """Return when the ledger is confirmed."""
        if self._outbox is not None:
            await self._outbox.confirm()

    async def _count(self, kept: Kept, copies: Copies, findings: Findings) -> None:
        failed, path = kept.result["outcome"] == "failed", kept.result["path"]
        kind = "different" if failed else "new" if kept.created else "equal"
        findings.counts[f"copies_{kind}"] += 1
        if failed and path is not None:
            await self._tell(path, copies, findings)

    async def _tell(self, path: str, copies: Copies, findings: Findings) -> None:
        where = await self._compare.explain(path, copies)
        findings.add(Finding("different", path, where, copy=path != copies["path"]))


def paths_of(copies: Copies) -> list[str]:
    """Where the copies of a mail lie."""
    return [target["path"] for target in copies["targets"] if target["path"] is not None]


def _of(copies: Copies) -> str:
    return f"{copies['connector_uid']}, conversation {copies['conversation']}, slice {copies['slice']}"


async def _sha256(chunks: AsyncIterator[bytes]) -> str:
    running = hashlib.sha256()
    async for chunk in chunks:
        running.update(chunk)
    return running.hexdigest()
