"""What open events cost a worker: memory while they are open, and the time until it works again after a kill.

`python -m tests.bench.open_events [--each N] [--out FILE] SIZE ...` writes SIZE events that nothing closes, lets the
product's own worker read them, kills it with SIGKILL, and starts it again. Its own Kafka, one worker, folder store.
Prints a table for docs/operations.md; `--out` has the figures as JSON.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from sandbox.kafka import KafkaServer
from sandbox.processes import ManagedProcess
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.topics import RAW_EVENTS
from tests.streams.feeding import Feeder
from tests.streams.worker_rig import Rig, committed, deliveries, end_of

PARTITIONS = 4
MESSAGES = 50  # of a conversation
OPEN_DAY, PROBE_DAY = 10, 0
AT_ONCE = 20_000  # records confirmed at a time
WAIT_S = 3600.0
PAUSE_S = 0.1


@dataclass(frozen=True)
class Figures:
    """One size measured: MiB of resident memory, seconds of the wall clock."""

    open_events: int
    events_a_record: int
    idle_mib: float
    open_mib: float
    bytes_an_event: float
    """Growth of the resident memory, divided by the open events."""
    read_s: float
    """From the start of a worker on an empty group until all of them are folded and committed."""
    recovery_s: float
    """From its start after SIGKILL until the first new mail is in the ledger: all are read again before that."""


def write(feeder: Feeder, size: int, each: int) -> None:
    """All of them, confirmed: conversations side by side as in life, `each` messages a record."""
    conversations = max(1, size // MESSAGES)
    records = (
        (conversation, OPEN_DAY, tuple(range(first, first + each)))
        for first in range(0, MESSAGES, each)
        for conversation in range(conversations)
    )
    while some := list(islice(records, AT_ONCE)):
        feeder.say_all(some)


def measure(broker: KafkaServer, folder: Path, size: int, each: int) -> Figures:
    """One size, in topics of its own."""
    kafka = KafkaSettings(
        bootstrap=broker.address.bootstrap, partitions=PARTITIONS, topic_prefix=f"open-{size}-{each}-"
    )
    create_topics(kafka)
    feeder = Feeder(kafka)
    with Rig(kafka, folder) as rig:
        worker = rig.start()
        _wait(lambda: _reached(kafka) > PARTITIONS, worker)
        idle = _memory_mib(worker)
        rig.stop()
        write(feeder, size, each)
        began = time.monotonic()
        worker = rig.start()
        _wait(lambda: _reached(kafka) > size // each, worker)
        read_s, held = time.monotonic() - began, _memory_mib(worker)
        worker.kill()
        feeder.say(0, PROBE_DAY, 0)
        feeder.watermark(PROBE_DAY + 1)
        began = time.monotonic()
        worker = rig.start()
        _wait(lambda: bool(deliveries(kafka)), worker)
        recovery_s = time.monotonic() - began
    return Figures(size, each, idle, held, (held - idle) * 2**20 / size, read_s, recovery_s)


def _reached(kafka: KafkaSettings) -> int:
    return sum(reached for _, reached in committed(kafka, RAW_EVENTS).values())


def _memory_mib(process: ManagedProcess) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
    (resident,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(resident.split()[1]) / 1024


def _wait(holds: Callable[[], bool], worker: ManagedProcess) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        if not worker.running or time.monotonic() > deadline:
            raise SystemExit(f"the worker did not get there:\n{end_of(worker)}")
        time.sleep(PAUSE_S)


def table(found: list[Figures]) -> str:
    """As docs/operations.md has it."""
    head = [
        "| open events | events a record | idle | with all open | bytes an event | first reading | recovery after SIGKILL |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = [
        f"| {one.open_events:,} | {one.events_a_record} | {one.idle_mib:.0f} MiB | {one.open_mib:.0f} MiB "
        f"| {one.bytes_an_event:.0f} | {one.read_s:.1f} s | {one.recovery_s:.1f} s |"
        for one in found
    ]
    return "\n".join([*head, *rows])


def main() -> None:
    """Measure each size in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="+", metavar="SIZE")
    parser.add_argument("--each", type=int, default=1, help="messages a record; one is the dearest")
    parser.add_argument("--out", type=Path)
    wanted = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory(prefix="chatledger-open-") as folder:
        place = Path(folder)
        with KafkaServer(place / "kafka", fast_start=False) as broker:
            for size in wanted.sizes:
                (place / str(size)).mkdir()
                found.append(measure(broker, place / str(size), size, wanted.each))
                print(table(found[-1:]).splitlines()[-1], flush=True)
    print(table(found))
    if wanted.out:
        wanted.out.write_text(json.dumps([asdict(one) for one in found], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
