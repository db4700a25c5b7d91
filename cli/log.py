"""`chatledger log`: Microsoft's connector log, run by run, from the topics alone."""

import contextlib
import sqlite3
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, log_to_stderr, new_codec, sentence_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli.parts.config import Config
    from consumers.logbook.items import Ledger
    from consumers.logbook.runs import Runs

DAY = click.DateTime(["%Y-%m-%d"])
SHOWN_DAYS = 7  # as many as Microsoft keeps


@click.command()
@click.argument("connector")
@config_option
@click.option("--day", type=DAY, help="Only the run of this day (UTC).")
@click.option(
    "--from", "first", type=DAY, help="Runs of this day and later; by default of the last seven days."
)
@click.option("--to", "last", type=DAY, help="Runs of this day and before; by default up to today.")
@click.option(
    "--ledger", type=click.Choice(["stored", "imported"]), help="Only this ledger; by default both."
)
@click.option("--csv", "form", flag_value="csv", help="Everything as CSV, one line for each thing.")
@click.option("--json", "form", flag_value="json", help="Everything as one JSON document.")
@sentence_errors(KafkaError, LookupError, OSError, sqlite3.OperationalError)
def log(
    connector: str, config_path: Path, day: datetime | None, first: datetime | None, last: datetime | None,
    ledger: "Ledger | None", form: str | None,
) -> None:  # fmt: skip
    """What the runs of CONNECTOR brought, in Microsoft's seven fields, and every item that failed, with the reason.

    A run is what the ledger recorded on one day (UTC): a day that is over never changes. Read from the topics alone; what was
    read is kept in the state folder, where it may be deleted at any time.
    """
    from cli.words.log import as_csv, as_json, as_text  # noqa: PLC0415 - see cli.main
    from consumers.logbook.items import LEDGERS  # noqa: PLC0415

    config = load_config(config_path)
    log_to_stderr("warn")
    days = _days(day, first, last)
    with contextlib.closing(_read(config)) as runs:
        _is_known(config, runs, connector)
        known = [
            one for one in LEDGERS if ledger == one or (ledger is None and (one == "stored" or runs.has(one)))
        ]
        write: Callable[..., Iterator[str]] = {"csv": as_csv, "json": as_json}.get(form or "", as_text)
        for piece in write(runs, known, connector, days):
            sys.stdout.write(piece)


def _days(day: datetime | None, first: datetime | None, last: datetime | None) -> list[date]:
    if day is not None and (first or last):
        raise click.UsageError("--day is one run: leave --from and --to away")
    end = (day or last or datetime.now(UTC)).date()
    begin = (
        day or first or datetime.combine(end, datetime.min.time()) - timedelta(days=SHOWN_DAYS - 1)
    ).date()
    if end < begin:
        raise click.UsageError(f"--to {end} lies before --from {begin}")
    return [begin + timedelta(days=number) for number in range((end - begin).days + 1)]


def _read(config: "Config") -> "Runs":
    from cli.words.steps import Lines  # noqa: PLC0415 - see cli.main
    from consumers.logbook.reading import catch_up  # noqa: PLC0415
    from consumers.logbook.runs import Runs  # noqa: PLC0415

    config.state_dir.mkdir(parents=True, exist_ok=True)
    runs = Runs(config.state_dir / "log.sqlite")
    try:
        catch_up(runs, config.kafka, new_codec(config.kafka), Lines("reading the ledger").tell)
    except BaseException:
        runs.close()
        raise
    return runs


def _is_known(config: "Config", runs: "Runs", connector: str) -> None:
    """Refuse a uid that neither the configuration nor the ledger knows: it would look like a quiet connector."""
    known = {*(one.uid for one in config.connector), *runs.connectors()}
    if connector not in known:
        raise click.ClickException(f"no connector {connector}; there are {', '.join(sorted(known))}")
