"""`chatledger connector pause|resume|delete`: an administrator's orders for one connector."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, new_codec
from cli.words.advice import runnable
from cli.words.drifts import told
from cli.words.reach import kafka_trouble

if TYPE_CHECKING:
    from cli.parts.config import Config
    from producers.administer import Outcome
    from producers.orders import Ordered

PATIENCE_S = 60.0


@click.group()
def connector() -> None:
    """Pause, resume or delete a connector: what becomes of its lanes. Its collector heeds it within half a minute."""


@connector.command()
@click.argument("uid")
@config_option
def pause(uid: str, config_path: Path) -> None:
    """Close the live lane of connector UID. Its collector, if one runs, waits; health checks call it well."""
    outcome = _ordered(config_path, uid, "paused")
    said = f"{uid} is paused; {_reached(outcome)}. `chatledger connector resume {uid}` goes on from there"
    click.echo(runnable(said, config_path))


@connector.command()
@click.argument("uid")
@config_option
def resume(uid: str, config_path: Path) -> None:
    """Let connector UID go on from where it stopped; what the source still shows of the pause is collected."""
    outcome = _ordered(config_path, uid, "active")
    if outcome.before == "active":
        click.echo(f"{uid} was not paused")
    else:
        click.echo(f"{uid} goes on; {_reached(outcome)}")


@connector.command()
@click.argument("uid")
@config_option
@click.confirmation_option(
    prompt="A deleted connector never collects again, and its uid is used up. Delete it?"
)
def delete(uid: str, config_path: Path) -> None:
    """End connector UID for good: close its lanes, archive what is open, never let a collector start under this uid.

    What it has archived stays. Take its section out of the configuration afterwards; another connector to the same
    account gets a uid of its own.
    """
    outcome = _ordered(config_path, uid, "deleted")
    click.echo(f"{uid} is deleted; {_reached(outcome)}. Take its section out of the configuration")


def _ordered(config_path: Path, uid: str, what: "Ordered") -> "Outcome":
    from cli.parts.config import ConfigError  # noqa: PLC0415 - see cli.main
    from producers.administer import Administrator  # noqa: PLC0415
    from producers.cursor import CursorError  # noqa: PLC0415
    from producers.orders import OrderError  # noqa: PLC0415
    from producers.sink import SinkError  # noqa: PLC0415
    from producers.waiting import StoppedError, Waiting  # noqa: PLC0415

    config = load_config(config_path)
    _reach(config, config_path)
    stop = threading.Event()
    timer = threading.Timer(PATIENCE_S, stop.set)
    timer.daemon = True
    timer.start()
    try:
        settings = config.named(uid)
        codec = new_codec(config.kafka)
        return Administrator(settings, settings.kind, config.kafka, codec, Waiting(stop)).order(what)
    except StoppedError as error:
        msg = f"Kafka at {config.kafka.bootstrap} went away; nothing is certain, give the order again"
        raise click.ClickException(msg) from error
    except KafkaError as error:
        raise click.ClickException(kafka_trouble(config.kafka, error, config_path)) from error
    except (ConfigError, CursorError, OrderError, SinkError) as error:
        raise click.ClickException(runnable(str(error), config_path)) from error
    finally:
        timer.cancel()


def _reach(config: "Config", config_path: Path) -> None:
    """One short try before the order is given: what is there from the start is waited for, what is not is said."""
    from schemas.admin import check_topics  # noqa: PLC0415 - see cli.main

    try:
        drifts = check_topics(config.kafka)
    except KafkaError as error:
        sentence = kafka_trouble(config.kafka, error, config_path)
        raise click.ClickException(f"{sentence}; nothing was changed") from error
    missing = [one for one in drifts if one.setting == "existence"]  # other drifts are no reason not to pause
    if missing:
        lines = ["nothing was changed:", *told(missing, config_path)]
        raise click.ClickException("\n".join(lines))


def _reached(outcome: "Outcome") -> str:
    if outcome.captured_up_to_ms is None:
        return "nothing was collected yet"
    return f"collected up to {datetime.fromtimestamp(outcome.captured_up_to_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
