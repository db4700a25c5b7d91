"""What Linux says of processes: CPU time, peak memory, children (proc(5)); and how a measurement waits for them."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sandbox.processes import ManagedProcess, start_process, tail

PATIENCE_S = 900.0
LOOK_S = 0.05
TICKS = os.sysconf("SC_CLK_TCK")
REPOSITORY = Path(__file__).parents[2]


def command(config_path: Path, *words: str) -> list[str]:
    """One of the product's commands, with this configuration."""
    return [sys.executable, "-m", "cli.main", *words, "-c", str(config_path)]


def start(folder: Path, config_path: Path, *words: str) -> ManagedProcess:
    """Start it, with a log of its own in the folder; who calls stops it."""
    log = folder / f"{words[0]}-{time.monotonic_ns()}.log"
    return start_process(command(config_path, *words), log=log, cwd=REPOSITORY)


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads so far; FileNotFoundError if it has ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(pid: int) -> float:
    """The most that was ever resident (VmHWM); FileNotFoundError if it has ended."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) / 1024


def family(pid: int) -> Iterator[int]:
    """The process and everything below it."""
    yield pid
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text(encoding="ascii").split():
            yield from family(int(child))


def role(pid: int) -> str:
    """What a process of ours is called in tables: the monitor by its name, everything else worker."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return "monitor" if b"monitor" in words else "worker"


def until(holds: Callable[[], bool], processes: Sequence[ManagedProcess]) -> None:
    """Wait for it; SystemExit if a process ends before, or if it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        for process in processes:
            if not process.running:
                raise SystemExit(f"{process.name} has ended:\n{tail(process.log, 200)}")
        if time.monotonic() > deadline:
            raise SystemExit(f"not done after {PATIENCE_S:.0f} s")
        time.sleep(LOOK_S)
