"""`chatledger status`: every connector, from the compacted status topic, and the workers' stages."""

import json
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, new_codec, sentence_errors
from cli.words.advice import runnable
from cli.words.reach import kafka_trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.parts.config import Config
    from consumers.archive import ArchiveView
    from consumers.evidence.telling import EvidenceView
    from consumers.importing.view import ImportView
    from consumers.stages import WorkersView
    from consumers.status import ConnectorView
    from schemas.status import ConnectorStatus

WATCH_SECONDS = 2.0


@dataclass(frozen=True)
class Found:
    """What the topics say at one moment; `unwell`: a sentence for each reason to worry.

    `uncounted`: deliveries that the monitor has not counted yet, so that the connectors' counters lack them.
    """

    connectors: "list[ConnectorView]"
    workers: "WorkersView"
    unwell: list[str]
    archive: "ArchiveView"
    imports: "ImportView | None" = None
    evidence: "EvidenceView | None" = None
    uncounted: int = 0


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--watch", is_flag=True, help="Show it anew every two seconds.")
@click.option(
    "--only",
    type=click.Choice(["connectors", "workers"]),
    help="What the exit code is about; by default both.",
)
@click.option(
    "--silent-after", type=float, default=600.0, show_default=True,
    help="Seconds of silence, beyond its pause between polls, or since it stopped, that make a connector unwell.",
)  # fmt: skip
@sentence_errors(KafkaError, LookupError)
def status(config_path: Path, *, as_json: bool, watch: bool, only: str | None, silent_after: float) -> None:
    """What every connector has done, what waits before each stage of the workers, and whether all is well.

    Exit code 0: all well. 1: a configured connector waits for a dependency, was refused, is silent, stopped or has never
    reported; a stage has work waiting and no worker is there, or says that it can't go on; a mailbox refuses what is
    imported; no evidence can be made, or whoever makes it is silent; or Kafka can't be reached.
    A connector that was paused or deleted is well.

    Where `run --once` collects every night, ask with --silent-after 90000 (25 hours): one that stopped within that
    time is well.
    """
    config = load_config(config_path)
    write = _json if as_json else partial(_text, config_path)
    while watch:
        _show_again(lambda: write(look(config, silent_after, only)), config, config_path)
    found = look(config, silent_after, only)
    click.echo(write(found))
    sys.exit(1 if found.unwell else 0)


def _show_again(read: "Callable[[], str]", config: "Config", config_path: Path) -> None:
    """One turn of --watch; it goes on while Kafka is away."""
    try:
        text = read()
    except KafkaError as error:
        text = f"! {kafka_trouble(config.kafka, error, config_path)}"
    except LookupError as error:
        text = f"! {runnable(str(error), config_path)}"
    click.clear()
    click.echo(text)
    time.sleep(WATCH_SECONDS)


def look(config: "Config", silent_after: float, only: str | None = None) -> Found:
    """Read everything once; KafkaError, LookupError."""
    from consumers.archive import archive_unwell, archive_view  # noqa: PLC0415 - see cli.main
    from consumers.evidence.telling import evidence_unwell, evidence_view  # noqa: PLC0415
    from consumers.importing.view import import_unwell  # noqa: PLC0415
    from consumers.monitor import uncounted  # noqa: PLC0415
    from consumers.stages import read_workers, stages_unwell  # noqa: PLC0415
    from consumers.status import read_status, unwell, views  # noqa: PLC0415

    records = read_status(config.kafka)
    connectors = views(records)
    workers = read_workers(config.kafka, new_codec(config.kafka), config.worker.group, records)
    silent_ms = {one.uid: round(1000 * (silent_after + one.collect.poll_seconds)) for one in config.connector}
    _since(config, connectors)
    now_ms, stopped_ms = int(time.time() * 1000), round(1000 * silent_after)
    reasons = [] if only == "workers" else unwell(
        connectors, now_ms=now_ms, silent_ms=silent_ms, stopped_ms=stopped_ms
    )  # fmt: skip
    reasons += [] if only == "connectors" else stages_unwell(workers)
    archive, imports = archive_view(records), _imports(config, records)
    reasons += [] if only == "connectors" else archive_unwell(archive, now_ms)
    reasons += [] if imports is None or only is not None else import_unwell(imports)
    evidence = evidence_view(records, now_ms)
    if config.evidence.key_file is not None and only is None:
        reasons += evidence_unwell(evidence, now_ms, silent_ms=stopped_ms, stopped_ms=stopped_ms)
    return Found(connectors, workers, reasons, archive, imports, evidence, uncounted(config.kafka, records))


def _imports(config: "Config", records: "list[ConnectorStatus]") -> "ImportView | None":
    from consumers.importing.view import read_import  # noqa: PLC0415 - see cli.main

    if config.import_ is None:
        return None
    return read_import(config.kafka, config.import_.group, records)


def _since(config: "Config", connectors: "list[ConnectorView]") -> None:
    """Say of those that rest since when: the status topic knows only when that was last said."""
    from cli.parts.resting import resting  # noqa: PLC0415 - see cli.main
    from consumers.status import RESTING  # noqa: PLC0415

    orders = resting(config, [one.uid for one in connectors if one.states.get("live") in RESTING])
    for one in connectors:
        if one.uid in orders:
            one.resting_since_ms = orders[one.uid].at_ms


def _json(found: Found) -> str:
    document = {"connectors": {view.uid: asdict(view) for view in found.connectors}, **asdict(found.workers)}
    imports = {} if found.imports is None else {"import": asdict(found.imports)}
    evidence = {} if found.evidence is None else {"evidence": asdict(found.evidence)}
    told = {"archive": asdict(found.archive), "uncounted": found.uncounted, "unwell": found.unwell}
    return json.dumps(document | imports | evidence | told, indent=2)


def _text(config_path: Path, found: Found) -> str:
    from cli.words.status import (  # noqa: PLC0415 - see cli.main
        connectors_table,
        counters_table,
        error_lines,
        evidence_line,
        imports_table,
        reconciled_lines,
        stages_table,
        uncounted_line,
    )
    from cli.words.tables import rendered  # noqa: PLC0415

    tables = [
        connectors_table(found.connectors),
        counters_table(found.connectors),
        stages_table(found.workers),
    ]
    tables += [] if found.imports is None else [imports_table(found.imports)]
    parts = [rendered(*tables)]
    parts.append(f"workers: {found.workers.workers}   open dead letters: {found.workers.dead_letters}")
    if found.imports is not None:
        parts.append(f"importers: {found.imports.importers}   mails to import: {found.imports.records}")
    parts += [uncounted_line(found.uncounted)] if found.uncounted else []
    parts += [] if found.evidence is None else [evidence_line(found.evidence)]
    parts += reconciled_lines(found.connectors)
    parts += [f"archive: {one}" for one in found.archive.protection]
    told = [*error_lines(found.connectors), *(f"! {reason}" for reason in found.unwell)]
    return "\n".join(runnable(one, config_path) for one in (*parts, *told))
