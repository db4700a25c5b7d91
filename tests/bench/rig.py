"""A broker and an installation with a job in its raw-events: what the smaller measurements of this folder begin with."""

import contextlib
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from consumers.drain import backlogs
from sandbox.kafka import KafkaServer
from sandbox.processes import ManagedProcess
from schemas.broker import KafkaSettings
from streams.settings import WorkerSettings
from tests.bench import command, corpus, dialogs, processes
from tests.bench.corpus import Corpus, Shape
from tests.bench.load import prepared
from tests.bench.site import Site

IDLE_S, IDLE_SHARE = 3.0, 0.1  # a worker that uses less of a core for so long waits


@dataclass(frozen=True)
class Spent:
    """One process from its start to its end: seconds of the wall clock, seconds of CPU with its children."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Rig:
    """An installation; its folders are on a RAM disk where there is one."""

    kafka: KafkaSettings
    site: Site
    out: Path
    job: Corpus

    def command(self, *words: str) -> list[str]:
        """The product's command, with this installation's configuration."""
        return processes.command(self.site.config_path, *words)

    def spent(self, *words: str) -> Spent:
        """Run one of the product's commands to its end; SystemExit with its last words if it fails."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            self.command(*words), cwd=processes.REPOSITORY, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Spent(time.monotonic() - began, cpu)

    def start(self, *words: str) -> ManagedProcess:
        """Start one of the product's commands; who calls stops it."""
        return processes.start(self.site.work, self.site.config_path, *words)

    def drained(self) -> bool:
        """Whether every stage has committed everything."""
        return drained(self.kafka, WorkerSettings().group)


def drained(kafka: KafkaSettings, group: str) -> bool:
    """Whether every stage of this group has committed everything."""
    return not any(stage.waiting for stage in backlogs(kafka, group))


@contextlib.contextmanager
def broker() -> Iterator[tuple[KafkaServer, Path]]:
    """A broker, and a folder that is gone afterwards."""
    with (
        command.ram_folder() as place,
        KafkaServer(place / "kafka", heap_mb=1024, fast_start=False) as server,
    ):
        yield server, place


def written(place: Path, shape: Shape, scale: float) -> Corpus:
    """The job's events as a file: of real dialogs where they are, of generated ones elsewhere."""
    path = place / "events.jsonl"
    corpus.write(path, Shape(max(2, round(shape.conversations * scale)), shape.length), dialogs.dialogs()[1])
    return corpus.read(path)


def empty(server: KafkaServer, place: Path, name: str, job: Corpus) -> Rig:
    """An installation called `name`, with the job's people in its user mapping and nothing in raw-events."""
    folder = place / name
    site, out = Site(server.bootstrap, name, folder / "work"), folder / "out"
    out.mkdir(parents=True)
    return Rig(prepared(site, job.path, out), site, out, job)


def settled(running: Sequence[ManagedProcess]) -> list[float]:
    """Wait until workers own their partitions and have nothing to do; the CPU seconds that each has used by then."""
    processes.until(lambda: all("owns" in one.log.read_text(errors="replace") for one in running), running)
    used = [-IDLE_S] * len(running)
    while True:
        now = [processes.cpu_seconds(one.pid) for one in running]
        if all(later - before < IDLE_S * IDLE_SHARE for before, later in zip(used, now, strict=True)):
            return now
        used = now
        time.sleep(IDLE_S)
