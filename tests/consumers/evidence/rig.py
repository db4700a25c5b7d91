"""A small installation that makes evidence: real topics, a folder as store, mails written as the worker writes them."""

import asyncio
import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consumers.evidence.close import Closer
from consumers.evidence.keys import new_key
from consumers.evidence.statement import Manifest
from consumers.evidence.verify import Report, Verifier
from consumers.writing import new_producer
from schemas import ids
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import DELIVERIES, RAW_EVENTS, Topic
from stores.folder import FolderStore
from tests.schemas.test_formats import example

if TYPE_CHECKING:
    from kafka import KafkaProducer

STRANGER = Path(__file__).parents[3] / "docs" / "verify_evidence.py"
"""Checks without any code of ours."""


class Site:
    """What a test captures, delivers and closes."""

    def __init__(self, kafka: KafkaSettings, folder: Path) -> None:
        self.kafka, self.folder, self.codec = kafka, folder, Codec()
        self.archive, self.key_file = folder / "archive", folder / "evidence.key"
        self.store = FolderStore(self.archive, durable=False)
        self._up = contextlib.ExitStack()
        self._producer: KafkaProducer | None = None
        self.mails: dict[int, str] = {}  # ids by number
        if not self.key_file.exists():
            new_key(self.key_file)

    def closer(self) -> Closer:
        """A process of its own, as far as the archive can tell."""
        return Closer(self.kafka, self.codec, FolderStore(self.archive, durable=False), self.key_file)

    def close(self) -> Manifest | None:
        """Close a manifest."""
        return asyncio.run(self.closer().close())

    def send(self, topic: Topic, records: list[tuple[int, str, Any]]) -> None:
        """Write (partition, name, record); all are confirmed on return."""
        name = self.kafka.topic(topic.name)
        if self._producer is None:
            self._producer = self._up.enter_context(new_producer(self.kafka))
        sent = [
            self._producer.send(name, value=self.codec.encode(name, kind, record), partition=partition)
            for partition, kind, record in records
        ]
        for future in sent:
            future.get(timeout=20)

    def leave(self) -> None:
        """Let go of the connection."""
        self._up.close()

    def capture(self, conversation: str, events: int, *, watermark_ms: int = 0) -> None:
        """Events of one conversation, then a watermark in every partition."""
        record, one = example("RawEvents"), example("RawEvents")["events"][0]
        record |= {"connector_uid": "lp", "conversation": conversation, "events": [
            {**one, "id": ids.event_id("lp", f"{conversation}/{number}"), "source_key": f"{conversation}/{number}"}
            for number in range(events)
        ]}  # fmt: skip
        mark = example("Control") | {"connector_uid": "lp", "watermark_ms": watermark_ms}
        self.send(RAW_EVENTS, [(0, "RawEvents", record)])
        self.send(RAW_EVENTS, [(number, "Control", mark) for number in range(self.kafka.partitions)])

    def deliver(
        self, number: int, mailboxes: tuple[str, ...] = ("ana", "ben"), *, conversation: str = ""
    ) -> str:
        """A mail and its copies, in the store and in the ledger; the mail's id."""
        mail_id = ids.digest("mail", str(number))
        self.mails[number] = mail_id.hex()
        data = f"Subject: mail {number}\r\n\r\n{'line ' * number}\r\n".encode()
        path = f"_mails/lp/{mail_id.hex()[:2]}/{mail_id.hex()}.eml"
        asyncio.run(
            self._store(path, data, [f"{box}@bank.example/LivePerson/{number}.eml" for box in mailboxes])
        )
        base = example("Delivery")
        copies = [
            {**base["copies"][0], "mailbox": f"{box}@bank.example", "path": f"{box}@bank.example/LivePerson/{number}.eml",
             "outcome": "ok", "reason": None}
            for box in mailboxes
        ]  # fmt: skip
        base |= {
            "mail_id": mail_id, "connector_uid": "lp", "conversation": conversation or f"c{number}", "path": path,
            "size": len(data), "sha256": hashlib.sha256(data).digest(), "copies": copies,
        }  # fmt: skip
        self.send(DELIVERIES, [(number % self.kafka.partitions, "Delivery", base)])
        return mail_id.hex()

    async def _store(self, path: str, data: bytes, copies: list[str]) -> None:
        stored = await self.store.create(path, data, content_type="message/rfc822")
        for target in copies:
            await self.store.copy(path, target, content_type="message/rfc822", sha256=stored.sha256)


def verified(site: Site) -> Report:
    """What an offline check finds."""
    return asyncio.run(Verifier(FolderStore(site.archive)).run())


def closed(site: Site) -> Manifest:
    """A manifest, which must be a new one."""
    made = site.close()
    assert made is not None
    return made
