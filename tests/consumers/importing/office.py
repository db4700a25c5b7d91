"""An archive with copies in it, the ledger that names them, and importers over both."""

import asyncio
import contextlib
import hashlib
import imaplib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from kafka import KafkaProducer

from consumers.importing.importer import Importer
from consumers.importing.opening import open_attempts, open_target
from consumers.importing.settings import ImportSettings
from consumers.reading import Reader
from consumers.status import read_status
from schemas import ids
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import CopyResult, Delivery, Receipt, person
from schemas.topics import DELIVERIES, IMPORTS
from stores.folder import FolderStore
from tests.dovecot import PASSWORD, Dovecot

EXAMPLE = Path(__file__).parents[3] / "schemas" / "examples" / "Delivery.json"
FOLDER = "Webex Teams"
PATIENCE_S = 40.0
B = "b0undary"


def mail_bytes(
    number: int, *files: tuple[str, int], text: str = "hello", message_id: str | None = None
) -> bytes:
    """A mail as the archive has them: text, then files of so many bytes."""
    head = (
        f"From: a@bank.example\r\nTo: b@bank.example\r\nSubject: mail {number}\r\n"
        f"Message-ID: {message_id or id_of(number)}\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/mixed;\r\n boundary="{B}"\r\n\r\n--{B}\r\n'
        f'Content-Type: multipart/alternative; boundary="{B}x"\r\n\r\n--{B}x\r\n'
        f"Content-Type: text/plain\r\n\r\n{text}\r\n--{B}x--\r\n"
    )
    for name, size in files:
        head += f'--{B}\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\n'
        head += ("z" * 76 + "\r\n") * (size // 78) + "z" * (size % 78) + "\r\n"
    return (head + f"--{B}--\r\n").encode()


def id_of(number: int) -> str:
    """The Message-ID of the test's mail with this number."""
    return f"<{ids.digest('mail', str(number)).hex()}@chatledger.invalid>"


@dataclass
class Office:
    """Archive and ledger of one test."""

    kafka: KafkaSettings
    folder: Path
    codec: Codec = field(default_factory=Codec)
    ledger: list[Delivery] = field(default_factory=list)
    _producer: Any = None
    _reader: Reader | None = None
    _seen: list[Receipt] = field(default_factory=list)

    @property
    def archive(self) -> Path:
        """Where the store lies."""
        return self.folder / "archive"

    def store(self) -> FolderStore:
        """The store, anew."""
        return FolderStore(self.archive, durable=False)

    def file(
        self, number: int, mailboxes: list[str], data: bytes | None = None, *, routing: int = 0, partition: int | None = None,
        message_id: str | None = None,
    ) -> Delivery:  # fmt: skip
        """Put a mail's copies into the archive and its delivery into the ledger."""
        data = data if data is not None else mail_bytes(number, message_id=message_id)
        copies = [self._copy(number, mailbox, data, routing) for mailbox in mailboxes]
        base = json.loads(EXAMPLE.read_text(encoding="utf-8"))
        changed = {
            "mail_id": ids.digest("mail", str(number)), "conversation": f"room{number}", "folder": FOLDER, "status": "ok",
            "reasons": [], "message_id": message_id or id_of(number), "date_ms": 1_772_632_931_000 + number * 1000,
            "path": f"_mails/x/{number}.eml", "size": len(data), "sha256": hashlib.sha256(data).digest(), "copies": copies,
        }  # fmt: skip
        delivery = cast("Delivery", base | changed)
        self.say(delivery, number % self.kafka.partitions if partition is None else partition)
        return delivery

    def say(self, delivery: Delivery, partition: int) -> None:
        """Put a delivery into the ledger."""
        self.ledger.append(delivery)
        if self._producer is None:
            self._producer = KafkaProducer(**self.kafka.client_kwargs(), acks="all")
        value = self.codec.encode(DELIVERIES.name, "Delivery", delivery)
        self._producer.send(self.kafka.topic(DELIVERIES.name), value=value, partition=partition).get(
            timeout=20
        )

    def close(self) -> None:
        """Let go of Kafka."""
        if self._producer is not None:
            self._producer.close()
        if self._reader is not None:
            self._reader.close()

    def _copy(self, number: int, mailbox: str, data: bytes, routing: int) -> CopyResult:
        path = f"{mailbox}/{FOLDER}/2026/03/04/{number}.eml"

        async def put() -> None:
            await self.store().create(path, data, content_type="message/rfc822")

        asyncio.run(put())
        return {
            "participant": person(mailbox.partition("@")[0], None, mailbox, "member"), "mailbox": mailbox, "path": path,
            "outcome": "ok", "reason": None, "routing": routing, "supersedes": None,
        }  # fmt: skip

    def receipts(self) -> list[Receipt]:
        """All of them, as they were written."""
        if self._reader is None:
            self._reader = Reader(self.kafka, IMPORTS)
            self._reader.start_at({})
        ends = sum(self._reader.ends().values())
        while len(self._seen) < ends:
            self._seen += [self.codec.decode(one.value or b"").value for one in self._reader.poll(100)]
        return list(self._seen)

    def newest(self) -> dict[tuple[str, str], Receipt]:
        """The last receipt of each Message-ID and mailbox."""
        return {(one["message_id"], one["mailbox"]): one for one in self.receipts()}

    def outcomes(self) -> dict[tuple[str, str], str]:
        """Of each mail and mailbox, what became of it."""
        return {key: one["outcome"] for key, one in self.newest().items()}

    def told(self, state: str) -> list[str]:
        """What importers in this state say on the status topic: their last errors."""
        found = [
            one for one in read_status(self.kafka) if one["component"] == "import" and one["state"] == state
        ]
        return [one["last_error"]["message"] for one in found if one["last_error"] is not None]

    @contextlib.contextmanager
    def importing(self, settings: ImportSettings, name: str = "state") -> Iterator[None]:
        """An importer at work in a thread of this process."""
        folder = self.folder / name / "import"
        target = open_target(settings)
        copies, attempts = open_attempts(settings, self.store, folder)
        stop = threading.Event()
        importer = Importer(
            self.kafka,
            self.codec,
            settings,
            target,
            attempts.once,
            folder,
            {"webex-main": ("Webex", "webex")},
        )
        thread = threading.Thread(target=importer.run, args=[stop])
        with closing(copies):
            thread.start()
            try:
                yield
            finally:
                stop.set()
                thread.join(60)

    def imported(
        self, settings: ImportSettings, wanted: dict[tuple[str, str], str] | None = None
    ) -> dict[tuple[str, str], Receipt]:
        """Import until every copy that is filed has a receipt, or these outcomes; the newest receipts."""
        names = {(one["message_id"], copy["mailbox"]) for one in self.ledger for copy in one["copies"]}
        with self.importing(settings):
            until(lambda: self.outcomes() == wanted if wanted is not None else names <= set(self.outcomes()))
        return self.newest()


def until(true: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Return when it is true; the test fails when it is not after so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.05)


def settings_of(server: Dovecot | None = None, *, port: int | None = None, **changes: Any) -> ImportSettings:
    """An import into this server, quick to try again."""
    target: dict[str, Any] = {
        "kind": "imap", "host": "127.0.0.1", "port": port or (server.port if server else 1), "tls": "none",
        "auth": {"method": "password", "password": {"env": "CHATLEDGER_TEST_PASSWORD"}}, "timeout_seconds": 20,
    }  # fmt: skip
    quick = {"retry_seconds": 0.3, "longest_retry_seconds": 1.0, "settle_seconds": 0.2, "session_seconds": 2}
    return ImportSettings.model_validate(quick | {"target": target | changes.pop("target", {})} | changes)


@dataclass(frozen=True)
class Found:
    """A message as it stands in a mailbox."""

    message_id: str
    data: bytes
    date: str
    flags: str


def mailbox_of(server: Dovecot, mailbox: str, place: str = '"INBOX.Webex Teams"') -> list[Found]:
    """What stands in the folder, read by IMAP; empty where there is no folder."""
    wire = imaplib.IMAP4(server.host, server.port)
    try:
        wire.authenticate("PLAIN", lambda _: f"\0{mailbox}\0{PASSWORD}".encode())
        if wire.select(place, readonly=True)[0] != "OK":
            return []
        found = wire.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1] or []
        rows = [row for row in found if isinstance(row, tuple)]
        return [_found(head, data) for head, data in rows]
    finally:
        wire.logout()


def _found(head: bytes, data: bytes) -> Found:
    text = head.decode()
    ident = next(
        line for line in data.decode(errors="replace").splitlines() if line.startswith("Message-ID: ")
    )
    date = text.partition('INTERNALDATE "')[2].partition('"')[0]
    flags = text.partition("FLAGS (")[2].partition(")")[0].replace(r"\Recent", "").strip()
    return Found(ident.removeprefix("Message-ID: "), data, date, flags)
