"""Stage 4, copies ─▶ store and deliveries: each mail once, each participant's copy from it, then the ledger."""

import asyncio
import logging

from schemas.records import Copies
from schemas.topics import COPIES
from stores.interface import Store, StoreConflictError
from stores.paths import mail_path
from streams.keeping import Keeper, delivery, send_delivery
from streams.outbox import Outbox
from streams.refusals import LASTING, RejectedError
from streams.stage import Record, Stateless, Tools

log = logging.getLogger(__name__)


COPY_LEVELS = 6
"""mailbox / folder / year / month / day / file, as `copy_path` makes them."""


def check_paths(copies: Copies) -> None:
    """RejectedError for a path that routing never chooses: a file in a folder's place would stop everything below it."""
    if copies["path"] != mail_path(copies["connector_uid"], copies["mail_id"].hex()):
        msg = f"{copies['path'][:200]!r} is not the place of mail {copies['mail_id'].hex()}"
        raise RejectedError(msg)
    for path in (target["path"] for target in copies["targets"] if target["path"] is not None):
        parts = path.split("/")
        if len(parts) != COPY_LEVELS or parts[0].startswith("_") or not path.endswith(".eml"):
            msg = f"{path[:200]!r} is no place for a copy"
            raise RejectedError(msg)


class StoreStage(Stateless):
    """Makes mails and copies durable, then says so."""

    name = "store"
    source = COPIES
    batch = 100

    def __init__(self, tools: Tools, store: Store, *, concurrency: int = 16) -> None:
        self._tools, self._keeper = tools, Keeper(store, tools.contents, self._moved)
        self._slots = asyncio.Semaphore(concurrency)

    async def handle(self, records: list[Record]) -> None:
        """All mails of the batch at once, within the limit of concurrency; positions move after the last."""
        outbox = self._tools.new_outbox()
        async with asyncio.TaskGroup() as group:
            for record in records:
                group.create_task(self._guarded(record, outbox))
        await outbox.confirm()
        for record in records:
            self._tools.positions.move(record.tp, record.offset)

    async def _guarded(self, record: Record, outbox: Outbox) -> None:
        async with self._slots:
            try:
                refused: Exception | None = await self._one(record, outbox)
            except (*LASTING, StoreConflictError) as error:
                refused = error
            if refused is None:
                self._tools.limit.note(self.name, refused=False)
            else:
                await self._refuse(record, refused, outbox)

    async def _refuse(self, record: Record, error: Exception, outbox: Outbox) -> None:
        """A dead letter; where other bytes stand in a mail's or a copy's place, an alarm as well: nothing of ours wrote them."""
        log.error("%s/%s/%s refused: %s", record.topic, record.partition, record.offset, error)
        if isinstance(error, StoreConflictError):
            self._tools.alarms[record.tp] = (record.offset, str(error))
        await self._tools.refuse(self.name, record, error, outbox)

    def _moved(self) -> None:
        self._tools.steps[self.name] += 1

    async def _one(self, record: Record, outbox: Outbox) -> StoreConflictError | None:
        """The mail and its copies, then the ledger; the first copy whose place is taken by other bytes."""
        copies = self._tools.decoded(record, "Copies").value
        check_paths(copies)
        original = await self._keeper.original(copies)
        kept = []
        for target in copies["targets"]:
            kept.append(await self._keeper.copy(copies, target, original.sha256))
            self._moved()
        one = delivery(copies, original, [copy.result for copy in kept])
        await send_delivery(outbox, one, record.partition)
        return next((copy.conflict for copy in kept if copy.conflict is not None), None)
