"""`chatledger monitor`: counters of every connector, published on the status topic."""

import sqlite3
from pathlib import Path

import click

from cli.parts.common import (
    config_option,
    load_config,
    log_option,
    log_to_stderr,
    new_codec,
    sentence_errors,
    sentence_of,
    stop_event,
)


@click.command()
@config_option
@log_option
@click.option("--with-parent", is_flag=True, hidden=True)
@sentence_errors(OSError, sqlite3.OperationalError)
def monitor(config_path: Path, log_level: str, *, with_parent: bool) -> None:
    """Count deliveries by their ids and publish every connector's counters until SIGTERM."""
    from consumers.monitor import Monitor  # noqa: PLC0415 - see cli.main

    config = load_config(config_path)
    log_to_stderr(log_level)
    stop = stop_event(with_parent=with_parent)
    config.state_dir.mkdir(parents=True, exist_ok=True)
    names = {one.uid: (one.name, one.kind) for one in config.connector}
    watcher = Monitor(
        config.kafka, new_codec(config.kafka), names, config.state_dir / "monitor.sqlite",
        explain=lambda error: sentence_of(error, config_path),
    )  # fmt: skip
    watcher.run(stop)
    watcher.close()
