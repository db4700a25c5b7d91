"""`chatledger status`: every connector, from the compacted status topic."""

import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kafka.errors import KafkaError

from cli.common import config_option, load_config, sentence_errors

if TYPE_CHECKING:
    from rich.table import Table

    from consumers.status import ConnectorView


SHOWN = ("mails", "available_for_import", "ok", "partial", "skipped", "failed", "external", "unrouted")


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--watch", is_flag=True, help="Show it anew every two seconds.")
@click.option(
    "--silent-after",
    type=float,
    default=600.0,
    show_default=True,
    help="Seconds of silence that count as unwell.",
)
@sentence_errors(KafkaError, LookupError)
def status(config_path: Path, *, as_json: bool, watch: bool, silent_after: float) -> None:
    """What every connector has done, and whether it is well.

    Exit code 0: all well; 1: a connector waits for a dependency, was refused, is silent, or none has ever reported.
    """
    from consumers.status import read_status, unwell, views  # noqa: PLC0415 - see cli.main

    kafka = load_config(config_path).kafka
    while True:
        found = views(read_status(kafka))
        reasons = unwell(found, now_ms=int(time.time() * 1000), silent_ms=int(silent_after * 1000))
        if watch:
            click.clear()
        click.echo(_json(found, reasons) if as_json else _text(found, reasons))
        if not watch:
            sys.exit(1 if reasons else 0)
        time.sleep(2)


def _json(found: "list[ConnectorView]", reasons: list[str]) -> str:
    return json.dumps({"connectors": {view.uid: asdict(view) for view in found}, "unwell": reasons}, indent=2)


def _text(found: "list[ConnectorView]", reasons: list[str]) -> str:
    from rich.console import Console  # noqa: PLC0415 - as above

    console = Console(width=None if sys.stdout.isatty() else 160)
    with console.capture() as capture:
        console.print(_table(found))
        for reason in reasons:
            console.print(f"! {reason}", markup=False)
    return capture.get().rstrip()


def _table(found: "list[ConnectorView]") -> "Table":
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table("connector", "state", "captured up to", "lag", "last stored", "mails", "for import", "ok", "partial", "skipped",
                  "failed", "external", "unrouted")  # fmt: skip
    for view in found:
        count = view.counters
        states = ", ".join(f"{lane} {state}" for lane, state in sorted(view.states.items()))
        table.add_row(
            view.uid, states, _time(view.captured_up_to_ms), _span(view.lag_ms), _time(view.last_success_ms),
            *(str(count.get(name, 0)) for name in SHOWN),
        )  # fmt: skip
    return table


def _time(ms: int | None) -> str:
    return "-" if ms is None or ms < 0 else f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _span(ms: int | None) -> str:
    return "-" if ms is None else f"{ms / 1000:.0f} s" if ms < 600_000 else f"{ms / 3_600_000:.1f} h"
