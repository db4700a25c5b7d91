"""Checking an archive against its evidence, alone: no Kafka, no configuration, nothing of the log.

First the chain from its first manifest on, then every mail and copy against the leaves. What the leaves say lies in a SQLite
file without a name, so that an archive of any size needs little memory.
"""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from consumers.evidence import chain
from consumers.evidence.disposals import Disposals
from consumers.evidence.errors import EvidenceError
from consumers.evidence.expected import Beyond, Expected
from consumers.evidence.keys import is_signed
from consumers.evidence.links import links, missing
from consumers.evidence.merkle import Tree
from consumers.evidence.statement import LEAVES, MANIFEST, Manifest, Statement, path_of
from schemas.ids import split
from stores.interface import LinkFoundError, Store, StoreError
from stores.paths import MAILS_ROOT

OFFLINE = (
    "what was stored since the last manifest looks added here, and what an order of disposition removed looks removed: "
    "`chatledger evidence close` first, or `chatledger evidence verify` without a folder, which asks the log"
)


@dataclass(frozen=True)
class Anchor:
    """What is known from elsewhere, so that a chain that was cut or signed anew is found; None where nothing is."""

    key: str | None = None  # public key that some manifest must be signed with
    root: str | None = None  # of a manifest that must be there
    at_least: int = 0  # manifests
    roots: dict[int, str] = field(
        default_factory=dict
    )  # number -> SHA-256 of the manifest, from topic evidence


@dataclass
class Report:
    """What was found. `faults`: sentences; an archive is as its evidence says if there is none.

    `newer`: paths that came after the last manifest. `pending`: orders that came after it, and how many files they removed.
    """

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    pending: list[tuple[str, int]] = field(default_factory=list)
    manifests: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    mails: int = 0
    copies: int = 0
    last: Manifest | None = None
    disposals: Disposals = field(default_factory=Disposals)


class Verifier:
    """One check of one archive."""

    def __init__(
        self,
        store: Store,
        anchor: Anchor | None = None,
        beyond: Callable[[Manifest | None], Beyond] | None = None,
    ) -> None:
        """`beyond`: what is known to have come after this manifest, the last one; may block. Without it nothing is known."""
        self._store, self._anchor, self._beyond = store, anchor or Anchor(), beyond
        self._db = sqlite3.connect("", isolation_level=None)
        self._keys: set[str] = set()  # those that have signed a manifest
        self._roots: set[str] = set()
        self.report = Report()

    async def run(self) -> Report:
        """Check everything; StoreError where the archive can't be read."""
        expected = Expected(self._db)
        try:
            await self._chain(expected)
            self._anchored()
            await self._files(expected)
        finally:
            self._db.close()
        return self.report

    async def _chain(self, expected: Expected) -> None:
        shelf = await chain.look(self._store)
        self.report.faults += [f"{path}: does not belong to the evidence" for path in shelf.strange]
        numbers = shelf.manifests()
        if not numbers:
            self.report.faults.append("there is no evidence here: no manifest below _evidence/")
        for number in sorted(shelf.names):
            if numbers and number > numbers[-1]:
                self.report.notes.append(
                    f"manifest {number} was begun and not signed; closing again finishes it"
                )
        self.report.faults += missing(numbers)
        before: Manifest | None = None
        for number in numbers:
            before = await self._manifest(number, before, expected, shelf) or before
        self.report.last = before

    async def _manifest(
        self, number: int, before: Manifest | None, expected: Expected, shelf: chain.Shelf
    ) -> Manifest | None:
        try:
            found = await chain.manifest(self._store, number)
        except (EvidenceError, LinkFoundError) as error:
            self.report.faults.append(str(error))
            return None
        self.report.manifests += 1
        path = path_of(number, MANIFEST)
        self.report.faults += [f"{path}: {fault}" for fault in links(found, before)]
        try:
            shelf.demand(number, LEAVES)
            await self._leaves(found.statement, expected)
        except (EvidenceError, LinkFoundError) as error:
            self.report.faults.append(str(error))
        self._known(found)
        return found

    async def _leaves(self, one: Statement, expected: Expected) -> None:
        tree, unread = Tree(), 0
        with expected.transaction():
            async for line in chain.lines(self._store, one.number):
                if tree.count == one.count:
                    raise EvidenceError(f"{path_of(one.number, LEAVES)}: more leaves than were signed")
                tree.add(line)
                try:
                    expected.add(line, one.number, self.report)
                except EvidenceError as error:  # the first is told; there may be millions
                    unread += 1
                    self.report.faults += [str(error)] if unread == 1 else []
        if (tree.count, tree.root().hex()) != (one.count, one.root):
            where = path_of(one.number, LEAVES)
            self.report.faults.append(
                f"{where}: {tree.count} leaves with root {tree.root().hex()[:16]}…, signed were {one.count} with "
                f"{one.root[:16]}…; leaves were removed, added, altered or re-ordered"
            )

    def _known(self, found: Manifest) -> None:
        self._roots.add(found.statement.root)
        if is_signed(found.signed, found.signature, found.statement.key):
            self._keys.add(found.statement.key)
        wanted = self._anchor.roots.get(found.statement.number)
        if wanted is not None and wanted != found.digest:
            path = path_of(found.statement.number, MANIFEST)
            self.report.faults.append(
                f"{path}: not the manifest that topic evidence knows; the chain was forked"
            )
        self.report.notes += (
            [f"root {found.statement.root}"] if found.statement.root == self._anchor.root else []
        )

    def _anchored(self) -> None:
        anchor, last = self._anchor, self.report.last
        end = last.statement.number if last else 0
        wanted = max([anchor.at_least, *anchor.roots])
        if end < wanted:
            self.report.faults.append(
                f"the chain ends with manifest {end}, but there were {wanted}: it was truncated"
            )
        if anchor.key is not None and anchor.key not in self._keys:
            self.report.faults.append(_unsigned(anchor.key, last))
        if anchor.root is not None and anchor.root not in self._roots:
            self.report.faults.append(
                f"no manifest has the root {anchor.root}: the chain was truncated or forked"
            )

    async def _files(self, expected: Expected) -> None:
        unknown = []
        async for path in mails_of(self._store):
            if expected.wanted(path) is None:
                unknown.append(path)
                continue
            self._count(path)
            expected.found(path, await sha256_of(self._store, path))
        # Asked after the listing: what was stored or removed meanwhile is known by now.
        newer = await self._learn(expected)
        for path in expected.to_look_for():
            if not await self._stands(path):
                expected.left(path)
        faults = self.report.faults
        faults += expected.differing()
        faults += expected.wrong()
        self.report.newer = [path for path in unknown if path in newer]
        for path in self.report.newer:
            sentence = expected.stays(path, newer[path])
            faults += [sentence] if sentence is not None and await self._stands(path) else []
        said = "stands here, but no manifest knows it; added, or newer than the last one"
        added = [f"{path}: {said}" for path in unknown if path not in newer]
        gone = list(expected.gone())
        faults += added
        faults += gone
        self.report.pending = expected.pending()
        if (gone or added) and self._beyond is None:
            self.report.notes.append(OFFLINE)

    async def _learn(self, expected: Expected) -> dict[str, str]:
        """What came after the last manifest: by path, ids of mails that are newer."""
        if self._beyond is None:
            return {}
        found = await asyncio.to_thread(self._beyond, self.report.last)
        for order, mails in found.disposed:
            expected.dispose(order, split(mails), finished=order in found.finished)
        return found.paths

    async def _stands(self, path: str) -> bool:
        """Whether it is there still: an order may have removed it after the listing. A link counts as something that stands."""
        try:
            return await self._store.exists(path)
        except LinkFoundError:
            return True

    def _count(self, path: str) -> None:
        if path.startswith(f"{MAILS_ROOT}/"):
            self.report.mails += 1
        else:
            self.report.copies += 1


def _unsigned(key: str, last: Manifest | None) -> str:
    if last is not None and key == last.statement.next_key:  # anybody can introduce it: that proves nothing
        return f"no manifest is signed with key {key} yet: manifest {last.statement.number} is the last, and only introduces it"
    return f"no manifest is signed with key {key}; somebody else made this chain"


async def mails_of(store: Store) -> AsyncIterator[str]:
    """Paths of all mails and copies; what else lies in an archive begins with an underscore."""
    async for found in store.list():
        if found.path.startswith(f"{MAILS_ROOT}/") or not found.path.startswith("_"):
            yield found.path


async def sha256_of(store: Store, path: str) -> str:
    """Of the bytes as they are read, whatever a store has noted beside them."""
    running = hashlib.sha256()
    try:
        async for chunk in store.stream(path):
            running.update(chunk)
    except StoreError as error:
        return f"nothing ({error})"
    return running.hexdigest()
