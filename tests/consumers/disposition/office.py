"""A worker, its archive and orders given beside it, in this process."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.parts.config import load as load_config
from consumers.disposition.books import Order
from consumers.disposition.filling import fill
from consumers.disposition.giving import give, read_books
from consumers.disposition.index import Index
from consumers.disposition.job import Means, carry_out
from consumers.mapping import activate, load
from schemas import codec
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.dispositions import Scope
from schemas.records import ContentRef, RawEvents
from stores.disposal import FolderDisposal
from stores.factory import open_store
from stores.paths import content_path
from stores.settings import FolderSettings
from tests.streams.feeding import UID, Feeder, bytes_of
from tests.streams.worker_rig import GROUP, Rig


@dataclass
class Office:
    """Everything that an order needs, and what is written for the worker."""

    rig: Rig
    feeder: Feeder
    means: Means

    def ordered(self, conversation: str) -> Order:
        """An order that was carried out."""
        order = self.give(Scope(UID, conversation))
        self.carry_out(order)
        return order

    def give(self, scope: Scope) -> Order:
        """An order on record."""
        return give(self.means.kafka, self.means.codec, scope, by="x", reason="y")

    def order(self, name: str) -> Order:
        """As topic audit has it now."""
        return read_books(self.means.kafka, self.means.codec).orders[name]

    def carry_out(self, order: Order) -> dict[str, str]:
        """What is left of it; how much left the archive."""
        return asyncio.run(carry_out(self.means, order))

    def index(self) -> Index:
        """The index as the topics stand now."""
        index = Index(self.means.index)
        asyncio.run(fill(index, self.means.kafka, self.means.codec, self.means.store))
        return index

    def put(self, data: bytes) -> ContentRef:
        """Into the content store, as a collector does."""
        digest = hashlib.sha256(data)
        asyncio.run(self.means.store.create(
            content_path(digest.hexdigest()), data, content_type="text/plain", sha256=digest.hexdigest()
        ))  # fmt: skip
        return {"sha256": digest.digest(), "size": len(data)}

    def say(self, raw: RawEvents) -> None:
        """One record of raw-events, in partition 0."""
        self.feeder.say_bytes(0, codec.encode("RawEvents", raw))

    def content(self) -> set[bytes]:
        """The files of the content store."""
        return {path.read_bytes() for path in (self.rig.archive / "_content").rglob("*") if path.is_file()}

    def texts(self) -> str:
        """What the archive's mails say, all in one."""
        mails = (self.rig.archive / "_mails").rglob("*.eml")
        return "\n".join(sorted(path.read_text(encoding="utf-8", errors="replace") for path in mails))


@contextlib.contextmanager
def office(kafka: KafkaSettings, folder: Path) -> Iterator[Office]:
    """A worker with a user mapping in force."""
    with Rig(kafka, folder) as rig:
        rig.start()
        config = load_config(rig.folder / "chatledger.toml")
        activate(kafka, Codec(), load(config.mapping), lambda: open_store(config.store))
        store = open_store(FolderSettings(kind="folder", path=rig.archive))
        means = Means(
            kafka, Codec(), store, FolderDisposal(rig.archive), GROUP, 60.0, folder / "index.sqlite"
        )
        yield Office(rig, Feeder(kafka), means)
        asyncio.run(store.close())
        rig.stop()


def with_file(raw: RawEvents, ref: ContentRef) -> RawEvents:
    """The same, with a file at each of its events."""
    for one in raw["events"]:
        one["attachments"] = [{
            "source_key": "c1", "name": "x.txt", "content_type": "text/plain", "content": ref, "outcome": "stored", "reason": None
        }]  # fmt: skip
    return raw


def raw(conversation: int, day: int, *numbers: int) -> RawEvents:
    """What `Feeder.say` writes."""
    found: RawEvents = codec.expect("RawEvents", bytes_of(conversation, day, *numbers))
    return found


def now_ms() -> int:
    """The time of day, ms since 1970 UTC."""
    return int(time.time() * 1000)
