"""`chatledger reconcile`: what the source shows of a day, compared with the archive."""

import sys
import tempfile
import threading
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.parts.common import (
    config_option,
    load_config,
    log_to_stderr,
    new_codec,
    sentence_of,
    stop_event,
)
from cli.words.advice import counted, for_once

if TYPE_CHECKING:
    from cli.parts.config import Config
    from cli.parts.reconciling import Report


@click.command()
@click.argument("connector", required=False)
@config_option
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="Which day (UTC); by default the last that is collected."
)
@click.option("--fetch", is_flag=True, help="Collect again what the log does not have.")
@click.option("--quick", is_flag=True, help="Of stored files compare only the length, without reading them.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON document.")
@click.option(
    "--daily", is_flag=True, help="Go on for ever: every connector and day, as soon as it is collected."
)
@click.option("--with-parent", is_flag=True, hidden=True)
def reconcile(
    connector: str | None, config_path: Path, day: datetime | None, *, fetch: bool, quick: bool, as_json: bool,
    daily: bool, with_parent: bool,
) -> None:  # fmt: skip
    """Ask the source of CONNECTOR again what it shows of a day, and compare that with log, mails, copies and store.

    The collector's cursor and caches have no part in it. Exit code 1 where something is missing or different and nobody knows
    why; what is gone at the source and archived is no fault, and what the source does not show any more is not verifiable.
    """
    from cli.parts.reconciling import failures  # noqa: PLC0415 - see cli.main

    if daily == bool(connector):
        raise click.UsageError("name a CONNECTOR, or --daily for all of them")
    config = load_config(config_path)
    log_to_stderr("info" if daily else "warn")
    stop = stop_event(with_parent=with_parent)
    if daily or connector is None:
        _for_ever(config, config_path, stop, quick=quick)
        return
    try:
        report = _once(config, connector, day.date() if day else None, stop, quick=quick)
        _show(config_path, report, as_json=as_json)
        if fetch and report.can_be_fetched:
            _fetch(config, report, stop)
    except failures() as error:
        raise click.ClickException(f"{connector}: {for_once(sentence_of(error, config_path))}") from error
    sys.exit(1 if report.faults else 0)


def _once(config: "Config", uid: str, day: date | None, stop: threading.Event, *, quick: bool) -> "Report":
    from cli.parts.days import last_whole  # noqa: PLC0415 - see cli.main
    from cli.parts.reconciling import lanes_of, reconcile_and_tell  # noqa: PLC0415

    config.named(uid)
    wanted = day or last_whole(lanes_of(config, uid))

    def say(what: str) -> None:
        click.echo(f"{uid}, {wanted}: {what}", err=True)

    return reconcile_and_tell(config, uid, wanted, stop, quick=quick, say=say)


def _show(config_path: Path, report: "Report", *, as_json: bool) -> None:
    from cli.words.advice import runnable  # noqa: PLC0415 - see cli.main
    from cli.words.reconcile import as_json as document  # noqa: PLC0415
    from cli.words.reconcile import as_text  # noqa: PLC0415

    click.echo(document(report) if as_json else runnable(as_text(report), config_path))


def _fetch(config: "Config", report: "Report", stop: threading.Event) -> None:
    """Hand what is missing to the producers: a lane of its own, from a source without memory."""
    from contextlib import ExitStack, closing  # noqa: PLC0415 - see cli.main

    from cli.parts.days import begin_ms  # noqa: PLC0415
    from cli.parts.sources import open_source  # noqa: PLC0415
    from producers.contents import StoreContents  # noqa: PLC0415
    from producers.recollection import Recollection, Sparing  # noqa: PLC0415
    from producers.waiting import Waiting  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    settings, waiting = config.named(report.uid), Waiting(stop)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        contents = Sparing(
            stack.enter_context(closing(StoreContents(lambda: open_store(config.store), waiting)))
        )
        source = stack.enter_context(closing(open_source(settings, contents, scratch, stop)))
        again = Recollection(source, settings, config.kafka, new_codec(config.kafka), contents, waiting)
        sent = again.send(begin_ms(report.day), report.until_ms, report.missed)
    missing = len(report.missed)
    said = f"collected again: {sent:,} of {counted(missing, 'missing event')}; each is in a mail once its slice closes"
    if contents.damaged:
        said += f"; {counted(len(contents.damaged), 'damaged file')} left as found, and events with them"
    click.echo(said, err=True)


def _for_ever(config: "Config", config_path: Path, stop: threading.Event, *, quick: bool) -> None:
    from cli.parts.daily import Daily  # noqa: PLC0415 - see cli.main

    Daily(config, config_path, stop, quick=quick).run()
