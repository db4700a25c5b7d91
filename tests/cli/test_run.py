"""`chatledger run`: one command for the whole job, its exit code, and no process left behind however it ends."""

import hashlib
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.demonstration.site import Site
from sandbox.checker import check
from tests.cli.playground import (
    HEADLINE,
    UNADDRESSED,
    Installation,
    Result,
    chatledger,
    environment,
    eventually,
    install,
    kill,
)
from tests.servers import free_port

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
CHILDREN = 5  # worker, monitor, collector, evidence, reconcile
ROBIN = (
    f"Robin Castell, user id {UNADDRESSED} (liveperson): no line in the user mapping and no e-mail address"
)


def archived(made: Installation) -> dict[str, str]:
    """SHA-256 of every mail and copy, by path."""
    return {
        str(path.relative_to(made.archive)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in made.archive.rglob("*.eml")
    }


def test_once_archives_everything_and_says_so(once: tuple[Installation, Result], site: Site) -> None:
    """Exit code 0, steps on standard error, a summary with the unrouted mails listed; the sources' ledgers agree."""
    made, done = once
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"✓ collecting .*\n(.*\n)*✓ archiving ", done.stderr)
    assert " 0 dead letters" in done.stdout
    assert "Failed copies" not in done.stdout
    listed = re.findall(r"^  (_mails/\S+\.eml)\n +(\w+), conversation (\S+), ", done.stdout, re.MULTILINE)
    assert {connector for _, connector, _ in listed} == {"liveperson", "webex"}
    assert all((made.archive / path).is_file() for path, _, _ in listed)
    report = check([source.ledger for source in site.sources], made.archive)
    assert (report.missing, report.doubled) == ([], [])


def test_once_again_adds_nothing(once: tuple[Installation, Result]) -> None:
    """The same mails, the same counters, exit code 0; --json prints the document alone."""
    made, _ = once
    before = archived(made)
    done = made.chatledger("run", "--once", "--json", timeout_s=200)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document) == {"connectors", "mails", "copies", "dead_letters", "elapsed_s"}
    assert archived(made) == before
    assert document["mails"] == sum(path.startswith("_mails/") for path in before)
    assert document["copies"] == len(before) - document["mails"]


def test_an_employee_without_a_mailbox_makes_it_fail_and_is_listed(site: Site, tmp_path: Path) -> None:
    """Exit code 1; who, why, how many copies, the first mail; the mail itself is archived."""
    made = install(site, tmp_path / "unmapped", only="liveperson")
    done = made.chatledger("run", "--once", timeout_s=200)
    assert done.returncode == 1
    assert "Failed copies" in done.stdout
    assert done.stdout.count(ROBIN) == 1
    found = re.search(r"; 1 copy, the first of (\S+\.eml)", done.stdout)
    assert found is not None
    assert (made.archive / found[1]).is_file()


def test_nothing_survives_a_run_that_is_killed(site: Site, tmp_path: Path) -> None:
    """SIGKILL of the parent: worker, monitor and collectors see their standard input close and end by themselves."""
    made = install(site, tmp_path / "killed", only="liveperson")
    with made.running("run") as process:
        eventually(lambda: len(made.processes()) == CHILDREN + 1, 60)
        eventually(lambda: made.chatledger("status").returncode == 0, 60)
        process.kill()
        eventually(lambda: not made.processes(), 20)


def test_sigterm_ends_everything_in_time(site: Site, tmp_path: Path) -> None:
    """Within 20 s, in order: exit code 0, and no child had to be killed."""
    made = install(site, tmp_path / "ended", only="liveperson")
    with made.running("run") as process:
        eventually(lambda: len(made.processes()) == CHILDREN + 1, 60)
        eventually(lambda: made.chatledger("status").returncode == 0, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not made.processes()
    assert "liveperson: stopped" in made.log("liveperson")


def test_a_child_that_dies_is_started_again_and_said(site: Site, tmp_path: Path) -> None:
    """The line names it, its exit code and its log."""
    made = install(site, tmp_path / "died", only="liveperson")
    output = made.folder / "output"
    with made.running("run"):
        eventually(lambda: any("cli.main monitor" in line for line in made.processes().values()), 60)
        (monitor,) = (pid for pid, line in made.processes().items() if "cli.main monitor" in line)
        kill(monitor)
        eventually(lambda: "monitor ended with exit code -9, starting again in 1 s" in output.read_text(), 20)
        eventually(lambda: any("cli.main monitor" in line for line in made.processes().values()), 20)
        assert "monitor.log" in output.read_text()


def test_once_stops_when_asked_to(site: Site, tmp_path: Path) -> None:
    """SIGTERM in the middle: exit code 1, one sentence, no process left."""
    made = install(site, tmp_path / "halved", only="webex")
    with made.running("run", "--once") as process:
        eventually(
            lambda: any("--once" in line and "collect" in line for line in made.processes().values()), 60
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(25) == 1
        assert not made.processes()
    assert "stopped before the end; the next run goes on from here" in (made.folder / "output").read_text()


def test_an_unknown_connector_is_answered_with_the_others(fresh: Installation) -> None:
    """`collect` and `login` of a uid that nobody has; `login` of one that needs none."""
    for command in (["collect", "slack"], ["login", "slack"]):
        done = fresh.chatledger(*command)
        assert done.returncode == 1
        assert "no connector slack; there are liveperson, webex" in done.stderr
    done = fresh.chatledger("login", "liveperson")
    assert done.returncode == 1
    assert "it needs no login" in done.stderr


def test_mapping_commands(site: Site, tmp_path: Path) -> None:
    """An empty file to begin with, faults with lines, and in force once."""
    made = install(site, tmp_path / "mapped")
    made.chatledger("topics", "create")
    template = chatledger("mapping", "template").stdout
    assert template == HEADLINE
    users = tmp_path / "users.csv"
    users.write_text(template + "ana,nowhere\n", encoding="utf-8")
    done = chatledger("mapping", "check", str(users))
    assert (done.returncode, f"{users}:2: 'nowhere' is not a mailbox address" in done.stdout) == (1, True)
    users.write_text(template + "ana,ana@bank.example\n", encoding="utf-8")
    assert "1 line can be used, no fault found" in chatledger("mapping", "check", str(users)).stdout
    assert "is now in force" in made.chatledger("mapping", "apply").stdout
    assert "was already in force" in made.chatledger("mapping", "apply").stdout


def test_what_it_makes_is_for_its_owner_alone(once: tuple[Installation, Result]) -> None:
    """Caches, counters, logs and the archive hold conversations: no other user of the machine reads them."""
    made, _ = once
    found = [
        path for top in ("state", "archive") for path in (made.folder / top, *(made.folder / top).rglob("*"))
    ]
    assert {path.suffix for path in found} >= {".log", ".sqlite", ".sqlite3", ".eml"}
    assert [path for path in found if path.stat().st_mode & 0o077] == []


def test_ctrl_c_says_what_it_means(tmp_path: Path) -> None:
    """While the demo starts: one sentence, exit code 1, no `Aborted!`, nobody left."""
    command = [sys.executable, "-m", "cli.main", "demo", "--folder", str(tmp_path)]
    ports = {"CHATLEDGER_DEMO_PORTS": f"{free_port()},{free_port()}"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment() | ports) as process:
        eventually((tmp_path / "logs" / "simulated-liveperson.log").exists, 60)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(30) == 1
    assert "stopped, nothing is left running; run it again to go on" in said
    assert "Aborted" not in said
    assert not Installation(tmp_path).processes()
