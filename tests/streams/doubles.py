"""Both stages in one process, over topics in memory.

They behave as Kafka does where it matters: a record is durable only when its confirmation was awaited, one over the
limit is refused at `send`, and a crash leaves what was durable.
"""

import asyncio
import weakref
from collections import Counter, defaultdict
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Generator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from schemas.broker import KafkaSettings
from schemas.codec import Codec, Decoded
from schemas.commits import Bounds
from schemas.topics import (
    CLOSINGS,
    CONVERSATIONS,
    DEAD_LETTERS,
    DELIVERIES,
    MAPPINGS,
    RAW_EVENTS,
    Topic,
)
from stores.folder import FolderStore
from stores.interface import Stored, StoreUnavailableError
from streams.archive import ArchiveStage
from streams.assemble import AssembleStage
from streams.contents import Contents
from streams.memory import Memory
from streams.outbox import Outbox
from streams.positions import Positions, Stand
from streams.readback import Kept
from streams.refusals import RefusalLimit
from streams.scratch import Scratch
from streams.stage import Record, Stage, Tools, fresh

T = TypeVar("T")
KAFKA = KafkaSettings(bootstrap="nowhere.invalid:1", partitions=2, topic_prefix="t-")
LARGEST = 1_048_576  # bytes; what topics of the catalogue take


class TooLargeError(RuntimeError):
    """As aiokafka's MessageSizeTooLargeError."""


class Sent:
    """A record on its way; awaiting it confirms it."""

    def __init__(self, confirm: Callable[[], Awaitable[Any]]) -> None:
        self._confirm = confirm

    def __await__(self) -> Generator[Any, None, None]:
        return self._confirm().__await__()


class Log:
    """All topics of a cluster."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[tuple[bytes | None, bytes]]] = defaultdict(list)
        self.unconfirmed = 0
        self.broken: Exception | None = None  # what the next confirmation raises, once
        self.begins: Counter[tuple[str, int]] = Counter()  # where deletion has moved the beginning

    def add(self, topic: Topic, value: bytes, partition: int = 0, key: bytes | None = None) -> int:
        """Append a record, and say where it stands."""
        place = self.records[KAFKA.topic(topic.name), partition]
        place.append((key, value))
        return len(place) - 1

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None,
        timestamp: float | None, headers: Any,
    ) -> Awaitable[Any]:  # fmt: skip
        """As Faust's producer does."""
        assert value is not None
        if len(value) + len(key or b"") > LARGEST:
            msg = f"{len(value)} bytes for {topic}"
            raise TooLargeError(msg)
        self.unconfirmed += 1
        return Sent(lambda: self._confirm(topic, partition or 0, key, value))

    async def _confirm(self, topic: str, partition: int, key: bytes | None, value: bytes) -> Any:
        await asyncio.sleep(0)
        if self.broken is not None:
            error, self.broken = self.broken, None
            raise error
        self.unconfirmed -= 1
        self.records[topic, partition].append((key, value))
        offset = self.begins[topic, partition] + len(self.records[topic, partition]) - 1
        return SimpleNamespace(topic=topic, partition=partition, offset=offset)

    def values(self, topic: Topic, partition: int = 0) -> list[bytes]:
        """What stands in a partition."""
        return [value for _, value in self.records[KAFKA.topic(topic.name), partition]]

    async def read(
        self, topic: Topic, partition: int, seen: Callable[[Bounds], None] = lambda _: None
    ) -> AsyncIterator[Kept]:
        """As `read_records` does, with other tasks in between."""
        begin = self.begins[KAFKA.topic(topic.name), partition]
        seen(Bounds(begin, begin + len(self.values(topic, partition))))
        for number, (key, value) in enumerate(self.records[KAFKA.topic(topic.name), partition]):
            await asyncio.sleep(0)
            yield Kept(begin + number, key, value)


async def values(records: AsyncIterator[Kept]) -> AsyncIterator[bytes]:
    """As `read_back` does."""
    async for record in records:
        yield record.value


class Bench:
    """One worker's stages; `crash` is a new worker on the same log and store."""

    def __init__(
        self, folder: Path, log: Log | None = None, codec: Codec | None = None, store: Any = None
    ) -> None:
        self.folder, self.log, self.codec = folder, log or Log(), codec or Codec()
        self.store = store or FolderStore(folder / "archive", durable=False)
        self.positions = Positions()
        self.limit = RefusalLimit(10_000)
        self.tools = Tools(KAFKA, self.codec, Contents(self.store), self.positions, self.outbox, self.limit)
        self.memory, self.scratch = Memory(), Scratch(folder / "scratch")
        weakref.finalize(self, self.scratch.close)
        self.assemble = AssembleStage(
            self.tools, self.memory, self.scratch, lambda number, seen: self.log.read(CLOSINGS, number, seen)
        )
        self.archive = ArchiveStage(self.tools, lambda: self.log.read(MAPPINGS, 0), self.store)

    def outbox(self) -> Outbox:
        """A new outbox on this log."""
        return Outbox(self.log, KAFKA, self.codec)

    def own(self, stage: Stage, partition: int = 0, stand: Stand | None = None) -> None:
        """The group gives this worker a partition."""
        tp, stand = (KAFKA.topic(stage.source.name), partition), stand or Stand(0, 0)
        stage.take_over(tp, stand)
        self.positions.start(tp, stand)

    def lose(self, stage: Stage, partition: int = 0) -> None:
        """The group gives it to somebody else."""
        tp = (KAFKA.topic(stage.source.name), partition)
        self.positions.forget(tp)
        stage.let_go(tp)

    def waiting(self, stage: Stage, partition: int = 0) -> list[Record]:
        """What stands in the stage's topic and is not done."""
        tp = (KAFKA.topic(stage.source.name), partition)
        records = [Record(*tp, n, key, value) for n, (key, value) in enumerate(self.log.records[tp])]
        return list(fresh(records[self.positions.next_at.get(tp, 0) :], self.positions))

    async def work(self, stage: Stage, partition: int = 0) -> None:
        """Everything that waits, in batches as the agents take them."""
        while batch := self.waiting(stage, partition)[: stage.batch]:
            await stage.handle(batch)

    def flow(self, partition: int = 0) -> "Bench":
        """Own the partition everywhere where it isn't yet, and drain both stages."""
        for stage in (self.assemble, self.archive):
            if (KAFKA.topic(stage.source.name), partition) not in self.positions.next_at:
                self.own(stage, partition)
            asyncio.run(self.work(stage, partition))
        return self

    def stand(self, stage: Stage, partition: int = 0) -> Stand:
        """What would be committed now."""
        found = self.positions.stand((KAFKA.topic(stage.source.name), partition))
        assert found is not None
        return found

    def found(self, topic: Topic, partition: int = 0) -> list[Any]:
        """The decoded records of a topic."""
        return [self.codec.decode(value).value for value in self.log.values(topic, partition)]

    def letters(self) -> list[Any]:
        """Dead letters."""
        return self.found(DEAD_LETTERS)

    def deliveries(self) -> list[Any]:
        """The ledger."""
        return self.found(DELIVERIES)

    def add(self, name: str, record: object, partition: int = 0) -> int:
        """Write a record of raw-events."""
        return self.log.add(
            RAW_EVENTS, self.codec.encode(KAFKA.topic(RAW_EVENTS.name), name, record), partition
        )

    def add_to(self, topic: Topic, name: str, record: object, partition: int = 0) -> int:
        """Write a record of any topic."""
        return self.log.add(topic, self.codec.encode(KAFKA.topic(topic.name), name, record), partition)

    def slices(self) -> list[Any]:
        """Closed slices."""
        return self.found(CONVERSATIONS)

    def archived(self) -> dict[str, bytes]:
        """Every mail and copy in the archive."""
        root = self.folder / "archive"
        files = {str(p.relative_to(root)): p for p in sorted(root.rglob("*")) if p.is_file()}
        return {name: p.read_bytes() for name, p in files.items() if not name.startswith(("_content/", "."))}


class ShakyStore:
    """A folder whose next calls fail: `faults` are raised one by one, each by the call with that name."""

    def __init__(self, folder: Path) -> None:
        self._store = FolderStore(folder, durable=False)
        self.faults: list[tuple[str, Exception]] = []
        self.calls: list[str] = []

    def _fail(self, name: str) -> None:
        self.calls.append(name)
        if self.faults and self.faults[0][0] == name:
            raise self.faults.pop(0)[1]

    async def create(
        self, path: str, data: bytes | AsyncIterable[bytes], *, content_type: str,
        metadata: Mapping[str, str] | None = None, sha256: str | None = None,
    ) -> Stored:  # fmt: skip
        """See `Store`."""
        self._fail("create")
        return await self._store.create(
            path, data, content_type=content_type, metadata=metadata, sha256=sha256
        )

    async def stat(self, path: str) -> Any:
        """See `Store`."""
        self._fail("stat")
        return await self._store.stat(path)

    async def exists(self, path: str) -> bool:
        """See `Store`."""
        self._fail("exists")
        return await self._store.exists(path)

    async def read(self, path: str) -> bytes:
        """See `Store`."""
        self._fail("read")
        return await self._store.read(path)

    def stream(self, path: str) -> AsyncIterator[bytes]:
        """See `Store`."""
        self._fail("stream")
        return self._store.stream(path)

    async def copy(
        self,
        source: str,
        target: str,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        sha256: str,
    ) -> Stored:
        """See `Store`."""
        self._fail("copy")
        return await self._store.copy(
            source, target, content_type=content_type, metadata=metadata, sha256=sha256
        )


def down() -> StoreUnavailableError:
    """A store that does not answer."""
    return StoreUnavailableError("the store is down")


class CountedCodec(Codec):
    """A codec that does something before it decodes: the moment between two records."""

    def __init__(self, before: Callable[[bytes], None]) -> None:
        super().__init__()
        self._before = before

    def decode(self, data: bytes) -> Decoded:
        """As the codec does."""
        self._before(data)
        return super().decode(data)
