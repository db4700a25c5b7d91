"""Stage 4, copies ─▶ store and deliveries: each mail once, each participant's copy from it, then the ledger."""

import asyncio
import logging
from collections.abc import AsyncIterator

from schemas.ids import conversation_key
from schemas.records import Copies, CopyResult, Delivery, Outcome, Target
from schemas.topics import COPIES, DELIVERIES
from stores.interface import Store, StoreConflictError, Stored
from streams.fitting import fitting, has_path
from streams.mail.assemble import mail_chunks
from streams.outbox import Outbox
from streams.refusals import LASTING
from streams.stage import Desk, Record, Stateless

log = logging.getLogger(__name__)
MAIL_TYPE = "message/rfc822"
LONGEST_REASON = 300  # characters
LONGEST_FACT = 200  # characters
INLINE_BYTES = 1_000_000  # mails up to here are put together in memory: one write, one hash


class StoreStage(Stateless):
    """Makes mails and copies durable, then says so."""

    name = "store"
    source = COPIES
    batch = 100

    def __init__(self, desk: Desk, store: Store, *, concurrency: int = 16) -> None:
        self._desk, self._store = desk, store
        self._slots = asyncio.Semaphore(concurrency)

    async def handle(self, records: list[Record]) -> None:
        """All mails of the batch at once, within the limit of concurrency; positions move after the last."""
        outbox = self._desk.new_outbox()
        async with asyncio.TaskGroup() as group:
            for record in records:
                group.create_task(self._guarded(record, outbox))
        await outbox.confirm()
        for record in records:
            self._desk.positions.move(record.tp, record.offset)

    async def _guarded(self, record: Record, outbox: Outbox) -> None:
        async with self._slots:
            try:
                await self._one(record, outbox)
                self._desk.limit.note(self.name, refused=False)
            except (*LASTING, StoreConflictError) as error:
                log.error("%s/%s/%s refused: %s", record.topic, record.partition, record.offset, error)  # noqa: TRY400
                await self._desk.refuse(self.name, record, error, outbox)

    async def _one(self, record: Record, outbox: Outbox) -> None:
        copies: Copies = self._desk.decoded(record, "Copies").value
        original = await self._original(copies)
        results = [await self._copy(copies, target, original) for target in copies["targets"]]
        key = conversation_key(copies["connector_uid"], copies["conversation"])

        def encoded(some: list[CopyResult]) -> bytes:
            return outbox.encode(DELIVERIES, "Delivery", _delivery(copies, original, some))

        for value in list(fitting(results, encoded, first=has_path)):
            await outbox.send(DELIVERIES, value, key=key, partition=record.partition)

    async def _original(self, copies: Copies) -> Stored:
        return await self._desk.contents.patiently(lambda: self._create(copies))

    async def _create(self, copies: Copies) -> Stored:
        chunks = mail_chunks(copies["segments"], self._desk.contents.stream)
        data = await _joined(chunks) if _size(copies) <= INLINE_BYTES else chunks
        return await self._store.create(
            copies["path"], data, content_type=MAIL_TYPE, metadata=_metadata(copies)
        )

    async def _copy(self, copies: Copies, target: Target, original: Stored) -> CopyResult:
        outcome, reason = target["outcome"], target["reason"]
        if target["path"] is not None:
            outcome, reason = await self._make(copies, target["path"], original)
            self._desk.steps[self.name] += 1
        return {
            "participant": target["participant"], "mailbox": target["mailbox"], "path": target["path"],
            "outcome": _OUTCOMES[outcome], "reason": reason,
        }  # fmt: skip

    async def _make(self, copies: Copies, path: str, original: Stored) -> tuple[str, str | None]:
        try:
            await self._desk.contents.patiently(
                lambda: self._store.copy(
                    copies["path"],
                    path,
                    content_type=MAIL_TYPE,
                    metadata=_metadata(copies),
                    sha256=original.sha256,
                )
            )
        except StoreConflictError as error:
            log.error("copy refused: %s", error)  # noqa: TRY400 - the sentence says all
            return "failed", str(error)
        return ("partial", _why(copies["reasons"])) if copies["status"] == "partial" else ("ok", None)


_OUTCOMES: dict[str, Outcome] = {
    "ok": "ok", "partial": "partial", "skipped": "skipped", "failed": "failed", "external": "external"
}  # fmt: skip


def _why(reasons: list[str]) -> str:
    """Short, since it is repeated for each participant; the delivery has all reasons."""
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{reasons[0][:LONGEST_REASON]}{more}" if reasons else "something is missing"


async def _joined(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


def _size(copies: Copies) -> int:
    return sum(
        len(one["data"]) + (one["content"]["size"] if one["content"] else 0) for one in copies["segments"]
    )


def _metadata(copies: Copies) -> dict[str, str]:
    """Small ASCII facts that a person sees beside the blob."""
    return {
        "connector": _ascii(copies["connector_uid"]), "mailid": copies["mail_id"].hex(),
        "slice": _ascii(copies["slice"]), "revision": str(copies["revision"]), "status": _ascii(copies["status"]),
    }  # fmt: skip


def _ascii(text: str) -> str:
    """What a store takes as metadata, whatever the text: it is a convenience, and never a reason to refuse a mail."""
    seen = text.encode("ascii", "backslashreplace").decode()
    return "".join(char if " " <= char <= "~" else "?" for char in seen)[:LONGEST_FACT].strip() or "-"


def _delivery(copies: Copies, original: Stored, results: list[CopyResult]) -> Delivery:
    return {
        "mail_id": copies["mail_id"], "connector_uid": copies["connector_uid"], "source": copies["source"],
        "conversation": copies["conversation"], "slice": copies["slice"],
        "slice_start_ms": copies["slice_start_ms"], "revision": copies["revision"], "part": copies["part"],
        "parts": copies["parts"], "message_id": copies["message_id"], "date_ms": copies["date_ms"],
        "folder": copies["folder"], "status": copies["status"], "reasons": copies["reasons"],
        "event_count": copies["event_count"], "path": copies["path"], "size": original.size,
        "sha256": bytes.fromhex(original.sha256), "mapping_version": copies["mapping_version"], "copies": results,
    }  # fmt: skip
