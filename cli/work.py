"""`chatledger work`: one stream worker in this process."""

import sys
from pathlib import Path

import click

from cli.parts.common import (
    config_option,
    load_config,
    log_option,
    log_to_stderr,
    new_codec,
    stop_with_parent,
)


@click.command()
@config_option
@log_option
@click.option("--with-parent", is_flag=True, hidden=True)
def work(config_path: Path, log_level: str, *, with_parent: bool) -> None:
    """A stream worker: raw-events ─▶ assemble ─▶ archive.

    Start as many as you like; they share the partitions. SIGTERM ends it with exit code 0, or, where Kafka or the
    store is down and work is left, with 1 after `worker.stop_seconds`. Any other exit code than 0
    means: start it again, nothing is lost. It refuses to start on topics that have drifted from the catalogue.
    """
    from cli.parts.ready import ready_or_explain  # noqa: PLC0415 - heavy imports only when a worker really starts
    from stores.factory import open_store  # noqa: PLC0415
    from streams.app import run_worker  # noqa: PLC0415

    config = load_config(config_path)
    log_to_stderr(log_level)
    if with_parent:
        stop_with_parent()
    codec = new_codec(config.kafka)
    ready_or_explain(config, codec, config_path)
    worker = config.worker.model_copy(
        update={"state_dir": config.worker.state_dir or config.state_dir / "worker"}
    )
    store = open_store(config.store, [one.uid for one in config.connector])
    sys.exit(run_worker(config.kafka, worker, store, codec, loglevel=log_level))
