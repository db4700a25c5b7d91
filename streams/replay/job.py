"""One process of a replay: some partitions, one after the other; and all processes together."""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aiokafka import AIOKafkaProducer

from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import AUDIT, DELIVERIES, MAPPINGS, MAX_RECORD_BYTES
from stores.factory import open_store
from stores.interface import Comparing, Store
from stores.paths import PREFIX_ROOT
from stores.settings import AzureSettings, FolderSettings
from stores.within import Within
from streams.connection import aiokafka_kwargs
from streams.contents import Contents
from streams.outbox import Outbox
from streams.readback import read_back, read_records
from streams.replay.disposed import Disposed
from streams.replay.errors import ReplayError, on_local_disk, sentence
from streams.replay.log import open_log
from streams.replay.partition import Means, PartitionReplay, Tell
from streams.replay.selection import Selection
from streams.replay.state import PartitionState
from streams.replay.targets import Compare, DryRun, Into, Target
from streams.replay.told import Told
from streams.routers import Routers
from streams.scratch import Scratch

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.2
SLICES_IN_A_ROW = 8
"""Where the store is a local one, which answers at once: a step that is done again and again costs less than many in turn. Over
a network it would be mails that wait for each other."""
MAPPINGS_KEPT = 8  # in memory at a time: a replay goes through years
Kind = Literal["dry-run", "compare", "store", "prefix", "folder"]


class ReplayFailedError(ReplayError):
    """A process of the replay ended early; the message says why. What is done stays done: started again, it goes on."""


@dataclass(frozen=True)
class Where:
    """Where mails go: the archive (compare, store), below a prefix of it, or into another folder; `place` names the last two."""

    kind: Kind
    place: str = ""

    @property
    def shown(self) -> str:
        """For people."""
        return {"prefix": f"{PREFIX_ROOT}/{self.place}", "folder": self.place}.get(self.kind, self.kind)


@dataclass(frozen=True)
class Job:
    """Everything that a process needs to know; can be sent to one."""

    kafka: KafkaSettings
    store: FolderSettings | AzureSettings
    where: Where
    selection: Selection
    folder: Path
    concurrency: int

    def state(self, number: int) -> PartitionState:
        """The state of a partition."""
        return PartitionState.open(self.folder / f"{number}.sqlite")

    def codec(self) -> Codec:
        """As Kafka's settings say."""
        url = self.kafka.schema_registry_url
        if url is None:
            return Codec()
        from schemas.registry import HttpRegistry  # noqa: PLC0415 - a seventh of what a process needs to start

        return Codec(HttpRegistry(url))


class PlainProducer:
    """AIOKafka's producer with the face that an outbox knows."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(
        self, topic: str, key: bytes | None, value: bytes | None, partition: int | None, timestamp: float | None,
        headers: Any,
    ) -> Any:  # fmt: skip
        """Hand over one record; the future fails when delivery does."""
        return await self._producer.send(topic, value, key, partition, timestamp, headers)


async def replay_some(job: Job, numbers: Sequence[int], tell: Tell) -> None:
    """Replay these partitions, one after the other."""
    codec, scratch = job.codec(), Scratch(job.folder)
    with on_local_disk(job.folder), contextlib.closing(scratch):
        async with (
            opened(job.store) as store,
            open_log(job.kafka) as raw,
            _ledger(job, codec) as outbox,
            disposed_mails(job, codec) as disposed,
        ):
            contents = Contents(store)
            routers = Routers(
                lambda: read_records(job.kafka, MAPPINGS, 0), codec, contents, kept=MAPPINGS_KEPT
            )
            for number in numbers:
                slots = asyncio.Semaphore(job.concurrency)
                with contextlib.closing(job.state(number)) as state, contextlib.closing(Told()) as told:
                    if outbox is not None:
                        await told.fill(read_back(job.kafka, DELIVERIES, number), codec, job.selection)
                    target = _target(job.where, store, contents, Into(store, contents, outbox, number, told))
                    keep = job.where.kind == "store"
                    means = Means(
                        raw, codec, contents, routers, target, scratch, slots, disposed, keep,
                        in_a_row=SLICES_IN_A_ROW if isinstance(store, Comparing) else 1,
                    )  # fmt: skip
                    await PartitionReplay(number, job.selection, state, means, tell).run()


@contextlib.asynccontextmanager
async def disposed_mails(job: Job, codec: Codec, since_ms: int = 0) -> AsyncIterator[Disposed]:
    """What topic audit has now; of what was disposed of at this time or later."""
    with contextlib.closing(Disposed()) as found:
        await found.fill(read_back(job.kafka, AUDIT, 0), codec, since_ms)
        yield found


@contextlib.asynccontextmanager
async def opened(settings: FolderSettings | AzureSettings) -> AsyncIterator[Store]:
    """The store that these settings name, closed afterwards."""
    store = open_store(settings)
    try:
        yield store
    finally:
        await store.close()


def _target(where: Where, store: Store, contents: Contents, archive: Into) -> Target:
    match where.kind:
        case "dry-run":
            return DryRun()
        case "compare":
            return Compare(store, contents)
        case "store":
            return archive
        case "prefix":
            return Into(Within(store, f"{PREFIX_ROOT}/{where.place}"), contents)
        case "folder":
            return Into(open_store(FolderSettings(path=Path(where.place))), contents)


@contextlib.asynccontextmanager
async def _ledger(job: Job, codec: Codec) -> AsyncIterator[Outbox | None]:
    if job.where.kind != "store":
        yield None
        return
    async with ledger_outbox(job.kafka, codec) as outbox:
        yield outbox


@contextlib.asynccontextmanager
async def ledger_outbox(kafka: KafkaSettings, codec: Codec) -> AsyncIterator[Outbox]:
    """The way to topic deliveries, idempotent and confirmed by all replicas."""
    producer = AIOKafkaProducer(
        **aiokafka_kwargs(kafka), acks="all", enable_idempotence=True, compression_type="zstd",
        max_request_size=MAX_RECORD_BYTES + 48_576, linger_ms=5,
    )  # fmt: skip
    await producer.start()
    try:
        yield Outbox(PlainProducer(producer), kafka, codec)
    finally:
        await producer.stop()


def replay_all(job: Job, numbers: Sequence[int], processes: int, tell: Tell) -> None:
    """Replay these partitions (the largest first), in so many processes; ReplayFailedError says why one ended early. Blocks."""
    if not numbers:
        return  # aiokafka's consumer can't be stopped in the breath in which it was started
    shares = [share for start in range(processes) if (share := list(numbers[start::processes]))]
    if len(shares) <= 1:
        try:
            asyncio.run(replay_some(job, list(numbers), tell))
        except ReplayError:
            raise
        except Exception as error:
            raise ReplayFailedError(sentence(error)) from error
        return
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    children = [context.Process(target=_child, args=(job, share, told)) for share in shares]
    for child in children:
        child.start()
    try:
        for message in _messages(told, children):
            if isinstance(message, str):
                raise ReplayFailedError(message)
            tell(*message)
    finally:
        for child in children:
            child.terminate()
            child.join()


def _messages(told: Any, children: Sequence[Any]) -> Iterator[Any]:
    """What children say, until all have ended."""
    while True:
        running = not any(child.exitcode for child in children) and any(
            child.is_alive() for child in children
        )
        with contextlib.suppress(queue.Empty):
            while True:
                yield told.get(timeout=LOOK_SECONDS if running else 0.01)
        if not running:
            break
    if any(child.exitcode for child in children):
        yield "a process of the replay was ended; start the same command again and it goes on"


def _child(job: Job, numbers: Sequence[int], told: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_end_with_parent, daemon=True, name="parent").start()
    halves = events = mails = 0

    def tell(more_halves: int, more_events: int, more_mails: int) -> None:
        nonlocal halves, events, mails  # said three times for every record
        halves, events, mails = halves + more_halves, events + more_events, mails + more_mails
        if halves > 2_000 or mails > 50:
            told.put((halves, events, mails))
            halves = events = mails = 0

    try:
        asyncio.run(replay_some(job, numbers, tell))
        told.put((halves, events, mails))
    except Exception as error:  # whatever it is, the parent must say it
        log.debug("replay", exc_info=True)
        told.put(sentence(error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
