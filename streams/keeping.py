"""One mail and its copies made durable in a store: what the archive stage and a replay both do."""

import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from schemas.ids import conversation_key
from schemas.records import Copies, CopyResult, Delivery, Outcome, Segment, Target, mail_facts
from schemas.topics import DELIVERIES
from stores.interface import Store, StoreConflictError, Stored
from streams.contents import Contents
from streams.fitting import fitting, has_path
from streams.mail.assemble import mail_chunks, mail_size
from streams.outbox import Outbox
from streams.room import Room

log = logging.getLogger(__name__)
MAIL_TYPE = "message/rfc822"
LONGEST_REASON = 300  # characters
LONGEST_FACT = 200  # characters
_UNPRINTABLE = re.compile(r"[^ -~]")
INLINE_BYTES = 1_000_000  # mails up to here are put together in memory: one write, one hash


class Kept(NamedTuple):
    """What became of one participant's copy; `created` is False where it stood there already or nothing was to be made.

    `conflict`: other bytes stand in its place.
    """

    result: CopyResult
    created: bool
    conflict: StoreConflictError | None = None


class Keeper:
    """Writes mails and copies into a store, from a content store that may be another one; waits for both.

    `moved` hears of each piece: a large mail may take longer than anybody waits for one that is stuck.
    """

    def __init__(self, store: Store, contents: Contents, moved: Callable[[], None] = lambda: None) -> None:
        self._store, self._contents, self._moved = store, contents, moved
        self._room = Room()

    async def original(self, copies: Copies) -> Stored:
        """The mail itself; StoreConflictError if other bytes stand there."""
        async with self._room.of(mail_size(copies["segments"])):
            return await self._contents.patiently(lambda: self._create(copies))

    async def copy(self, mail: Copies | Delivery, target: Target, sha256: str) -> Kept:
        """A participant's copy of the stored mail with this hash; a copy that the store refuses has failed."""
        outcome, reason, created, conflict = target["outcome"], target["reason"], False, None
        if target["path"] is not None:
            try:
                outcome, reason, created = await self._make(mail, target["path"], sha256)
            except StoreConflictError as error:
                log.error("copy refused: %s", error)  # noqa: TRY400 - the sentence says all
                outcome, reason, conflict = "failed", str(error), error
        return Kept({
            "participant": target["participant"], "mailbox": target["mailbox"], "path": target["path"],
            "outcome": _OUTCOMES[outcome], "reason": reason,
        }, created, conflict)  # fmt: skip

    async def _create(self, copies: Copies) -> Stored:
        data = await self._data(copies["segments"])
        return await self._store.create(
            copies["path"], data, content_type=MAIL_TYPE, metadata=_metadata(copies)
        )

    async def _data(self, segments: list[Segment]) -> bytes | AsyncIterator[bytes]:
        """The mail, in one piece if it is small."""
        small = mail_size(segments) <= INLINE_BYTES
        if small and all(one["content"] is None for one in segments):
            self._moved()
            return b"".join([one["data"] for one in segments])
        chunks = self._told(mail_chunks(segments, self._contents.stream))
        return await joined(chunks) if small else chunks

    async def _told(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self._moved()
            yield chunk

    async def _make(self, mail: Copies | Delivery, path: str, sha256: str) -> tuple[str, str | None, bool]:
        stored = await self._contents.patiently(
            lambda: self._store.copy(
                mail["path"], path, content_type=MAIL_TYPE, metadata=_metadata(mail), sha256=sha256
            )
        )
        if mail["status"] == "partial":
            return "partial", _why(mail["reasons"]), stored.created
        return "ok", None, stored.created


_OUTCOMES: dict[str, Outcome] = {
    "ok": "ok", "partial": "partial", "skipped": "skipped", "failed": "failed", "external": "external"
}  # fmt: skip


def delivery(copies: Copies, original: Stored, results: list[CopyResult]) -> Delivery:
    """The ledger's record of these results."""
    return {
        **mail_facts(copies), "path": copies["path"], "size": original.size,
        "sha256": bytes.fromhex(original.sha256), "copies": results,
    }  # fmt: skip


async def send_delivery(outbox: Outbox, one: Delivery, partition: int) -> None:
    """Hand it over to the ledger, in as many records as it takes, each complete for the participants that it has."""

    def encoded(some: list[CopyResult]) -> bytes:
        return outbox.encode(DELIVERIES, "Delivery", {**one, "copies": some})

    key = conversation_key(one["connector_uid"], one["conversation"])
    for value in list(fitting(one["copies"], encoded, first=has_path)):
        await outbox.send(DELIVERIES, value, key=key, partition=partition)


def _why(reasons: list[str]) -> str:
    """Short, since it is repeated for each participant; the delivery has all reasons."""
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{reasons[0][:LONGEST_REASON]}{more}" if reasons else "something is missing"


async def joined(chunks: AsyncIterator[bytes]) -> bytes:
    """All of them in memory: only for what is known to be small."""
    return b"".join([chunk async for chunk in chunks])


def _metadata(mail: Copies | Delivery) -> Mapping[str, str]:
    """Small ASCII facts that a person sees beside the blob."""
    return _facts(mail["connector_uid"], mail["mail_id"], mail["slice"], mail["revision"], mail["status"])


@lru_cache(maxsize=64)  # the mail and its copies have the same
def _facts(uid: str, mail_id: bytes, slice_: str, revision: int, status: str) -> Mapping[str, str]:
    return MappingProxyType({
        "connector": _ascii(uid), "mailid": mail_id.hex(), "slice": _ascii(slice_), "revision": str(revision),
        "status": _ascii(status),
    })  # fmt: skip


def _ascii(text: str) -> str:
    """What a store takes as metadata, whatever the text: it is a convenience, and never a reason to refuse a mail."""
    if text.isascii() and text.isprintable() and text == text.strip() and 0 < len(text) <= LONGEST_FACT:
        return text
    seen = text.encode("ascii", "backslashreplace").decode()
    return _UNPRINTABLE.sub("?", seen)[:LONGEST_FACT].strip() or "-"
