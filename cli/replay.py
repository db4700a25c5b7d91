"""`chatledger replay`: make mails again from the log, or compare the archive with it."""

import os
import sys
import time
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, log_to_stderr, sentence_errors
from cli.words.replay import Progress, Shown, rerouted_text, write_text
from consumers.mapping_file import MappingError
from stores.interface import StoreError
from streams.replay.errors import ReplayError

if TYPE_CHECKING:
    from cli.parts.config import Config
    from streams.replay.job import Job
    from streams.replay.selection import Selection
    from streams.replay.session import Session

DAY = click.DateTime(["%Y-%m-%d"])
LIVE_PATIENCE_S = 30.0


@click.command()
@config_option
@click.option(
    "--connector", "connectors", multiple=True, metavar="UID", help="Only this connector; may be repeated."
)
@click.option(
    "--from", "first", type=DAY, help="Only slices of this day and later (Webex: local day, LivePerson: UTC)."
)
@click.option("--to", "last", type=DAY, help="Only slices of this day and before.")
@click.option(
    "--conversation", "conversations", multiple=True, metavar="ID", help="Only this conversation or space."
)
@click.option("--mailbox", "mailboxes", multiple=True, metavar="ADDRESS", help="Only copies at this mailbox.")
@click.option(
    "--into", metavar="dry-run|compare|store|mailbox|_replay/NAME|FOLDER",
    help="dry-run: count (the default). compare: read the archive and name every difference. store: the archive itself, "
    "create-only. mailbox: the mailboxes of section [import], with --missing or --again. _replay/NAME: below that prefix of "
    "the store. A path that begins with / or ./: that folder.",
)  # fmt: skip
@click.option(
    "--missing", is_flag=True, help="With --into mailbox: look in each mailbox, append only what is gone."
)
@click.option(
    "--again", is_flag=True, help="With --into mailbox: append once more, whatever is there; it is recorded."
)
@click.option(
    "--reroute",
    is_flag=True,
    help="No replay: route what is archived by the mapping now in force, into the store.",
)
@click.option(
    "--processes", type=click.IntRange(1), help="Processes at a time; by default one for each core."
)
@click.option("--whole-log", is_flag=True, help="Read from the beginning, whatever an index says.")
@click.option("--fresh", is_flag=True, help="Begin anew instead of going on with one that was ended.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON document.")
@sentence_errors(ReplayError, StoreError, KafkaError, OSError, MappingError)
def replay(config_path: Path, **options: Any) -> None:
    """Make mails again from raw-events, beside live workers, whose group and closings are left alone.

    Ended at any moment, the same command goes on where it was. Exit code 1: something differs, is missing, is
    unexplained or failed, or nothing in the log fits the selection.
    """
    config = load_config(config_path)
    log_to_stderr("warn")
    if options["into"] == "mailbox":
        sys.exit(_into_mailboxes(config, options))
    if options["missing"] or options["again"]:
        raise click.UsageError("--missing and --again go with --into mailbox")
    if options["reroute"]:
        sys.exit(_reroute(config, config_path, options))
    sys.exit(_replay(config, options))


def _into_mailboxes(config: "Config", options: dict[str, Any]) -> int:
    from cli.parts.mailboxes import into_mailboxes  # noqa: PLC0415 - see cli.main
    from cli.words.mailboxes import Looking, looked_text  # noqa: PLC0415

    if options["missing"] == options["again"] or options["reroute"]:
        raise click.UsageError("--into mailbox goes with --missing or with --again, one of them")
    selection = _selection(options)
    _is_possible(config, selection)
    began = time.monotonic()
    done = into_mailboxes(config, selection, "again" if options["again"] else "missing", Looking().tell)
    click.echo(looked_text(done, selection.as_dict(), time.monotonic() - began, as_json=options["as_json"]))
    if not done.selected:
        click.echo("nothing in the ledger fits the selection", err=True)
    return 0 if done.selected and not done.refused else 1


def _replay(config: "Config", options: dict[str, Any]) -> int:
    from streams.replay.errors import on_local_disk  # noqa: PLC0415 - see cli.main
    from streams.replay.session import Session  # noqa: PLC0415

    job = new_job(config, options)
    _is_possible(config, job.selection)
    began = time.monotonic()
    with (
        on_local_disk(job.folder),
        Session(job, whole_log=options["whole_log"], fresh=options["fresh"]) as session,
    ):
        if session.resumed:
            click.echo(f"going on with what is in {session.folder}; --fresh begins anew", err=True)
        session.prepare(config.worker.group, frozenset(one.uid for one in config.connector))
        _run(session, options)
        if job.where.kind == "compare" and session.missing():
            _wait_for_live(config)
        report = session.finish()
        shown = Shown(
            job.selection.as_dict(), job.where.shown, report, time.monotonic() - began, session.resumed
        )
        session.forget()
    return _tell(config, shown, as_json=options["as_json"])


def _run(session: "Session", options: dict[str, Any]) -> None:
    done, whole = session.total()
    with Progress("replaying", done, whole) as progress:
        session.run(options["processes"] or os.cpu_count() or 1, progress.tell)


def _tell(config: "Config", shown: Shown, *, as_json: bool) -> int:
    """The report, and the exit code that goes with it.

    A selection that fits nothing is a typing mistake more often than not: nobody may take it for a proof.
    """
    from cli.parts.replaying import stranger  # noqa: PLC0415 - see cli.main

    counts = shown.report.counts
    found = bool(counts.get("mails", 0) or counts.get("failed", 0))
    lost = "" if found else stranger(config, shown.selection["connectors"])
    if lost:
        raise click.ClickException(lost)
    click.echo(shown.as_json() if as_json else write_text(shown))
    if not found:
        click.echo("nothing in the log fits the selection, or nothing of it is closed yet", err=True)
    return 0 if found and shown.report.is_well else 1


def new_job(config: "Config", options: dict[str, Any]) -> "Job":
    """What the command line asks for; its folder is named by it."""
    from dataclasses import replace  # noqa: PLC0415 - see cli.main

    from cli.parts.replaying import goal  # noqa: PLC0415
    from streams.replay.job import Job  # noqa: PLC0415
    from streams.replay.session import name_of  # noqa: PLC0415

    job = Job(
        kafka=config.kafka, store=config.store, where=goal(options["into"] or "dry-run", config.store),
        selection=_selection(options), folder=config.state_dir / "replay", concurrency=config.worker.store_concurrency,
    )  # fmt: skip
    return replace(job, folder=job.folder / name_of(job, whole_log=options["whole_log"]))


def _selection(options: dict[str, Any]) -> "Selection":
    from streams.replay.selection import Selection  # noqa: PLC0415 - see cli.main

    first, last = _day(options["first"]), _day(options["last"])
    if first and last and last < first:
        raise click.UsageError(f"--to {last} lies before --from {first}")
    return Selection(
        frozenset(options["connectors"]),
        frozenset(options["conversations"]),
        frozenset(options["mailboxes"]),
        first,
        last,
    )


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None


def _is_possible(config: "Config", selection: "Selection") -> None:
    """Topics are as in the catalogue, and connectors are known.

    Nothing is made and no mapping is put in force: that is for who runs the workers.
    """
    from cli.parts.replaying import check_connectors  # noqa: PLC0415 - see cli.main
    from schemas.admin import check_topics  # noqa: PLC0415 - see cli.main

    drifts = check_topics(config.kafka)
    if drifts:
        told = "; ".join(str(one) for one in drifts[:3])
        raise ReplayError(f"topics are not as they must be (`chatledger topics check` has all): {told}")
    check_connectors(config, selection.connectors)


def _wait_for_live(config: "Config") -> None:
    """What is missing may be on its way: live workers get some time before it is looked for once more."""
    from consumers.drain import NotDrainedError, wait_until_drained  # noqa: PLC0415 - see cli.main

    click.echo(
        "something is missing; waiting until the live workers have done what is waiting for them", err=True
    )
    try:
        wait_until_drained(config.kafka, config.worker.group, patience_s=LIVE_PATIENCE_S)
    except NotDrainedError as error:
        click.echo(f"! {error}: what is still on its way counts as missing", err=True)


def _reroute(config: "Config", config_path: Path, options: dict[str, Any]) -> int:
    from cli.parts.common import new_codec  # noqa: PLC0415 - see cli.main
    from cli.parts.replaying import file_not_in_force  # noqa: PLC0415
    from cli.words.advice import runnable  # noqa: PLC0415
    from consumers.mapping import last_activated  # noqa: PLC0415
    from streams.replay.reroute import reroute_all  # noqa: PLC0415

    if options["into"] not in {None, "store"}:
        raise click.UsageError("--reroute writes into the archive itself: leave --into away")
    job = new_job(config, options)
    _is_possible(config, job.selection)
    version = last_activated(config.kafka, new_codec(config.kafka))
    if version is None:
        raise ReplayError("no user mapping is in force; `chatledger mapping apply` puts one in force")
    warning = file_not_in_force(config.mapping, version)
    if warning:
        click.echo(f"! {runnable(warning, config_path)}", err=True)
    began = time.monotonic()
    with Progress("rerouting", 0, 0) as progress:
        done = reroute_all(job, version, progress.tell)
    click.echo(rerouted_text(done, version, time.monotonic() - began, as_json=options["as_json"]))
    return 1 if done.counts["failed"] else 0
