"""Parts of the commands that need no server: what is told of children, of libraries, of long waits, of many gaps."""

import contextlib
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import stamina

from cli.demonstration import site
from cli.demonstration.job import kept, wait
from cli.demonstration.site import StoreKind
from cli.parts.evidence import Closing, closing_line
from cli.parts.quiet import OneLine, quieten
from cli.parts.retries import tell_retries
from cli.parts.supervise import Child, Supervisor
from cli.words.summary import LISTED, Summary, write_text
from consumers.evidence.settings import EvidenceSettings
from consumers.gaps import FailedPerson, Unrouted
from consumers.tally import Counters
from producers.waiting import Waiting
from sandbox.ports import is_free
from schemas.broker import KafkaSettings
from stores.settings import AzureSettings
from tests.cli.playground import chatledger, eventually
from tests.cli.test_ready import configured


def test_a_child_that_ends_is_told_with_its_own_last_words(tmp_path: Path) -> None:
    """The sentence that the command printed, its exit code, its log, and a pause that grows."""
    log = tmp_path / "logs" / "worker.log"
    with Supervisor() as processes:
        child = processes.add("worker", ["work", "-c", str(tmp_path / "none.toml")], log)
        told = list[str]()

        def twice() -> bool:
            told.extend(processes.watch())
            return len(told) == 2

        eventually(twice, 30)
        assert child.process is None
    assert told[0].startswith("worker ended with exit code ")
    assert "starting again in 1 s: " in told[0]
    assert "starting again in 2 s: " in told[1]
    assert str(log) in told[0]
    assert "none.toml: no such file" in told[0]


def test_a_state_folder_that_can_t_be_used_is_a_sentence(tmp_path: Path) -> None:
    """Nothing of ours shows a traceback to somebody whose folder belongs to another user, or is none."""
    _, config = configured(tmp_path, KafkaSettings(bootstrap="127.0.0.1:1"), "")
    (tmp_path / "monitor.sqlite").mkdir()
    done = chatledger("monitor", "-c", str(config))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert f"{tmp_path / 'monitor.sqlite'} can't be used (unable to open database file)" in done.stderr


def test_of_a_crashed_worker_the_first_reason_is_told(tmp_path: Path) -> None:
    """What Faust says after the crash is about closed loops, not about the reason."""
    log = tmp_path / "worker.log"
    log.write_text(
        "[ERROR] [^Agent]: Crashed reason=ExceptionGroup('in a TaskGroup', [StoreError('/archive: no right to write')])\n"
        "Traceback (most recent call last):\n  File x\nRuntimeError: Event loop is closed\n[CRITICAL] We experienced a crash!\n"
    )
    processes = Supervisor()
    child = processes.add("x", ["--version"], tmp_path / "other.log")
    child.log = log
    assert child.telling() == f"StoreError: /archive: no right to write ({log})"
    processes.stop()


def test_a_simulated_source_whose_port_is_taken_meanwhile_gets_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody listens there between the look and the start, as when several sites are opened at once."""
    first = iter([True])
    monkeypatch.setattr(site, "is_free", lambda port: next(first, False) or is_free(port))
    with contextlib.ExitStack() as up:
        taken = up.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = int(taken.getsockname()[1])
        role = site.Role("liveperson", "liveperson", port, 0)
        found = site.simulate(up, tmp_path, role, "2026-03-12T12:00:00+00:00")
        assert not found.url.endswith(f":{port}")
        assert found.now_ms() > 0


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "closed"])
def test_a_process_ends_in_order_by_signal_and_with_its_parent(tmp_path: Path, end: str) -> None:
    """The event is set, whichever way; without `with_parent` a standard input that closes means nothing."""
    program = (
        "import sys, time; from cli.parts.common import stop_event\n"
        "stop = stop_event(with_parent=sys.argv[1] == 'closed')\n"
        "print('ready', flush=True); print(stop.wait(20), flush=True)"
    )
    command = [sys.executable, "-c", program, end]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.close()
        if end != "closed":
            time.sleep(0.2)
            assert process.poll() is None
            process.send_signal(signal.Signals[end])
        assert process.stdout.readline() == "True\n"
        assert process.wait(20) == 0


def test_a_library_gets_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The first of many errors is passed on as ours, warnings are not."""
    quieten("chattering")
    logger = logging.getLogger("chattering.client")
    logger.warning("not yet")
    for number in range(5):
        logger.error("cannot connect, try %d", number)
    assert [record.getMessage() for record in caplog.records] == [
        "Kafka does not answer, waiting for it: cannot connect, try 0"
    ]


def test_a_library_is_heard_again_later(caplog: pytest.LogCaptureFixture) -> None:
    """After the pause, the next error is news."""
    handler = OneLine(pause_s=0)
    for number in range(2):
        handler.emit(logging.makeLogRecord({"msg": f"try {number}", "levelno": logging.ERROR}))
    assert len(caplog.records) == 2


def test_long_retries_are_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a source tries again for longer than a moment goes to log and status; a blink does not."""
    said = list[str]()
    waiting = Waiting(threading.Event(), said.append)
    tell_retries(waiting)
    try:
        tries_of(3)
        assert said == []
        monkeypatch.setattr(sys.modules["cli.parts.retries"], "PATIENCE_S", 0.015)
        tries_of(4)
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
    assert set(said) == {"the source is down"}
    assert len(said) == 2  # the first pause of 0.01 s is within the patience


def tries_of(count: int) -> None:
    """Fail until the last of so many tries."""
    left = count
    for attempt in stamina.retry_context(
        on=ConnectionError, attempts=count, wait_initial=0.01, wait_exp_base=1, wait_jitter=0
    ):
        with attempt:
            left -= 1
            if left:
                raise ConnectionError("the source is down")


def test_a_long_list_of_gaps_is_cut_and_says_where_the_rest_is() -> None:
    """A hundred of each kind, the number of the others, and the command that has all."""
    unrouted = tuple(
        Unrouted("lp", day, f"_mails/lp/{day}.eml", "c", "p0000", 3) for day in range(LISTED + 7)
    )
    failed = (FailedPerson("lp", "u1", "Ana", "no address", "_mails/lp/1.eml", 2),)
    text = write_text(Summary({"lp": Counters(mails=LISTED + 7)}, 1, 2.0, unrouted, failed))
    assert text.count(", conversation c, ") == LISTED
    assert "and 7 more: `chatledger topics cat deliveries` has all" in text
    assert "Ana, user id u1 (lp): no address; 2 copies, the first of _mails/lp/1.eml" in text
    assert "`chatledger letters list --open`" in text
    assert (
        "`chatledger mapping apply` routes\nwhat comes from then on, and `chatledger replay --reroute` makes these:"
        in text
    )
    assert "is paused" not in text
    assert set(Summary({}, 0, 0.0, unrouted, failed).as_dict()) == {
        "connectors", "mails", "copies", "dead_letters", "elapsed_s",
    }  # fmt: skip


def test_paths_of_gaps_can_begin_with_the_store() -> None:
    """The demo's, so that they can be opened from where it was started."""
    unrouted, failed = (
        Unrouted("lp", 1, "_mails/1", "c", "p0", 1),
        FailedPerson("lp", "u", "", "no", "_mails/2", 1),
    )
    text = write_text(Summary({}, 1, 2.0, (unrouted,), (failed,)), Path("demo/archive"))
    assert "\n  demo/archive/_mails/1\n      lp, conversation c, p0, 1 event\n" in text
    assert "1 copy, the first of demo/archive/_mails/2" in text
    assert "0 mails, 0 copies, 1 dead letter, " in text


def test_a_paused_connector_is_in_the_summary() -> None:
    """For people one line that says since when and what to do; for programs the time."""
    summary = Summary({"wx": Counters()}, 0, 2.0, paused_ms=(("wx", 1_772_712_000_000),))
    assert (
        "\nwx is paused since 2026-03-05 12:00 UTC: nothing was collected; `chatledger connector resume wx` "
        in write_text(summary)
    )
    assert summary.as_dict()["paused"] == {"wx": "2026-03-05T12:00:00Z"}


def test_who_reads_no_further_gets_no_error() -> None:
    """As with `… | head`: nothing on standard error, whatever errors the command turns into sentences."""
    code = (
        "import click, cli.parts.common as c\n"
        "@click.command()\n@c.sentence_errors(OSError)\n"
        "def many():\n    for n in range(100_000): click.echo(n)\n"
        "many()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize(("store", "keep"), [("azurite", False), ("azurite", True), ("folder", False)])
def test_the_hint_to_check_the_evidence_can_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: StoreKind, *, keep: bool
) -> None:
    """A folder is checked offline; what ends with the demo is named, with the command that leaves it running."""
    monkeypatch.setattr("cli.parts.evidence.close_now", lambda _: Closing(None, made=False, note=None))
    config, path = configured(tmp_path, KafkaSettings(bootstrap="127.0.0.1:1"), "")
    if store == "azurite":
        azure = AzureSettings(container="chats", connection_string_env="NOWHERE")
        config = config.model_copy(update={"store": azure})
    config = config.model_copy(update={"evidence": EvidenceSettings(key_file=tmp_path / "key")})
    said = closing_line(config, path, None if keep else kept(Path("demo/azurite-store"), "azurite"))
    assert said is not None
    ends = "Kafka and store end now; while `chatledger demo --store azurite --keep` runs, `chatledger evidence verify -c "
    assert (ends in said) == (store == "azurite" and not keep)
    assert ("`chatledger evidence verify -c " in said) == (store == "azurite")


class Interrupted(Supervisor):
    """Starts nothing, keeps what it was asked to start, and gets Ctrl-C at the first look."""

    def add(self, name: str, arguments: list[str], log: Path) -> Child:
        """Note it alone."""
        self.children.append(child := Child(name, arguments, log))
        return child

    def watch(self) -> list[str]:
        """Ctrl-C."""
        raise KeyboardInterrupt


def test_a_demo_that_is_kept_goes_on_signing(tmp_path: Path) -> None:
    """Else status calls evidence stopped, and all unwell, ten minutes later."""
    config, path = configured(tmp_path, KafkaSettings(bootstrap="127.0.0.1:1"), "")
    config = config.model_copy(update={"evidence": EvidenceSettings(key_file=tmp_path / "key")})
    processes = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        wait(config, path, processes)
    assert [child.arguments for child in processes.children] == [["evidence", "follow", "-c", str(path)]]


def test_a_line_in_the_users_of_a_demo_outlives_its_next_run(tmp_path: Path) -> None:
    """Whoever gives the failed copy a mailbox has not lost the line when the demo runs again."""
    path = site.mapping_file(tmp_path)
    assert path.read_text(encoding="utf-8") == "ExternalUserId,O365UserMailbox\n"
    users = "ExternalUserId,O365UserMailbox\n4120087720,robin.castell@bank.example\n"
    path.write_text(users, encoding="utf-8")
    assert site.mapping_file(tmp_path).read_text(encoding="utf-8") == users
