"""Runs `chatledger replay` as a process, beside what a worker has archived."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.streams.worker_rig import REPOSITORY, Rig


def command(rig: Rig, *options: str) -> list[str]:
    """The command line of a replay with the rig's configuration."""
    return [sys.executable, "-m", "cli.main", "replay", "-c", str(rig.folder / "chatledger.toml"), *options]


def environment() -> dict[str, str]:
    """So that the command finds the code."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def replay(rig: Rig, *options: str, code: int = 0) -> Any:
    """The report of a replay that ends with this exit code; in one process unless the options say otherwise."""
    options = options if "--processes" in options else (*options, "--processes", "1")
    done = subprocess.run(
        command(rig, "--json", *options), env=environment(), cwd=rig.folder, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout)


def refused(rig: Rig, *options: str, code: int = 1) -> str:
    """What a replay says that ends with this exit code and reports nothing."""
    done = subprocess.run(
        command(rig, *options), env=environment(), cwd=rig.folder, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, ""), done.stderr + done.stdout
    return done.stderr


def counted(report: Any) -> dict[str, int]:
    """Counters that are not 0, those of the log's length aside."""
    return {
        name: value for name, value in report["counts"].items() if value and name not in {"records", "open"}
    }


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every mail and copy below a folder, by path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.eml")
        if ".incoming" not in path.parts and "_replay" not in path.relative_to(folder).parts
    }
