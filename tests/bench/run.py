"""One run: a contender on one workload, from its first record until all is done, measured and looked at."""

import json
import shutil
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from kafka.admin import KafkaAdminClient

from consumers.drain import backlogs
from sandbox.kafka import KafkaServer
from sandbox.processes import ManagedProcess, start_process
from schemas.broker import KafkaSettings
from streams.settings import WorkerSettings
from tests.bench import outcome, processes
from tests.bench.contenders import Contender, prepare
from tests.bench.corpus import Corpus
from tests.bench.raw_log import Way
from tests.bench.site import Site

PATIENCE_S = 900.0
LOOK_S = 0.25
GRACE_S = 20.0


@dataclass(frozen=True)
class Workload:
    """A corpus and how a collector has written it."""

    name: str
    corpus: Corpus
    way: Way


@dataclass
class Figures:
    """One run; CPU in seconds, peaks in MiB. `done` is false of a program that died or was too slow."""

    contender: str
    workload: str
    done: bool = False
    events: int = 0
    mails: int = 0
    copies: int = 0
    wall_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    peak_mib: dict[str, float] = field(default_factory=dict)
    broker_cpu_s: float = 0.0
    store_bytes: int = 0
    kafka_bytes: int = 0
    digest: str = ""
    people_lost: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def cpu_us(self) -> float:
        """CPU an event of all its processes, in microseconds."""
        return sum(self.cpu_s.values()) / self.events * 1e6

    @property
    def per_second(self) -> float:
        """Events a second of the wall clock."""
        return self.events / self.wall_s

    def as_json(self) -> dict[str, Any]:
        """For bench.json."""
        return asdict(self)


@dataclass
class Bench:
    """A broker and a folder for runs; `durable` syncs chatledger's files, which no other program does."""

    broker: KafkaServer
    folder: Path
    durable: bool = False

    def run(self, contender: Contender, workload: Workload) -> Figures:
        """One run in topics and folders of its own, which are gone afterwards."""
        name, place = f"bench-{uuid4().hex[:8]}", self.folder / "run"
        out, site = place / "out", Site(self.broker.bootstrap, name, place / "work")
        out.mkdir(parents=True)
        site.work.mkdir()
        figures = Figures(contender.name, workload.name, events=workload.corpus.events)
        try:
            kafka = prepare(contender, workload.corpus, workload.way, site, out, durable=self.durable)
            self._measure(figures, contender, workload, site, out, kafka)
            return figures
        finally:
            self._drop_topics(name)
            shutil.rmtree(place)

    def _measure(
        self, figures: Figures, contender: Contender, workload: Workload, site: Site, out: Path, kafka: KafkaSettings
    ) -> None:  # fmt: skip
        given = [
            "--bootstrap", site.bootstrap, "--topic", site.topic, "--group", site.topic, "--out", str(out), "--work",
            str(site.work),
        ]  # fmt: skip
        broker, before = processes.cpu_seconds(self.broker.pid), self._log_bytes(site.topic)
        process = start_process([*contender.command, *given], log=site.work / "log", name=contender.name)
        try:
            done = _all_committed(kafka) if contender.ours else _all_written(out, len(workload.corpus.copies))
            figures.done = _wait(figures, process, done)
            figures.broker_cpu_s = processes.cpu_seconds(self.broker.pid) - broker
        finally:
            process.stop(GRACE_S)
        figures.kafka_bytes = self._log_bytes(site.topic) - before
        if not figures.done:
            figures.faults = [(site.work / "log").read_text(encoding="utf-8", errors="replace")[-2000:]]
            return
        _since_first_record(figures, site.work / "first-record", out)
        found = (
            outcome.of_ledger(kafka, out, workload.corpus)
            if contender.ours
            else outcome.of_files(out, workload.corpus)
        )
        figures.mails, figures.copies = workload.corpus.mails, found.copies
        figures.faults, figures.people_lost = found.faults, found.people_lost
        figures.digest, figures.store_bytes = found.digest, found.store_bytes

    def _log_bytes(self, name: str) -> int:
        """Bytes of the run's topics on the broker."""
        return sum(path.stat().st_size for path in self.broker.data_dir.rglob(f"*{name}*/*.log"))

    def _drop_topics(self, name: str) -> None:
        with closing(KafkaAdminClient(bootstrap_servers=self.broker.bootstrap)) as admin:
            admin.delete_topics([topic for topic in admin.list_topics() if name in topic])


def _all_committed(kafka: KafkaSettings) -> Callable[[], bool]:
    group = WorkerSettings().group
    return lambda: not any(stage.waiting for stage in backlogs(kafka, group))


def _all_written(out: Path, copies: int) -> Callable[[], bool]:
    return lambda: sum(1 for _ in out.glob("*/*.eml")) >= copies


def _wait(figures: Figures, process: ManagedProcess, done: Callable[[], bool]) -> bool:
    """Look again and again; what the processes have used is that of the last look."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        ended = done()
        figures.wall_s = time.time()
        with suppress(OSError):
            pids = {processes.role(pid): pid for pid in processes.family(process.pid)}
            figures.cpu_s = {role: processes.cpu_seconds(pid) for role, pid in pids.items()}
            figures.peak_mib = {role: processes.peak_mib(pid) for role, pid in pids.items()}
        if ended:
            return True
        if not process.running:
            return False
        time.sleep(LOOK_S)
    return False


def _since_first_record(figures: Figures, mark: Path, out: Path) -> None:
    """Nothing before the first record counts; of the wall clock, nothing after the last file."""
    said = json.loads(mark.read_text(encoding="ascii"))
    before = said.get("by", {"worker": said["cpu"]})
    figures.cpu_s = {role: used - before.get(role, 0.0) for role, used in figures.cpu_s.items()}
    written = (path.stat().st_mtime for path in out.rglob("*.eml"))
    figures.wall_s = max(written, default=figures.wall_s) - said["time"]
