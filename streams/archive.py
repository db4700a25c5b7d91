"""Stage 2, conversations ─▶ archive and deliveries: a closed slice is rendered, routed and stored in one go.

    record ─ decode ─▶ closed slice ─ render ─▶ mails ─ route ─▶ copies ─ keep ─▶ store ─▶ delivery

A shell around three pure or plain cores: the renderer (`streams/mail`), `Router` and `Keeper`. Nothing is stored before all
mails of the slice are rendered and routed.
"""

import logging

from schemas.ids import mail_id
from schemas.records import ClosedSlice, Copies
from schemas.topics import CONVERSATIONS, MAPPINGS
from stores.interface import Store, StoreConflictError
from streams.departed import Departed
from streams.keeping import Keeper, delivery, send_delivery
from streams.keeping import Kept as Copy
from streams.outbox import Outbox
from streams.readback import Kept
from streams.refusals import LASTING, RejectedError
from streams.rendering import mails_of, memory_of
from streams.room import Room
from streams.routers import ReadMappings, Routers
from streams.stage import Record, Stateless, Tools, each

log = logging.getLogger(__name__)
COPY_LEVELS = 6
"""mailbox / folder / year / month / day / file, as `copy_path` makes them."""


def checked(copies: Copies) -> Copies:
    """The same; RejectedError for a path that is no place for a copy: a file where a folder belongs would stop all below it."""
    for path in (target["path"] for target in copies["targets"] if target["path"] is not None):
        parts = path.split("/")
        if len(parts) != COPY_LEVELS or parts[0].startswith("_") or not path.endswith(".eml"):
            msg = f"{path[:200]!r} is no place for a copy"
            raise RejectedError(msg)
    return copies


class ArchiveStage(Stateless):
    """Makes mails of closed slices, makes them and their copies durable, then says so."""

    name = "archive"
    source = CONVERSATIONS
    batch = 100

    def __init__(
        self, tools: Tools, mappings: ReadMappings, store: Store, *, concurrency: int = 16, departed: Departed | None = None
    ) -> None:  # fmt: skip
        """`mappings` reads topic mappings from its beginning to its present end. `concurrency`: slices at a time.

        `departed`: what orders disposed of, and is not stored again.
        """
        self._tools, self._concurrency = tools, concurrency
        self._keeper = Keeper(store, tools.contents, self._moved)
        self._routers = Routers(mappings, tools.codec, tools.contents, refuse=self._refuse_mapping)
        self._refused = set[int]()  # positions of topic mappings
        self._departed = departed
        self._room = Room()  # for mails between rendering and storing

    async def handle(self, records: list[Record]) -> None:
        """All slices of the batch, some side by side; positions move after the last."""
        refusable = (*LASTING, StoreConflictError)
        await each(
            self.name, self._tools, records, self._one, at_a_time=self._concurrency, refusable=refusable
        )

    async def _one(self, record: Record, outbox: Outbox) -> None:
        closed: ClosedSlice = self._tools.decoded(record, "ClosedSlice").value
        # An order names all parts; asked before anything is rendered, since its files may be gone too.
        if await self._is_departed(mail_id(closed["closing_id"], 1)):
            log.warning(
                "%s/%s/%s: its mail was disposed of, and is not stored again", record.topic, *record[1:3]
            )
            return
        async with self._room.of(memory_of(closed, len(record.value))):
            problems = list[Exception]()
            for copies in await self._routed(closed):
                problems += await self._keep(copies, outbox, record.partition)
        if problems:
            self._complain(record, problems)

    async def _routed(self, closed: ClosedSlice) -> list[Copies]:
        """Every part with its copies: a slice is refused whole, before anything of it is stored, where that can be known."""
        router = await self._routers.of(closed["mapping_version"])
        mails = await mails_of(closed, self._tools.contents, keep=True)
        self._moved()
        return [checked(router.copies(mail)) for mail in mails]

    async def _keep(self, copies: Copies, outbox: Outbox, partition: int) -> list[Exception]:
        """The mail and its copies, then the ledger. What can't be done for this mail hinders no other part of its slice."""
        mail, kept = copies["mail_id"], list[Copy]()
        try:
            if await self._is_departed(mail):
                return []
            original = await self._keeper.original(copies)
            for target in copies["targets"]:
                if await self._is_departed(mail):  # this worker may have been stopped in between
                    return []
                kept.append(await self._keeper.copy(copies, target, original.sha256))
                self._moved()
            one = delivery(copies, original, [copy.result for copy in kept])
            await send_delivery(outbox, one, partition)
        except (*LASTING, StoreConflictError) as error:
            return [error]
        return [copy.conflict for copy in kept if copy.conflict is not None]

    async def _is_departed(self, mail: bytes) -> bool:
        return self._departed is not None and await self._departed.has(mail)

    def _complain(self, record: Record, problems: list[Exception]) -> None:
        """Raise the worst; other bytes in a mail's or a copy's place are an alarm as well: nothing of ours wrote them."""
        conflicts = [error for error in problems if isinstance(error, StoreConflictError)]
        for error in problems:
            log.error("%s/%s/%s: %s", record.topic, record.partition, record.offset, error)
        if conflicts:
            self._tools.alarms[record.tp] = (record.offset, str(conflicts[0]))
        raise (conflicts or problems)[0]

    async def _refuse_mapping(self, kept: Kept, error: Exception) -> None:
        """What nobody can read in topic mappings becomes a dead letter, one in each life of a worker that meets it."""
        if kept.position in self._refused:
            return
        self._refused.add(kept.position)
        topic, outbox = self._tools.kafka.topic(MAPPINGS.name), self._tools.new_outbox()
        record = Record(topic, 0, kept.position, kept.key, kept.value)
        await self._tools.send_letter(self.name, record, error, outbox)
        await outbox.confirm()

    def _moved(self) -> None:
        self._tools.steps[self.name] += 1
