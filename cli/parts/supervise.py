"""Child processes of `chatledger run` and `chatledger demo`: started, watched, started again, stopped together.

A child gets a pipe as standard input and ends when it closes (`--with-parent`), so nothing stays behind even when
this process is killed.
"""

import contextlib
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cli.parts.common import private_folder

LONGEST_PAUSE_S = 30.0
STOP_GRACE_S = 20.0
LONG_LIFE_S = 120.0  # who lived so long begins with a short pause again
LONGEST_TAIL = 65_536  # bytes
CRASH = re.compile(r"Crashed reason=.*?(\w+Error)\((['\"])(.*?)\2")
REASON = re.compile(r"^(Error: |[\w.]*(Error|Exception|Exit)\b)")  # ours, or the last line of a traceback


@dataclass
class Child:
    """One process that should be running."""

    name: str
    arguments: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started: float = 0.0
    due: float = 0.0
    _log_from: int = 0

    def start(self) -> None:
        """Start it, its output appended to its log."""
        private_folder(self.log.parent)
        self._log_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            command = [sys.executable, "-m", "cli.main", *self.arguments, "--with-parent"]
            # A session of its own: Ctrl-C on the terminal is ours to pass on, in order.
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
            )
        self.started = time.monotonic()

    def poll(self) -> int | None:
        """Exit code, None while it runs."""
        return self.process.poll() if self.process else None

    def release(self) -> None:
        """Let go of a process that has ended."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None

    def telling(self) -> str:
        """The line of its log, since it was started, that says best why it ended."""
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(max(self._log_from, self.log.stat().st_size - LONGEST_TAIL))
            text = file.read().decode(errors="replace")
            crash = CRASH.search(text)
            if crash:  # Faust says much more afterwards
                return f"{crash[1]}: {crash[3][:500]} ({self.log})"
            lines = text.splitlines()
            reasons = [line for line in lines if REASON.match(line)]
            return f"{(reasons or lines or ['it said nothing'])[-1].strip()[:500]} ({self.log})"
        return f"it has no log at {self.log}"


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
                child.failures = 1 if now - child.started > LONG_LIFE_S else child.failures + 1
                pause = min(LONGEST_PAUSE_S, 0.5 * 2.0 ** min(child.failures, 10))
                child.release()
                child.due = now + pause
                told.append(
                    f"{child.name} ended with exit code {code}, starting again in {pause:.0f} s: {child.telling()}"
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
            child.release()
        self.children.clear()
