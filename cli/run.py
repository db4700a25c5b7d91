"""`chatledger run`: collectors, worker, monitor and importer on this machine; `--once` collects to now and drains every stage."""

import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.parts.common import config_option, load_config, log_to_stderr, new_codec, stop_event
from cli.parts.supervise import Supervisor
from cli.words.advice import runnable
from cli.words.steps import Steps
from cli.words.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.parts.config import Config
    from consumers.drain import Backlog


@click.command()
@config_option
@click.option("--once", is_flag=True, help="Collect to now, drain every stage, print the summary, end.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Stream workers to start."
)
@click.option("--json", "as_json", is_flag=True, help="With --once: print the summary as JSON.")
def run(config_path: Path, *, once: bool, workers: int, as_json: bool) -> None:
    """All of it on one machine, every part a process of its own, started again when it fails.

    With --once the exit code is 0 only when nothing is missing: every connector collected, every stage drained,
    no open dead letters, no failed copies, and no copy that waits for its mailbox or was refused there.
    """
    from cli.parts.ready import PATIENCE_S, ready_or_explain  # noqa: PLC0415 - see cli.main

    config = load_config(config_path)
    log_to_stderr("info")
    # Whoever waits for a summary wants to know at once; a service may be started before its Kafka.
    patience_s = 0.0 if once else PATIENCE_S
    with Steps() as steps, steps.step("topics and user mapping"):
        ready_or_explain(config, new_codec(config.kafka), config_path, create=True, patience_s=patience_s)
    stop = stop_event()
    with Supervisor() as processes:
        start_workers(processes, config, config_path, workers)
        if once:
            sys.exit(run_once(processes, config, config_path, stop, as_json=as_json))
        for connector in config.connector:
            start_collector(processes, config, config_path, connector.uid)
        start_evidence(processes, config, config_path)
        start_reconciler(processes, config, config_path)
        click.echo(f"running, logs in {config.state_dir / 'logs'}; Ctrl-C ends it", err=True)
        while not stop.wait(0.5):
            watch(processes)


def start_workers(processes: Supervisor, config: "Config", config_path: Path, workers: int) -> None:
    """Worker processes, the monitor, and the importer where mailboxes are configured."""
    logs = config.state_dir / "logs"
    for number in range(workers):
        processes.add(f"worker-{number}", ["work", "-c", str(config_path)], logs / f"worker-{number}.log")
    processes.add("monitor", ["monitor", "-c", str(config_path)], logs / "monitor.log")
    if config.import_ is not None:
        processes.add("import", ["import", "-c", str(config_path)], logs / "import.log")


def start_collector(
    processes: Supervisor, config: "Config", config_path: Path, uid: str, *options: str
) -> None:
    """One collector process."""
    processes.add(
        f"collector {uid}",
        ["collect", uid, "-c", str(config_path), *options],
        config.state_dir / "logs" / f"{uid}.log",
    )


def start_evidence(processes: Supervisor, config: "Config", config_path: Path) -> None:
    """What closes a manifest after each day, where evidence is configured."""
    if config.evidence.key_file is not None:
        log = config.state_dir / "logs" / "evidence.log"
        processes.add("evidence", ["evidence", "follow", "-c", str(config_path)], log)


def start_reconciler(processes: Supervisor, config: "Config", config_path: Path) -> None:
    """What asks the sources again, day by day."""
    log = config.state_dir / "logs" / "reconcile.log"
    processes.add("reconcile", ["reconcile", "--daily", "-c", str(config_path)], log)


class StoppedError(Exception):
    """Somebody asked to stop in the middle."""


def run_once(
    processes: Supervisor, config: "Config", config_path: Path, stop: threading.Event, *, as_json: bool
) -> int:
    """Collect to now, drain, sum up; 0 only when nothing is missing."""
    from cli.parts.resting import resting  # noqa: PLC0415 - see cli.main
    from cli.words.mailboxes import imported_lines, not_imported  # noqa: PLC0415
    from cli.words.summary import summarise, write_text  # noqa: PLC0415

    began = time.monotonic()
    try:
        with Steps() as steps:
            with steps.bar("collecting") as tell:
                failed = _collect_all(processes, config, config_path, stop, tell)
            with steps.bar("archiving") as tell:
                failed += _drain(processes, config, stop, tell)
    except StoppedError:
        click.echo("stopped before the end; the next run goes on from here", err=True)
        return 1
    orders = resting(config, [one.uid for one in config.connector])
    paused = tuple((uid, order.at_ms) for uid, order in orders.items() if order.what == "paused")
    summary = summarise(config, new_codec(config.kafka), time.monotonic() - began, paused)
    imports = _imports(config)
    document = summary.as_dict() | ({} if imports is None else {"imports": imports})
    click.echo(json.dumps(document, indent=2) if as_json else runnable(write_text(summary), config_path))
    told = imported_lines(imports or {})
    if told and not as_json:
        click.echo("\n".join(told))
    failed += [runnable(one, config_path) for one in not_imported(imports or {})]
    failed += _evidence(config, config_path, quiet=as_json)
    for sentence in failed:
        click.echo(f"! {sentence}", err=True)
    return 1 if failed or not summary.complete else 0


def _collect_all(
    processes: Supervisor,
    config: "Config",
    config_path: Path,
    stop: threading.Event,
    tell: "Callable[[int, int], None]",
) -> list[str]:
    """Run every collector once, all at a time; one sentence for each that failed."""
    trouble = Trouble(config)
    with Supervisor() as collectors:
        for connector in config.connector:
            start_collector(collectors, config, config_path, connector.uid, "--once")
        waiting = list(collectors.children)
        while any(child.poll() is None for child in waiting):
            if stop.wait(0.2):
                raise StoppedError
            watch(processes)
            trouble.tell()
            shares = [
                trouble.progress(connector.uid) if child.poll() is None else 1.0
                for connector, child in zip(config.connector, waiting, strict=True)
            ]
            tell(round(100 * sum(shares) / len(shares)), 100)
        return [
            f"{child.name} ended with exit code {child.poll()}: {child.telling()}"
            for child in waiting
            if child.poll() not in {0, None}
        ]


def _drain(
    processes: Supervisor, config: "Config", stop: threading.Event, tell: "Callable[[int, int], None]"
) -> list[str]:
    from consumers.drain import IMPORT, NotDrainedError, wait_until_drained  # noqa: PLC0415 - see cli.main

    trouble = Trouble(config)

    def look(now: "list[Backlog]") -> None:
        if stop.is_set():
            raise StoppedError
        watch(processes)
        trouble.tell()
        tell(sum(one.total - one.waiting for one in now), sum(one.total for one in now))

    try:
        wait_until_drained(config.kafka, config.worker.group, tell=look)
        if config.import_ is not None:
            wait_until_drained(config.kafka, config.import_.group, stages=IMPORT, tell=look)
    except NotDrainedError as error:
        return [str(error)]
    return []


def _imports(config: "Config") -> "dict[str, dict[str, int]] | None":
    """Copies by connector and what became of them in their mailboxes; None where nothing is imported."""
    from consumers.importing.view import read_outcomes  # noqa: PLC0415 - see cli.main

    return None if config.import_ is None else read_outcomes(config.kafka, new_codec(config.kafka))


def _evidence(config: "Config", config_path: Path, *, quiet: bool) -> list[str]:
    """Close a manifest where evidence is configured; a sentence if that failed."""
    from kafka.errors import KafkaError  # noqa: PLC0415 - see cli.main

    from cli.parts.common import sentence_of  # noqa: PLC0415
    from cli.parts.evidence import closing_line  # noqa: PLC0415
    from consumers.evidence.errors import EvidenceError  # noqa: PLC0415
    from stores.interface import StoreError  # noqa: PLC0415

    try:
        line = closing_line(config, config_path)
    except (EvidenceError, StoreError, KafkaError, OSError) as error:
        return [f"no evidence was made: {sentence_of(error, config_path)}"]
    if line and not quiet:
        click.echo(line)
    return []


def watch(processes: Supervisor) -> None:
    """Start again what ended, and say so."""
    for sentence in processes.watch():
        click.echo(sentence, err=True)
