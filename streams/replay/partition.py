"""The replay of one partition: log ─▶ fold ─▶ render ─▶ route ─▶ target, with a commit after every few hundred mails."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from schemas.codec import Codec
from schemas.records import ClosedSlice, Copies, Mail
from stores.interface import BlobMissingError, StoreConflictError
from streams.assemble import with_everybody
from streams.assembly import Closed, OpenSlice
from streams.contents import Contents
from streams.mail.assemble import ContentError
from streams.memory import Memory
from streams.refusals import LASTING, DependencyError
from streams.rendering import mails_of, memory_of
from streams.replay.disposed import Disposed
from streams.replay.findings import Finding
from streams.replay.fold import Fold, Step
from streams.replay.log import Entry, Log
from streams.replay.selection import Selection
from streams.replay.state import PartitionState
from streams.replay.targets import Target, paths_of
from streams.routers import Routers
from streams.scratch import Scratch

BYTES_IN_A_ROW = 500_000
"""Of their mails; where there are more, each mail is a task of its own, so that few large ones are in memory."""
MAILS_A_COMMIT = 500
RECORDS_A_COMMIT = 20_000
UNMAKEABLE = (
    *LASTING, BlobMissingError, ContentError, StoreConflictError, DependencyError
)  # fmt: skip
"""What is wrong with one mail, its files or its mapping: a finding, and the others go on."""

Tell = Callable[[int, int, int], None]
"""Progress since the last time: half steps (each record counts when it is read and when it is settled), events, mails."""


@dataclass(frozen=True)
class Means:
    """What a partition's replay works with; `slots` bounds how many mails the target has at a time."""

    log: Log
    codec: Codec
    contents: Contents
    routers: Routers
    target: Target
    scratch: Scratch
    slots: asyncio.Semaphore
    disposed: Disposed
    keep: bool = False
    """Whether what is made becomes part of the archive."""
    in_a_row: int = 1
    """Slices of which one task has the mails; more are cheaper, and fewer mails wait for a store at the same time."""


class UnderWay:
    """Effects that were started; an error of one shows when they are waited for."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, effect: Coroutine[Any, Any, None]) -> None:
        """Begin when there is a free slot."""
        await self._slots.acquire()
        task = asyncio.create_task(effect)
        task.add_done_callback(lambda _: self._slots.release())
        self._tasks.append(task)

    async def settled(self) -> None:
        """Return when all are done; raises the first error, and the others are still there for `cancel`."""
        await asyncio.gather(*self._tasks)
        self._tasks.clear()

    async def cancel(self) -> None:
        """End what is still under way, and forget it: it would write into files that are closed next."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


class PartitionReplay:
    """One partition, from where its state says to its end."""

    def __init__(
        self, number: int, selection: Selection, state: PartitionState, means: Means, tell: Tell
    ) -> None:
        self._number, self._selection, self._state = number, selection, state
        self._means, self._tell = means, tell
        self._under_way = UnderWay(means.slots)
        self._mails = self._records = 0  # since the last commit
        self._closed, self._bytes = list[ClosedSlice](), 0  # to be rendered, and about how large it will be

    async def run(self) -> None:
        """Return when everything is durable."""
        if not self._state.finished:
            await self._pass()

    async def _pass(self) -> None:
        state = self._state
        memory = state.memory()
        fold = Fold(
            self._number, state.stand, memory=memory, scratch=self._means.scratch, codec=self._means.codec,
            selection=self._selection, refused=state.refused, days=state.days(),
        )  # fmt: skip
        self._mails = self._records = 0
        try:
            async for batch in self._means.log.read(self._number, state.stand.needed, state.until):
                for entry in batch:
                    step = self._fed(fold, entry)
                    for one in step.emit:
                        await self._close(fold, memory, one, entry.position)
                    fold.done(entry.position, step)
                if self._mails >= MAILS_A_COMMIT or self._records >= RECORDS_A_COMMIT:
                    await self._commit(fold)
            state.counts["open"] = fold.waiting
            await self._commit(fold)
        finally:
            await self._under_way.cancel()
            fold.abandon()

    async def _commit(self, fold: Fold) -> None:
        await self._render()
        await self._under_way.settled()
        await self._means.target.settle()
        self._state.commit(fold.stand)
        self._mails = self._records = 0

    def _fed(self, fold: Fold, entry: Entry) -> Step:
        state, step = self._state, fold.feed(*entry)
        self._records += 1
        state.counts["records"] += entry.position >= state.stand.reached
        state.counts["refused"] += step.refused
        if step.facts:
            state.add_facts(step.facts)
        self._tell(1 if step.kept else 2, 0, 0)
        return step

    async def _close(self, fold: Fold, memory: Memory, one: OpenSlice, position: int) -> None:
        closed = await self._with_everybody(fold.close(one, position))
        memory.add_closing(closed.closing)
        if closed.slice is not None and closed.slice["closing_id"] in self._means.disposed:
            self._state.counts["disposed"] += 1
        elif closed.slice is not None:
            self._state.counts["slices"] += 1
            self._closed.append(closed.slice)
            self._bytes += memory_of(closed.slice, sum(ref.length for ref in one.records))
            if len(self._closed) >= self._means.in_a_row or self._bytes >= BYTES_IN_A_ROW:
                await self._render()
        self._tell(len(one.records), closed.closing["count"], 0)

    async def _render(self) -> None:
        """What waits becomes mails, and these are under way."""
        mails = [mail for one in self._closed for mail in await self._rendered(one)]
        tasks = [mails] if self._bytes < BYTES_IN_A_ROW else [[mail] for mail in mails]
        self._closed, self._bytes = [], 0
        for some in tasks:
            await self._under_way.start(self._all(some))

    async def _all(self, mails: list[Mail]) -> None:
        for mail in mails:
            await self._one(mail)

    async def _with_everybody(self, closed: Closed) -> Closed:
        try:
            return await with_everybody(self._means.contents, closed)
        except BlobMissingError:
            return closed  # its mails will say so

    async def _rendered(self, closed: ClosedSlice) -> list[Mail]:
        try:
            return await mails_of(closed, self._means.contents, keep=self._means.keep)
        except UNMAKEABLE as error:
            name = (
                f"{closed['connector_uid']}, conversation {closed['conversation']}, slice {closed['slice']}"
            )
            self._fail(name, error)
            return []

    async def _one(self, mail: Mail) -> None:
        copies: Copies | None = None
        try:
            copies = (await self._means.routers.of(mail["mapping_version"])).copies(mail)
            await self._selected(copies)
        except UNMAKEABLE as error:
            self._fail(copies["path"] if copies else mail["message_id"], error)

    async def _selected(self, copies: Copies) -> None:
        targets = [one for one in copies["targets"] if self._selection.wants(one["mailbox"])]
        some: Copies = {**copies, "targets": targets}
        if self._selection.mailboxes and not paths_of(some):
            return
        counts = self._state.counts
        counts["mails"] += 1
        counts["copies"] += len(paths_of(some))
        counts["unrouted"] += not paths_of(copies)
        self._mails += 1
        await self._means.target.handle(some, self._state)
        self._tell(0, 0, 1)

    def _fail(self, name: str, error: Exception) -> None:
        self._state.counts["failed"] += 1
        self._state.add(Finding("failed", name, f"{type(error).__name__}: {error}"))
