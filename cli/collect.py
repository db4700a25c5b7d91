"""`chatledger collect`: one connector's collector in this process."""

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.parts.common import (
    config_option,
    load_config,
    log_option,
    log_to_stderr,
    new_codec,
    private_folder,
    stop_on_signals,
    stop_with_parent,
)
from cli.words.advice import runnable

if TYPE_CHECKING:
    from cli.parts.config import Config
    from producers.source import Contents, Source


@click.command()
@click.argument("connector")
@config_option
@log_option
@click.option("--once", is_flag=True, help="Collect up to now, back-fill included, then end.")
@click.option("--with-parent", is_flag=True, hidden=True)
def collect(connector: str, config_path: Path, log_level: str, *, once: bool, with_parent: bool) -> None:
    """Collect from the source of CONNECTOR (its uid) into topic raw-events.

    What is down is waited for: Kafka at the start for a minute (then exit code 1), later, like the source and the store, for
    as long as it takes. SIGTERM ends it within ten seconds with exit code 0; nothing is lost by any other end.
    """
    from cli.parts.config import ConfigError  # noqa: PLC0415 - heavy imports only when a collector really starts
    from cli.parts.ready import ready_or_explain  # noqa: PLC0415

    config = load_config(config_path)
    log_to_stderr(log_level)
    if with_parent:
        stop_with_parent()
    try:
        config.named(connector)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    try:
        ready_or_explain(config, new_codec(config.kafka), config_path)
    except click.ClickException as error:
        tell_failed(config, connector, error.message)
        raise
    sys.exit(run_collector(config, connector, config_path, once=once))


def run_collector(config: "Config", uid: str, config_path: Path, *, once: bool) -> int:
    """Run until a signal, or once; returns the exit code."""
    from cli.parts.retries import tell_retries  # noqa: PLC0415 - as above
    from producers.contents import StoreContents  # noqa: PLC0415
    from producers.cursor import CursorError  # noqa: PLC0415
    from producers.orders import DeletedError, PausedError  # noqa: PLC0415
    from producers.runner import Runner  # noqa: PLC0415
    from producers.sink import SinkError  # noqa: PLC0415
    from producers.source import SourceError  # noqa: PLC0415
    from producers.waiting import Waiting  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    stop = threading.Event()
    stop_on_signals(stop.set)
    waiting = Waiting(stop)
    tell_retries(waiting)
    contents = StoreContents(lambda: open_store(config.store), waiting, config.state_dir / uid)
    settings = config.named(uid)
    source = _source_or_explain(config, uid, contents, stop)
    try:
        runner = Runner(
            source,
            settings,
            config.kafka,
            contents,
            waiting,
            codec=new_codec(config.kafka),
        )
        if not once:
            runner.run()
        elif not runner.once() and not stop.is_set():
            return 1
    except PausedError as error:
        click.echo(runnable(str(error), config_path), err=True)
    except (SourceError, SinkError, CursorError, DeletedError) as error:
        raise click.ClickException(runnable(f"{uid}: {error}", config_path)) from error
    finally:
        source.close()
        contents.close()
    return 0


def _source_or_explain(config: "Config", uid: str, contents: "Contents", stop: threading.Event) -> "Source":
    from cli.parts.sources import open_source  # noqa: PLC0415 - as above

    try:
        state = config.state_dir / uid
        private_folder(state)
        return open_source(config.named(uid), contents, state, stop)
    except Exception as error:
        tell_failed(config, uid, f"{type(error).__name__}: {error}")
        raise


def tell_failed(config: "Config", uid: str, sentence: str) -> None:
    """Say on the status topic why a collector ends before it has begun: a monitor would see nothing else."""
    from producers.lanes import LIVE  # noqa: PLC0415 - as above
    from producers.lastword import last_word  # noqa: PLC0415
    from producers.status import LaneStatus  # noqa: PLC0415

    settings = config.named(uid)
    status = LaneStatus(
        settings,
        settings.kind,
        LIVE,
        lambda record: last_word(config.kafka, record),
        lambda: time.time_ns() // 1_000_000,
    )
    status.trouble("failed", sentence)
