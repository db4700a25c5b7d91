"""Child processes of `chatledger run` and `chatledger demo`: started, watched, started again, stopped together.

A child gets a pipe as standard input and ends when it closes (`--with-parent`), so nothing stays behind even when
this process is killed.
"""

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

LONGEST_PAUSE_S = 30.0
STOP_GRACE_S = 20.0


@dataclass
class Child:
    """One process that should be running."""

    name: str
    arguments: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    due: float = 0.0

    def start(self) -> None:
        """Start it, its output appended to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            command = [sys.executable, "-m", "cli.main", *self.arguments, "--with-parent"]
            # A session of its own: Ctrl-C on the terminal is ours to pass on, in order.
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
            )
        self.starts += 1

    def poll(self) -> int | None:
        """Exit code, None while it runs."""
        return self.process.poll() if self.process else None

    def tail(self, lines: int = 5) -> str:
        """The last lines of its log."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""


@dataclass
class Supervisor:
    """Keeps children running; use as a context manager."""

    children: list[Child] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add(self, name: str, arguments: list[str], log: Path) -> Child:
        """Start one more child."""
        child = Child(name, arguments, log)
        child.start()
        self.children.append(child)
        return child

    def watch(self) -> list[str]:
        """Start again what ended with a fault, after a pause that doubles; returns one sentence for each end."""
        told = []
        now = time.monotonic()
        for child in self.children:
            code = child.poll()
            if code is not None and child.process is not None:
                pause = min(LONGEST_PAUSE_S, 0.5 * 2.0 ** min(child.starts, 10))
                child.process, child.due = None, now + pause
                told.append(
                    f"{child.name} ended with exit code {code}, starting again in {pause:.0f} s: {child.tail(2)}"
                )
            elif child.process is None and now >= child.due:
                child.start()
        return told

    def stop(self) -> None:
        """SIGTERM to all at once, SIGKILL to those that do not end in time."""
        running = [child.process for child in self.children if child.process and child.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_GRACE_S
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            if process.poll() is None:
                process.kill()
                process.wait()
        for child in self.children:
            if child.process is not None and child.process.stdin is not None:
                child.process.stdin.close()
        self.children.clear()
