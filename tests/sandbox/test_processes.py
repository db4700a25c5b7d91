"""Child processes: start, readiness, stop, and their end with the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sandbox.detached import DetachedProcess, start_detached
from sandbox.processes import ManagedProcess, ProcessError, start_process

if TYPE_CHECKING:
    from pathlib import Path

PARENT = """
import sys, time
from pathlib import Path
from sandbox.processes import start_process
child = start_process(["/bin/sh", "-c", "sleep 1000 & echo $!; wait"], log=Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(1000)
"""

ENDS_WELL = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print(1, flush=True)
signal.pause()
"""


def _gone(pid: int, log: Path, within_s: float = 5) -> bool:
    process = DetachedProcess("child", log, pid)
    deadline = time.monotonic() + within_s
    while process.running and time.monotonic() < deadline:
        time.sleep(0.05)
    return not process.running


def _logged_number(log: Path) -> int:
    while not log.exists() or not log.read_text().endswith("\n"):
        time.sleep(0.01)
    return int(log.read_text())


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    """What a child says on either stream is found in its log file, and its exit code is reported."""
    log = tmp_path / "logs" / "child.log"
    assert start_process(["/bin/sh", "-c", "echo one; echo two >&2; exit 3"], log=log).wait(5) == 3
    assert log.read_text().split() == ["one", "two"]


def test_a_child_that_ends_while_starting_shows_its_log(tmp_path: Path) -> None:
    """The error for a child that dies before it is ready holds the last lines of its log."""
    with pytest.raises(ProcessError, match="no such setting"):
        start_process(["/bin/sh", "-c", "echo no such setting"], log=tmp_path / "log", ready=lambda: False)


def test_a_child_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    """When time is up the error says so, and the child doesn't stay."""
    log = tmp_path / "log"
    command = ["/bin/sh", "-c", "echo $$; exec sleep 1000"]
    with pytest.raises(ProcessError, match=r"not ready after 0\.3 s"):
        start_process(command, log=log, ready=lambda: False, timeout_s=0.3)
    assert _gone(_logged_number(log), log)


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    """A program that isn't there is an error with its name, and no guard is left."""
    with pytest.raises(ProcessError, match="no-such-program"):
        start_process(["/no-such-program"], log=tmp_path / "log")


def test_stop_gives_time_to_end_well(tmp_path: Path) -> None:
    """`stop` asks by SIGTERM, so that a program's own exit code comes back."""
    log = tmp_path / "log"
    with start_process([sys.executable, "-c", ENDS_WELL], log=log) as child:
        _logged_number(log)
        assert child.stop() == 7
    assert not child.running


def test_stop_is_not_refused(tmp_path: Path) -> None:
    """A program that ignores SIGTERM is killed when its grace is over."""
    log = tmp_path / "log"
    child = start_process(["/bin/sh", "-c", "trap '' TERM; echo 1; while :; do sleep 0.05; done"], log=log)
    _logged_number(log)
    assert child.stop(grace_s=0.3) == -signal.SIGKILL


def test_stop_ends_grandchildren(tmp_path: Path) -> None:
    """What the child has started ends with it."""
    log = tmp_path / "log"
    child = start_process(["/bin/sh", "-c", "sleep 1000 & echo $!; wait"], log=log)
    grandchild = _logged_number(log)
    child.stop()
    assert _gone(grandchild, log)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_children_end_with_their_parent(tmp_path: Path, number: signal.Signals) -> None:
    """However the parent ends, SIGKILL included, neither child nor grandchild stays."""
    log = tmp_path / "log"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(log)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        grandchild = _logged_number(log)
        parent.send_signal(number)
    assert _gone(child, log)
    assert _gone(grandchild, log)


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    """Only the end of the whole parent ends a child: the end of a thread doesn't."""
    with ThreadPoolExecutor(1) as pool:
        child: ManagedProcess = pool.submit(start_process, ["sleep", "1000"], log=tmp_path / "log").result()
    time.sleep(0.3)
    assert child.running
    child.kill()


def test_a_detached_process_stays(tmp_path: Path) -> None:
    """A detached process is in a session of its own, logs, and can be ended by its id."""
    log = tmp_path / "some log"
    process = start_detached(["/bin/sh", "-c", "echo 1; exec sleep 1000"], log=log, name="sleeper")
    assert process.running
    assert os.getsid(process.pid) != os.getsid(0)
    assert _logged_number(log) == 1
    process.stop()
    assert _gone(process.pid, log)
