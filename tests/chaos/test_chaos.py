"""A short chaos run: every kind of process is killed once, everything else happens once, and nothing is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.disk import can_mount
from tests.chaos.processes import REPOSITORY

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.azurite,
    pytest.mark.slow,
    pytest.mark.timeout(420),
]


def test_a_short_run_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Seven kills and eleven other faults among a thousand events."""
    if not can_mount(tmp_path / "probe"):
        pytest.skip("the store's disk can't be filled: mounting a tmpfs needs root")
    out = tmp_path / "chaos.json"
    command = [
        sys.executable,
        "-m",
        "tests.chaos",
        "--kills",
        "7",
        "--seed",
        "7",
        "--events",
        "1000",
        "--brisk",
    ]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path), "--out", str(out)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    result = json.loads(out.read_text())
    assert (result["kills"], result["lost"], result["doubled"], result["different"]) == (7, 0, 0, 0)
    assert result["events"] >= 1000
