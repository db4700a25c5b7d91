"""The simulated Webex as a process of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.sandbox.webex_client import Client


@contextmanager
def start(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the process on a free port for as long as the block lasts."""
    command = [sys.executable, "-m", "sandbox.webex", "--scale", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_it_serves_until_told_to_stop(tmp_path: Path) -> None:
    """The first line says where; faults, ledger and clock come from the command line; SIGTERM ends it."""
    (tmp_path / "faults.json").write_text(json.dumps({"switches": {"page_cap": 3}}), "utf-8")
    options = ("--faults", str(tmp_path / "faults.json"), "--ledger", str(tmp_path / "ledger.jsonl"))
    with start(*options, "--now", "2026-03-04T00:00:00Z") as process:
        assert process.stdout is not None
        client = Client(process.stdout.readline().removeprefix("listening on ").strip())
        assert len(client.get("/events", resource="messages").json()["items"]) == 3
        assert requests.get(f"{client.url}/_sim/health", timeout=5).json()["now_ms"] == 1_772_582_400_000
        served = client.ledger()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    lines = (tmp_path / "ledger.jsonl").read_text("ascii").splitlines()
    assert [json.loads(line) for line in lines] == served


def test_a_faults_file_that_is_wrong_gives_one_line(tmp_path: Path) -> None:
    """The process ends with a sentence on what is expected, not with a traceback."""
    (tmp_path / "faults.json").write_text('{"switches": {"speed": 3}}', "utf-8")
    with start("--faults", str(tmp_path / "faults.json")) as process:
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 1
    assert errors.startswith("sandbox.webex: faults: switches: unknown 'speed'")
    assert "Traceback" not in errors
