"""From a command to its first effect: `python -m tests.bench.startup [--rounds 5]`.

`--help` and `status` until they have ended; a collector until its first event is confirmed in raw-events (a simulated Webex
answers it); a worker until it owns its partitions, and until the first delivery is in the ledger (the events are waiting). With
compiled modules, as an installed program has them: the first round is not counted. A table for docs/capacity.md.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from consumers.reading import read_all
from sandbox.kafka import KafkaServer
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.topics import DELIVERIES, RAW_EVENTS, Topic
from tests.bench import command
from tests.bench.large_site import UID, LargeSite, large_site
from tests.bench.processes import until

Taken = dict[str, list[float]]


def ended(*words: str) -> float:
    """Seconds until a command of the product has said something and ended; `status` ends with 1 while nothing works."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "cli.main", *words], capture_output=True, check=False)
    if not done.stdout:
        raise SystemExit(f"{words[0]} said nothing: {done.stderr.decode()}")
    return time.monotonic() - began


def measure(server: KafkaServer, place: Path, number: int, taken: Taken) -> None:
    """One installation, begun from nothing."""
    kafka = KafkaSettings(bootstrap=server.bootstrap, topic_prefix=f"start-{number}-", partitions=2)
    create_topics(kafka)
    folder = place / str(number)
    store = f'kind = "folder"\npath = "{folder / "archive"}"'
    with large_site(folder, kafka, store, 1) as site:
        _note(taken, "chatledger --help", ended("--help"))
        _note(
            taken,
            "collector, first event in Kafka",
            _until_records(site, RAW_EVENTS, "collect", UID, "--once"),
        )
        _note(taken, "chatledger status", ended("status", "-c", str(site.config_path)))
        began = time.monotonic()
        worker = site.start("work")
        until(lambda: b"owns" in worker.log.read_bytes(), [worker])
        _note(taken, "worker, owns its partitions", time.monotonic() - began)
        until(lambda: _has_records(kafka, DELIVERIES), [worker])
        _note(taken, "worker, first mail in the ledger", time.monotonic() - began)


def _until_records(site: LargeSite, topic: Topic, *command: str) -> float:
    began = time.monotonic()
    process = site.start(*command)
    until(lambda: _has_records(site.config.kafka, topic), [process])
    taken = time.monotonic() - began
    while process.running:
        time.sleep(0.05)
    return taken


def _has_records(kafka: KafkaSettings, topic: Topic) -> bool:
    return next(iter(read_all(kafka, topic)), None) is not None


def _note(taken: Taken, what: str, seconds: float) -> None:
    taken.setdefault(what, []).append(seconds)


def rows(taken: Taken) -> Iterator[str]:
    """The table."""
    yield "| from the command to | least s | median s |\n|---|---|---|"
    for what, seconds in taken.items():
        yield f"| {what} | {min(seconds):.2f} | {median(seconds):.2f} |"


def main() -> None:
    """Print the table."""
    parser = command.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    taken = Taken()
    with command.ram_folder() as place, KafkaServer(place / "kafka", fast_start=False) as server:
        measure(server, place, 0, {})
        for number in range(1, wanted.rounds + 1):
            measure(server, place, number, taken)
        command.tell(rows(taken))


if __name__ == "__main__":
    main()
