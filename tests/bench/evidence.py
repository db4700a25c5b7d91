"""How much processor time a manifest of many events takes, and how much memory: `python -m tests.bench.evidence 1000000`."""

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from consumers.evidence.close import Closer
from consumers.evidence.keys import load_key, new_key
from consumers.evidence.prove import prove
from consumers.evidence.statement import Plan, path_of
from consumers.evidence.verify import Verifier
from consumers.reading import Read
from schemas import ids
from schemas.broker import KafkaSettings
from schemas.codec import Codec, encode
from schemas.topics import RAW_EVENTS, Topic
from stores.folder import FolderStore
from tests.schemas.test_formats import example

EVENTS_A_RECORD = 4


class Synthetic:
    """A log that is made while it is read: records of four events, and a mail with two copies after each ten records."""

    def read(self, topic: Topic, partition: int, begin: int, end: int) -> Iterator[Read]:
        """Records of a range."""
        make = self._events if topic is RAW_EVENTS else self._delivery
        for offset in range(begin, end):
            yield Read(partition, offset, 0, None, make(offset))

    def _events(self, offset: int) -> bytes:
        one = example_of("RawEvents")["events"][0]
        made = [{**one, "id": ids.digest("event", str(offset), str(at))} for at in range(EVENTS_A_RECORD)]
        return encode("RawEvents", {**example_of("RawEvents"), "events": made})

    def _delivery(self, offset: int) -> bytes:
        mail = ids.digest("mail", str(offset))
        path = f"_mails/lp/{mail.hex()[:2]}/{mail.hex()}.eml"
        return encode("Delivery", {**example_of("Delivery"), "mail_id": mail, "path": path, "copies": []})


_EXAMPLES: dict[str, dict[str, object]] = {}


def example_of(name: str) -> dict:  # type: ignore[type-arg]  # what the examples hold
    """The published example, read once."""
    return _EXAMPLES.setdefault(name, example(name))


def memory_mb() -> float:
    """The most that this process has held, 10^6 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


async def measure(events: int, folder: Path) -> None:
    """Make, verify and prove; print seconds and memory of each."""
    store, key_file = FolderStore(folder / "archive", durable=False), folder / "key"
    new_key(key_file)
    records = events // EVENTS_A_RECORD
    ranges = {"raw-events": [[0, 0, records]], "deliveries": [[0, 0, records // 10]]}
    plan = Plan(number=1, previous=None, closed_at="2026-03-12T00:00:00.000Z", ranges=ranges)
    closer = Closer(KafkaSettings(bootstrap="127.0.0.1:9"), Codec(), store, key_file)
    before, began = memory_mb(), time.process_time()
    made = await closer.carry_out(Synthetic(), plan, load_key(key_file))
    size = (folder / "archive" / path_of(1, "leaves.jsonl.gz")).stat().st_size
    print(f"made: {made.statement.count:,} leaves, {time.process_time() - began:.1f} s of processor time, "
          f"{size / 1e6:.1f} MB packed, memory {before:.0f} -> {memory_mb():.0f} MB")  # fmt: skip
    began = time.process_time()
    report = await Verifier(store).run()
    print(
        f"verified: {len(report.faults):,} mails not there, {time.process_time() - began:.1f} s, memory {memory_mb():.0f} MB"
    )
    began = time.process_time()
    proof = await prove(store, ids.digest("mail", str(records // 20)).hex())
    print(
        f"proved: path of {len(proof.path)}, {time.process_time() - began:.1f} s, memory {memory_mb():.0f} MB"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made_here:
        asyncio.run(measure(int(sys.argv[1]), Path(made_here)))
