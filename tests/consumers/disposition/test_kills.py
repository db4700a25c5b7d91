"""A kill at any step of removing, and the loss of the index each time, leave nothing behind of what was named."""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from consumers.disposition.index import Index
from consumers.disposition.job import carry_out
from consumers.disposition.references import References
from consumers.reading import Read
from schemas import codec
from schemas.codec import Codec
from schemas.dispositions import Scope
from schemas.ids import event_id
from schemas.records import ContentRef, Event, RawEvents, event
from schemas.topics import CONVERSATIONS
from stores.disposal import Disposal
from stores.folder import FolderStore
from stores.interface import Store, Stored
from stores.paths import content_path
from tests.consumers.disposition.office import Office, raw, with_file
from tests.schemas.test_formats import example
from tests.streams.feeding import BASE_MS, UID, text

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(200)]


class KilledError(BaseException):
    """As far as the code is concerned, the process is gone."""


@dataclass
class Deadly:
    """Removes one file, then the process is killed, before it can note that anywhere."""

    disposal: Disposal

    async def remove(self, path: str) -> bool:
        """Once; what is not there costs nothing."""
        if not await self.disposal.remove(path):
            return False
        raise KilledError(path)

    async def folders(self, path: str) -> list[str]:
        """As the real one."""
        return await self.disposal.folders(path)

    async def close(self) -> None:
        """Never asked for."""


class DeadlyStore(FolderStore):
    """Writes one note, then the process is killed."""

    async def create(self, path: str, *given: Any, **named: Any) -> Stored:
        """What stands there already costs nothing."""
        stored = await super().create(path, *given, **named)
        if stored.created:
            raise KilledError(path)
        return stored


def aside(one: Office) -> tuple[RawEvents, bytes]:
    """A message put aside whole, and the file that only it names; by the order of their names, the message would go first."""
    whole = event(event_id(UID, "aside"), "aside", "message", BASE_MS)
    for turn in range(100):
        inner = f"inner file {turn}".encode()
        ref: ContentRef = {"sha256": hashlib.sha256(inner).digest(), "size": len(inner)}
        whole["attachments"] = with_file(raw(0, 0, 0), ref)["events"][0]["attachments"]
        data = codec.encode("Event", whole)
        if hashlib.sha256(data).digest() < ref["sha256"]:
            break
    one.put(inner)
    short = {**whole, "attachments": [], "text": None, "overflow": one.put(data)}
    return {**raw(1, 1, 0), "events": [cast("Event", short)]}, inner


def killed(one: Office, name: str, store: Store) -> Iterator[str]:
    """What was written or removed last before each kill, until nothing is left; each process begins without an index."""
    deadly = replace(one.means, disposal=Deadly(one.means.disposal), store=store)
    while True:
        assert one.means.index is not None
        one.means.index.unlink(missing_ok=True)
        try:
            asyncio.run(carry_out(deadly, one.order(name)))
        except KilledError as kill:
            yield str(kill)
        else:
            return


@pytest.mark.parametrize("notes", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_kill_after_each_file_leaves_nothing_behind(one: Office, notes: bool) -> None:
    """Mail, copy, what is kept of placeholders, content that a file names which goes too, and between note and removal."""
    ref = one.put(b"hello file")
    one.say(with_file(raw(0, 0, 0), ref))
    one.feeder.watermark(1)
    one.rig.drained()
    one.ordered("room0")  # from now on its file is a placeholder
    one.say(with_file(raw(1, 1, 0), ref))
    record, inner = aside(one)
    one.say(record)
    one.feeder.watermark(2)
    one.rig.drained()
    assert text(1, 1, 0) in one.texts()
    assert inner in one.content()
    assert len(list((one.rig.archive / "_disposed/mails").iterdir())) == 1

    order = one.give(Scope(UID, "room1"))
    steps = list(killed(one, order.name, DeadlyStore(one.rig.archive) if notes else one.means.store))

    left = [path.relative_to(one.rig.archive).parts for path in one.rig.archive.rglob("*") if path.is_file()]
    assert {parts[0] for parts in left} == {"_disposed"}
    assert "mails" not in {parts[1] for parts in left}
    assert len(steps) == len(set(steps)) == (7 if notes else 5)
    assert not one.order(order.name).is_open


def test_a_slice_put_aside_names_its_events(tmp_path: Path) -> None:
    """Of a slice that its people alone make too large for a record: both files are known, and which one names the other."""
    whole = {**example("ClosedSlice"), "events": [], "events_ref": {"sha256": b"e" * 32, "size": 1}}
    data, store = codec.encode("ClosedSlice", whole), FolderStore(tmp_path)
    digest = hashlib.sha256(data)
    asyncio.run(store.create(content_path(digest.hexdigest()), data, content_type="x/y"))
    short = {**whole, "events_ref": None, "overflow": {"sha256": digest.digest(), "size": len(data)}}
    with Index() as index:
        record = Read(0, 0, 0, None, codec.encode("ClosedSlice", short))
        asyncio.run(References(Codec(), store, index).note(CONVERSATIONS, record))
        claimed = {sha256 for (sha256,) in index.db.execute("SELECT sha256 FROM claim")}
        naming = {sha256 for (sha256,) in index.db.execute("SELECT sha256 FROM naming")}
    assert (claimed, naming) == ({b"e" * 32, digest.digest()}, {digest.digest()})
