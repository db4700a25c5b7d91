"""Routing what is archived by another mapping: nothing is rendered, the ledger and the stored mails say everything.

The ledger is also the memory: what was rerouted stands in it, so the same again finds nothing to do, whenever it was ended.
Copies at former mailboxes are kept; the new delivery names them as superseded (rule 23).
"""

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError

from schemas.codec import Codec, encode, expect
from schemas.deliveries import participant_key
from schemas.records import Delivery, Superseded
from schemas.records import Target as Wanted
from schemas.topics import DELIVERIES, MAPPINGS
from stores.interface import BlobMissingError, StoreError
from streams.contents import Contents
from streams.keeping import Keeper, send_delivery
from streams.outbox import Outbox
from streams.readback import read_back, read_records
from streams.refusals import DependencyError, RejectedError
from streams.replay.claim import only_one_anywhere
from streams.replay.disposed import Disposed
from streams.replay.errors import ReplayError, on_local_disk
from streams.replay.findings import Finding
from streams.replay.job import Job, disposed_mails, ledger_outbox, opened
from streams.replay.ledger import is_selected, readable
from streams.replay.lock import only_one
from streams.replay.log import open_log
from streams.replay.partition import UnderWay
from streams.replay.selection import Selection
from streams.rerouting import Rerouting, reroute
from streams.routers import Routers
from streams.routing import Router

MAILS_A_CONFIRMATION = 500
LOCK = "reroute.lock"
CLAIM = "chatledger-reroute"
RUNNING = "another rerouting is running: wait until it has ended"


@dataclass
class Rerouted:
    """What a rerouting did: counters `mails` (looked at), `rerouted`, `copies_new`, `superseded`, `unrouted`, `failed`."""

    counts: Counter[str] = field(default_factory=Counter)
    superseded: list[tuple[Superseded, str]] = field(default_factory=list)
    """What stands at a former mailbox, and where the participant's copy is now; empty where there is none any more."""
    findings: list[Finding] = field(default_factory=list)


class Ledger:
    """All deliveries of one partition's selected mails, by mail, on disk."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(
            "", isolation_level=None
        )  # a file without a name, where temporary files are
        self._db.execute("CREATE TABLE delivery (mail BLOB, number INTEGER PRIMARY KEY, value BLOB)")

    async def fill(self, values: AsyncIterable[bytes], codec: Codec, selection: Selection) -> int:
        """Read the ledger, in its order; how many mails are selected, mailboxes aside."""
        self._db.execute("BEGIN")
        async for one in readable(values, codec):
            if is_selected(one, selection):
                row = (one["mail_id"], encode("Delivery", one))
                self._db.execute("INSERT INTO delivery (mail, value) VALUES (?,?)", row)
        self._db.execute("CREATE INDEX by_mail ON delivery (mail, number)")
        self._db.execute("COMMIT")
        return int(self._db.execute("SELECT count(DISTINCT mail) FROM delivery").fetchone()[0])

    def mails(self) -> Iterator[list[Delivery]]:
        """The deliveries of each mail, in the ledger's order."""
        for (mail,) in self._db.execute("SELECT DISTINCT mail FROM delivery"):
            rows = self._db.execute("SELECT value FROM delivery WHERE mail=? ORDER BY number", (mail,))
            yield [expect("Delivery", value) for (value,) in rows]

    def close(self) -> None:
        """The space is free again."""
        self._db.close()


class Rerouter:
    """Makes the copies that another mapping wants, and tells the ledger."""

    def __init__(
        self, keeper: Keeper, outbox: Outbox, router: Router, selection: Selection, slots: asyncio.Semaphore,
        may_go_on: Callable[[], Awaitable[None]], disposed: Disposed,
    ) -> None:  # fmt: skip
        """`may_go_on` raises when another host may be doing the same; asked before what is to be sent is sent."""
        self._may_go_on, self._disposed = may_go_on, disposed
        self._keeper, self._outbox, self._router = keeper, outbox, router
        self._selection, self._slots = selection, slots
        self.done = Rerouted()

    async def partition(
        self, number: int, values: AsyncIterable[bytes], codec: Codec, tell: Callable[[int, int, int], None]
    ) -> None:
        """Everything of one partition of the ledger; durable and confirmed on return."""
        with contextlib.closing(Ledger()) as ledger:
            await ledger.fill(values, codec, self._selection)
            under_way = UnderWay(self._slots)
            try:
                for count, deliveries in enumerate(ledger.mails(), 1):
                    if deliveries[0]["mail_id"] in self._disposed:
                        continue
                    await under_way.start(self._mail(number, deliveries, tell))
                    if count % MAILS_A_CONFIRMATION == 0:
                        await self._settle(under_way)
                await self._settle(under_way)
            finally:
                await under_way.cancel()

    async def _settle(self, under_way: UnderWay) -> None:
        await under_way.settled()
        await self._outbox.confirm()

    async def _mail(
        self, number: int, deliveries: list[Delivery], tell: Callable[[int, int, int], None]
    ) -> None:
        found = reroute(deliveries, self._router)
        targets = [one for one in found.targets if self._wants(one, found)]
        self.done.counts["mails"] += 1
        if targets:
            try:
                await self._make(number, found, targets)
            except BlobMissingError as error:
                self.done.counts["failed"] += 1
                why = f"{error}; `chatledger replay --into store` makes it again"
                self.done.findings.append(Finding("failed", found.facts["path"], why))
        tell(0, 0, 1)

    def _wants(self, target: Wanted, found: Rerouting) -> bool:
        former = found.former[participant_key(target["participant"])][1]
        return self._selection.wants(target["mailbox"]) or self._selection.wants(former["mailbox"])

    async def _make(self, number: int, found: Rerouting, targets: list[Wanted]) -> None:
        sha256, results, new = found.facts["sha256"].hex(), [], 0
        for target in targets:
            kept = await self._keeper.copy(found.facts, target, sha256)
            results.append(kept.result)
            new += kept.created
        delivery = found.delivery(results)
        await self._may_go_on()
        await send_delivery(self._outbox, delivery, number)
        self._count(found, delivery, new)

    def _count(self, found: Rerouting, delivery: Delivery, new: int) -> None:
        self.done.counts["rerouted"] += 1
        self.done.counts["copies_new"] += new
        for copy in delivery["copies"]:
            left = copy.get("supersedes")
            before = found.former[participant_key(copy["participant"])][1].get("supersedes")
            if left is not None and left != before:
                self.done.counts["superseded"] += 1
                self.done.superseded.append((left, copy["path"] or ""))
            if (
                copy["outcome"] == "failed" and copy["path"] is not None
            ):  # the store refused it; who has no mailbox is no fault
                self.done.counts["failed"] += 1
                self.done.findings.append(Finding("failed", delivery["path"], copy["reason"] or ""))


def reroute_all(job: Job, version: str, tell: Callable[[int, int, int], None]) -> Rerouted:
    """Route everything that is selected by this version of the mapping, into the store and its ledger. Blocks.

    ReplayError with a sentence on what is wrong; AlreadyRunningError while another one runs with this state folder: what
    supersedes what is read from the ledger, so there must be one writer at a time (decision 11).
    """
    try:
        with (
            on_local_disk(job.folder.parent),
            only_one(job.folder.parent / LOCK, RUNNING),
        ):
            return asyncio.run(_reroute_all(job, version, tell))
    except (StoreError, KafkaError, RejectedError, DependencyError) as error:
        raise ReplayError(f"{type(error).__name__}: {error}") from error


async def _reroute_all(job: Job, version: str, tell: Callable[[int, int, int], None]) -> Rerouted:
    codec = job.codec()
    async with (
        disposed_mails(job, codec) as disposed,
        opened(job.store) as store,
        only_one_anywhere(job.kafka, CLAIM, MAPPINGS, RUNNING) as claim,
        ledger_outbox(job.kafka, codec) as outbox,
        open_log(job.kafka) as log,
    ):
        contents = Contents(store)
        router = await Routers(lambda: read_records(job.kafka, MAPPINGS, 0), codec, contents).of(version)
        slots = asyncio.Semaphore(job.concurrency)
        work = Rerouter(Keeper(store, contents), outbox, router, job.selection, slots, claim.demand, disposed)
        for number in await log.bounds():
            await work.partition(number, read_back(job.kafka, DELIVERIES, number), codec, tell)
    return work.done
