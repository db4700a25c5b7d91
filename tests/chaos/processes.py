"""The processes of the product, each started again when it has ended, as `chatledger run` or systemd would."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

from sandbox.processes import ManagedProcess, start_process, tail
from tests.chaos.pulse import Place

REPOSITORY = Path(__file__).parents[2]
PAUSE_S = 0.5
OWNS = re.compile(rb"^\[([\d :,-]{23})\] \[(\d+)\] \[INFO\] owns (\S+)/(\d+) from ", re.MULTILINE)


@dataclass
class Part:
    """One process of the product: a worker or a collector."""

    name: str
    arguments: list[str]
    log: Path
    process: ManagedProcess | None = None
    due: float = 0.0
    stopped: bool = False
    wanted: bool = True

    @property
    def running(self) -> bool:
        """Whether it lives and is not stopped."""
        return self.process is not None and self.process.running and not self.stopped

    def start(self) -> None:
        """Start it; its output is appended to its log."""
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-m", "cli.main", *self.arguments]
        self.process = start_process(command, log=self.log, name=self.name, env=environment)
        self.stopped = False

    def kill(self, away_s: float) -> None:
        """SIGKILL; it is started again after so many seconds."""
        if self.process is not None:
            self.process.signal(SIGKILL)
            self.process.wait(30)
        self.due = time.monotonic() + away_s

    def stop(self) -> None:
        """SIGSTOP: it lives and does nothing."""
        if self.process is not None:
            self.process.signal(SIGSTOP)
            self.stopped = True

    def go_on(self) -> None:
        """SIGCONT."""
        if self.process is not None and self.stopped:
            self.process.signal(SIGCONT)
        self.stopped = False

    def leave(self) -> None:
        """SIGTERM, for good."""
        self.wanted = False
        if self.process is not None:
            self.process.signal(SIGTERM)

    def memory_kb(self) -> int:
        """Resident memory of the process in kB, 0 if there is none."""
        return resident_kb(self.process.pid) if self.process is not None and self.process.running else 0


@dataclass
class Parts:
    """All of them, and what became of them by themselves."""

    config: Path
    logs: Path
    parts: list[Part] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    tell: Callable[[str], None] = print
    _workers: int = 0

    def add_worker(self) -> Part:
        """One more worker."""
        self._workers += 1
        return self._add(f"worker-{self._workers}", "work")

    def add_collector(self, uid: str) -> Part:
        """The collector of a connector."""
        return self._add(uid, "collect", uid)

    def _add(self, name: str, *arguments: str) -> Part:
        part = Part(name, [*arguments, "-c", str(self.config)], self.logs / f"{name}.log")
        part.start()
        self.parts.append(part)
        return part

    def tend(self) -> None:
        """Start again what has ended and whose time has come; forget what was sent away."""
        for part in list(self.parts):
            if part.process is not None and not part.process.running:
                self._ended(part, part.process.wait(5))
            elif part.process is None and time.monotonic() >= part.due:
                part.start()

    def _ended(self, part: Part, code: int) -> None:
        part.process = None
        if not part.wanted:
            self.parts.remove(part)
        elif code not in {0, -SIGKILL}:
            part.due = max(part.due, time.monotonic() + PAUSE_S)
            self.ended.append(f"{part.name} ended by itself with {code}: {tail(part.log, 1)[:300]}")
            self.tell(self.ended[-1])

    @property
    def workers(self) -> list[Part]:
        """Workers that run, oldest first."""
        return [part for part in self.parts if part.arguments[0] == "work" and part.running and part.wanted]

    @property
    def collectors(self) -> list[Part]:
        """Collectors that run."""
        return [part for part in self.parts if part.arguments[0] == "collect" and part.running]

    def owners(self, stages: dict[str, str]) -> dict[Place, Part]:
        """Which worker has said last that it owns a stage's partition; `stages` by topic. Only those that run."""
        newest: dict[Place, tuple[bytes, Part]] = {}
        for part in self.workers:
            for when, topic, number in _owned(part):
                place = stages.get(topic, topic), number
                if place not in newest or newest[place][0] < when:
                    newest[place] = when, part
        return {place: part for place, (_, part) in newest.items()}

    def close(self) -> None:
        """End all of them."""
        for part in self.parts:
            part.go_on()
            if part.process is not None:
                with suppress(ProcessLookupError):
                    part.process.stop(20)
        self.parts.clear()


def _owned(part: Part) -> Iterator[tuple[bytes, str, int]]:
    """What this life of a worker says that it took over, and when."""
    pid = part.process.pid if part.process is not None else 0
    for when, who, topic, number in OWNS.findall(part.log.read_bytes()):
        if int(who) == pid:
            yield when, topic.decode(), int(number)


def resident_kb(pid: int) -> int:
    """Resident memory of a process in kB, 0 when it is gone or this system does not say."""
    with suppress(OSError, IndexError):
        return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))[0])
    return 0
