"""Processes that outlive the one which started them, known by their id alone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING

from sandbox.processes import POLL_S, open_log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DETACH = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'


@dataclass(frozen=True)
class DetachedProcess:
    """A process that outlives the one which started it; known by its id alone."""

    name: str
    log: Path
    pid: int

    @property
    def running(self) -> bool:
        """Whether it lives; a zombie does not."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        # In a container whose first process reaps nobody the dead stay in the table.
        stat = Path(f"/proc/{self.pid}/stat")
        with contextlib.suppress(OSError):
            return stat.read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
        return True

    def stop(self, grace_s: float = 15) -> None:
        """SIGTERM, and SIGKILL after `grace_s` seconds; return when it is gone."""
        self._signal_and_wait(signal.SIGTERM, grace_s)
        if self.running:
            self._signal_and_wait(signal.SIGKILL, 10)

    def _signal_and_wait(self, number: Signals, timeout_s: float) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        deadline = time.monotonic() + timeout_s
        while self.running and time.monotonic() < deadline:
            time.sleep(POLL_S)


def start_detached(
    command: Sequence[str | Path], *, log: Path, name: str, env: Mapping[str, str] | None = None
) -> DetachedProcess:
    """Start a command that stays when this process ends, in its own session, its output appended to `log`."""
    open_log(log).close()
    arguments = ["/bin/sh", "-c", DETACH, "sh", str(log), *(str(part) for part in command)]
    # The shell leaves at once, so the process is nobody's child here and never waits for us to be reaped.
    started = subprocess.run(arguments, stdout=subprocess.PIPE, env=env, start_new_session=True, check=True)
    return DetachedProcess(name, log, int(started.stdout))
