"""Child processes that can't be forgotten: log file, readiness, a stop with grace, no orphans.

A guard, a few lines of POSIX shell, leads the process group of every foreground child and holds the reading
end of a pipe. When the parent ends in whatever way, SIGKILL included, the kernel closes the writing end and
the guard ends its group. A pipe, and not Linux' PR_SET_PDEATHSIG, since that one fires when the *thread* that
started the child ends, and macOS has none.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from signal import Signals
from typing import IO, TYPE_CHECKING, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

GUARD = """\
trap '' TERM INT HUP
read -r child
while read -r _; do :; done
kill -s TERM 0
for _ in 1 2 3 4 5 6 7 8 9 10; do
  kill -s 0 "$child" 2>/dev/null || break
  sleep 1
done
kill -s KILL 0
"""
POLL_S = 0.05
TRIES = 3  # of ports that somebody else gets first
T = TypeVar("T")


class ProcessError(Exception):
    """A child process did not start, or ended before it was ready; the text holds the end of its log."""


class Running(Protocol):
    """What readiness needs to know of a process."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def log(self) -> Path:
        """The file that holds its output."""

    @property
    def running(self) -> bool:
        """Whether it lives."""


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log file, or a remark that there are none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64 * 1024))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        text = ""
    return "\n".join(text.splitlines()[-lines:]) or "(nothing was logged)"


def _end_of(log: Path) -> str:
    return f"Last lines of {log}:\n{tail(log)}"


def wait_ready(process: Running, ready: Callable[[], bool], timeout_s: float) -> None:
    """Return once `ready()` is true; ProcessError when the process ends before, or time is up."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if not process.running:
            msg = f"{process.name} ended while starting. {_end_of(process.log)}"
            raise ProcessError(msg)
        if time.monotonic() > deadline:
            msg = f"{process.name} was not ready after {timeout_s:g} s. {_end_of(process.log)}"
            raise ProcessError(msg)
        time.sleep(POLL_S)


class ManagedProcess:
    """A child in its own process group that ends when this Python process does; see `start_process`."""

    def __init__(
        self, name: str, log: Path, child: subprocess.Popen[bytes], guard: subprocess.Popen[bytes]
    ) -> None:
        self.name = name
        self.log = log
        self._child = child
        self._guard = guard

    @property
    def pid(self) -> int:
        """Process id of the child itself."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._child.poll()

    @property
    def running(self) -> bool:
        """Whether the child lives."""
        return self.returncode is None

    def signal(self, number: Signals) -> None:
        """Send a signal to the child alone, if it still runs."""
        self._child.send_signal(number)

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait until the child ends by itself; return its exit code, or raise subprocess.TimeoutExpired."""
        code = self._child.wait(timeout_s)
        self.kill()
        return code

    def stop(self, grace_s: float = 15) -> int:
        """SIGTERM to the whole group, SIGKILL after `grace_s` seconds; return the exit code. Idempotent."""
        if self.running:
            self._signal_group(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(grace_s)
        return self.kill()

    def kill(self) -> int:
        """SIGKILL to the whole group, guard included; return the exit code. Idempotent."""
        self._signal_group(signal.SIGKILL)
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait()
        return self._child.wait()

    def _signal_group(self, number: Signals) -> None:
        # The guard leads the group, so until it is reaped nobody else can have got the group's number.
        if self._guard.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._guard.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_process(
    command: Sequence[str | Path],
    *,
    log: Path,
    name: str | None = None,
    ready: Callable[[], bool] | None = None,
    timeout_s: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> ManagedProcess:
    """Start a command with its output appended to `log`, and wait until `ready()`; else ProcessError.

    `env` is the whole environment (default: ours). The command has no standard input, and Ctrl-C on our
    terminal doesn't reach it.
    """
    arguments = [str(part) for part in command]
    with open_log(log) as output:
        # The child is started second and right into the guard's group, so it is never without a guard.
        guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD], stdin=subprocess.PIPE, stdout=output, stderr=output, process_group=0
        )
        try:
            child = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                cwd=cwd,
                process_group=guard.pid,
            )
        except OSError as error:
            guard.kill()
            guard.communicate()
            msg = f"{name or arguments[0]} can't be started: {error}"
            raise ProcessError(msg) from error
    process = ManagedProcess(name or Path(arguments[0]).name, log, child, guard)
    try:
        _tell_guard(guard, child.pid)
        if ready is not None:
            wait_ready(process, ready, timeout_s)
    except BaseException:  # Ctrl-C while waiting leaves nothing behind either
        process.kill()
        raise
    return process


def with_another_port(attempt: Callable[[], T], was_taken: Callable[[], bool]) -> T:
    """What `attempt` returns; tried again when a process ended at its start and another program has its port by now."""
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except ProcessError:
            if not was_taken():
                raise
    return attempt()


def _tell_guard(guard: subprocess.Popen[bytes], child: int) -> None:
    if guard.stdin is not None:
        guard.stdin.write(b"%d\n" % child)
        guard.stdin.flush()


def open_log(log: Path) -> IO[bytes]:
    """Open a log for appending, in a folder that is created when it isn't there."""
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("ab")
