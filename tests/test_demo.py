"""The whole job as a person runs it: every process real, killed where it hurts, checked by what shares no code with it."""

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from sandbox.azurite import Azurite
from sandbox.checked_mail import Parser
from sandbox.checker import check
from sandbox.ports import free_port

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(600)]

SUMMARY = {"checked", "connectors", "evidence", "mails", "copies", "dead_letters", "elapsed_s"}
CONNECTOR = {
    "conversations", "events", "available_from_source", "available_for_import", "ok", "partial", "skipped", "failed", "external",
    "unrouted", "completed_at",
}  # fmt: skip
README = Path(__file__).parent.parent / "README.md"
SHOWN = ("conversations", "events", "available_for_import", "ok", "partial", "skipped", "failed", "external")


def command(folder: Path, *options: str) -> list[str]:
    """The demo's command line."""
    return [sys.executable, "-m", "cli.main", "demo", "--folder", str(folder), *options]


def demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the demo to its end."""
    return subprocess.run(
        command(folder, *options),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=dict(os.environ),
    )


@pytest.fixture(scope="module", autouse=True)
def own_ports() -> Iterator[None]:
    """Ports of our own: addresses stand in raw events, and somebody else's demo may hold the usual ports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHATLEDGER_DEMO_PORTS", f"{free_port()},{free_port()}")
        yield


def summary_of(run: subprocess.CompletedProcess[str]) -> Any:
    """The document that --json printed alone."""
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def mails(archive: Path) -> dict[str, str]:
    """SHA-256 of every mail by its name, which is its identity."""
    return {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (archive / "_mails").rglob("*.eml")
    }


def ledgers(folder: Path) -> list[Path]:
    """What the simulated sources say that they have served."""
    return sorted(folder.glob("ledger-*.jsonl"))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """One undisturbed run, in a folder with a blank in its name."""
    folder = tmp_path_factory.mktemp("a demo")
    return folder, summary_of(demo(folder, "--json"))


def test_the_summary_is_the_promised_document(first: tuple[Path, Any]) -> None:
    """Counters of every connector, and Microsoft's sum holds."""
    folder, summary = first

    assert set(summary) == SUMMARY
    assert summary == json.loads((folder / "summary.json").read_text())
    for one in summary["connectors"].values():
        assert set(one) == CONNECTOR
        assert one["available_for_import"] == one["ok"] + one["partial"] + one["skipped"] + one["failed"]
    assert summary["mails"] == len(mails(folder / "archive"))
    assert summary["copies"] == sum(one["ok"] + one["partial"] for one in summary["connectors"].values())
    assert summary["dead_letters"] == 0
    assert all(
        one["unrouted"] > 0 for one in summary["connectors"].values()
    )  # chats of bots and of strangers


def test_the_readme_shows_these_figures(first: tuple[Path, Any]) -> None:
    """Its table, its totals and what was checked are today's; only the seconds are another machine's."""
    summary, readme = first[1], README.read_text(encoding="utf-8").replace(",", "")
    for uid, one in summary["connectors"].items():
        cells = "│".join(rf" {one[name]} +" for name in SHOWN)
        assert re.search(rf"│ {uid} +│{cells}│", readme), one
    assert (
        f"{summary['mails']} mails {summary['copies']} copies {summary['dead_letters']} dead letters "
        in readme
    )
    checked = " ".join(
        f"{summary['checked'][name]} {name}" for name in ("messages", "edits", "deletions", "files")
    )
    assert f"{checked}; 0 missing 0 doubled." in readme


@pytest.mark.parametrize("parser", ["email", "mailparser"])
def test_everything_that_was_served_is_found_in_the_mails(first: tuple[Path, Any], parser: Parser) -> None:
    """Two parsers that are not ours find every message, name and file of the sources' own ledgers, once."""
    report = check(ledgers(first[0]), first[0] / "archive", parser=parser)

    assert report.messages > 3000
    assert report.missing == []
    assert report.doubled == []


def test_running_over_its_own_output_adds_nothing_and_says_so(first: tuple[Path, Any]) -> None:
    """A second run finds everything done; a configuration that somebody changed meanwhile is not lost."""
    before = mails(first[0] / "archive")
    config = first[0] / "chatledger.toml"
    config.write_text(config.read_text() + "# mine\n")

    again = demo(first[0])

    assert again.returncode == 0, again.stderr
    assert "nothing was added" in again.stdout
    assert mails(first[0] / "archive") == before
    assert "chatledger.toml.yours now" in again.stderr
    assert (first[0] / "chatledger.toml.yours").read_text().endswith("# mine\n")


@pytest.mark.azurite
def test_azure_blob_gets_the_same_bytes_as_the_folder(first: tuple[Path, Any], tmp_path: Path) -> None:
    """The same job through azure-storage-blob into a real Azurite ends with the same set of content hashes."""
    summary = summary_of(demo(tmp_path, "--store", "azurite", "--json"))

    with Azurite(tmp_path / "azurite-store" / "azurite") as server:
        client = ContainerClient.from_connection_string(
            server.connection_string, "chats", api_version="2026-06-06"
        )
        with client:
            found = {
                hashlib.sha256(client.download_blob(name).readall()).hexdigest()
                for name in client.list_blob_names() if name.endswith(".eml")
            }  # fmt: skip
    wanted = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (first[0] / "archive").rglob("*.eml")}
    assert summary["mails"] == first[1]["mails"]
    assert found == wanted


def processes_of(folder: Path) -> dict[int, str]:
    """Command lines of all processes that work for this folder."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in line and int(entry.name) != os.getpid():
                found[int(entry.name)] = line
    return found


def kill(folder: Path, pattern: str) -> None:
    """SIGKILL every process of the folder whose command line matches."""
    for pid, line in processes_of(folder).items():
        if re.search(pattern, line):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The demo in the background."""
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command(folder), stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Any, seconds: float) -> None:
    """Until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def test_killed_in_the_middle_it_ends_with_the_same_mails(first: tuple[Path, Any], tmp_path: Path) -> None:
    """SIGKILL of worker, collectors, Kafka and the demo itself; started again, nothing is missing, nothing doubled."""
    clock = tmp_path / "clock"
    with running(tmp_path):
        wait_for(clock.exists, 120)
        for pattern in (
            r"cli\.main work",
            r"cli\.main collect webex",
            r"cli\.main collect liveperson",
            r"kafka\.Kafka",
        ):
            kill(tmp_path, pattern)
            time.sleep(1.5)
    wait_for(lambda: not processes_of(tmp_path), 30)

    summary = summary_of(demo(tmp_path, "--json"))

    assert set(mails(tmp_path / "archive")) == set(mails(first[0] / "archive"))
    report = check(ledgers(tmp_path), tmp_path / "archive")
    assert (report.missing, report.doubled) == ([], [])
    assert summary["dead_letters"] == 0


def test_ctrl_c_stops_every_process_that_it_started(tmp_path: Path) -> None:
    """No broker, simulator or worker stays behind."""
    with running(tmp_path) as process:
        wait_for((tmp_path / "clock").exists, 120)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        wait_for(lambda: not processes_of(tmp_path), 20)
