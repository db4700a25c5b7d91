"""`chatledger health collector|worker|importer|monitor|evidence`: does the process beside this one do its work? For containers.

Nothing is asked of the process itself: what counts is what Kafka knows of it. Exit code 0: well; 1: one sentence says why not.
"""

import gc
import socket
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_excerpt, sentence_errors
from cli.parts.excerpt import ConfigError
from cli.words.advice import runnable

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.broker import KafkaSettings

MOVE_SECONDS = 3.0


def _silent_after(meaning: str) -> "Callable[[Callable[..., None]], Callable[..., None]]":
    return click.option("--silent-after", type=float, default=300.0, show_default=True, help=meaning)


@click.group()
def health() -> None:
    """Is a collector, worker, importer, monitor or closer of evidence well? Exit code 1 and a sentence if not."""
    gc.disable()  # it ends in a moment, and its processor time is taken from those whom it watches


@health.command()
@click.argument("connector")
@config_option
@_silent_after("Longest silence beyond the pause between polls, or since it stopped, s.")
@sentence_errors(ConfigError, KafkaError, OSError, LookupError)
def collector(connector: str, config_path: Path, silent_after: float) -> None:
    """CONNECTOR (its uid) reports on the status topic, and neither waits for a dependency nor was refused.

    One that was paused or deleted is well, one that stopped is not for long.
    """
    from consumers.status import read_status, unwell, views  # noqa: PLC0415 - see cli.main

    config = load_excerpt(config_path)
    longest_s = silent_after + config.poll_seconds(connector)
    found = views(read_status(config.kafka))
    reasons = unwell(
        found, now_ms=int(time.time() * 1000), silent_ms={connector: round(longest_s * 1000)},
        stopped_ms=round(silent_after * 1000),
    )  # fmt: skip
    _end(reasons, config_path)


@health.command()
@config_option
@sentence_errors(ConfigError, KafkaError, OSError, LookupError)
def worker(config_path: Path) -> None:
    """Kafka counts a worker of this host among the group's members: it joined, and its heartbeats come in time.

    A worker that has partitions and does not move ends by itself, so membership is enough. The broker must see this
    host under its own address, as in one container network.
    """
    config = load_excerpt(config_path)
    _end(_absent(config.kafka, config.worker.group), config_path)


@health.command()
@config_option
@sentence_errors(ConfigError, KafkaError, OSError, LookupError)
def importer(config_path: Path) -> None:
    """Kafka counts an importer of this host among the group's members. Mailboxes that refuse are a matter of `status`."""
    from cli.import_ import NOT_CONFIGURED  # noqa: PLC0415 - see cli.main

    config = load_excerpt(config_path)
    reasons = [NOT_CONFIGURED] if config.import_ is None else _absent(config.kafka, config.import_.group)
    _end(reasons, config_path)


def _absent(kafka: "KafkaSettings", group: str) -> list[str]:
    """A reason where no member of the group is on this host."""
    from consumers.drain import group_members  # noqa: PLC0415 - see cli.main

    own, hosts = _own_address(kafka.bootstrap), member_hosts(group_members(kafka, group))
    if own in hosts:
        return []
    return [f"group {kafka.topic_prefix + group} has no member at {own}; it has {sorted(hosts) or 'none'}"]


@health.command()
@config_option
@sentence_errors(ConfigError, KafkaError, OSError, LookupError, sqlite3.Error)
def monitor(config_path: Path) -> None:
    """The monitor has counted the ledger to its end, or gets on with it while this command looks."""
    from consumers.tally import positions_in  # noqa: PLC0415 - see cli.main

    config = load_excerpt(config_path)
    path = config.state_dir / "monitor.sqlite"
    if not path.exists():
        _end([f"there is no {path}: the monitor has never started here"], config_path)
    _end(_behind(lambda: positions_in(path), _ends(config.kafka)), config_path)


@health.command()
@config_option
@_silent_after("Longest silence, or since it stopped, s.")
@sentence_errors(ConfigError, KafkaError, OSError, LookupError)
def evidence(config_path: Path, silent_after: float) -> None:
    """Whoever closes manifests reports on the status topic, and could close when it last tried.

    While it fails it tries every 15 minutes, which is no silence.
    """
    from cli.parts.evidence import key_file_of  # noqa: PLC0415 - see cli.main
    from consumers.evidence.telling import evidence_unwell, evidence_view  # noqa: PLC0415
    from consumers.status import read_status  # noqa: PLC0415

    config = load_excerpt(config_path)
    key_file_of(config)
    now_ms, longest_ms = int(time.time() * 1000), round(silent_after * 1000)
    view = evidence_view(read_status(config.kafka), now_ms)
    _end(evidence_unwell(view, now_ms, silent_ms=longest_ms, stopped_ms=longest_ms), config_path)


def member_hosts(members: "list[dict[str, Any]]") -> set[str]:
    """Addresses of a group's members; Kafka writes them with a slash before."""
    return {str(member["client_host"]).lstrip("/") for member in members}


def _behind(counted: "Callable[[], dict[int, int]]", ends: dict[int, int]) -> list[str]:
    """Reasons why the monitor is unwell: it is behind and stays there."""
    first = counted()
    deadline = time.monotonic() + MOVE_SECONDS
    while (now := counted()) == first and any(now.get(number, 0) < end for number, end in ends.items()):
        if time.monotonic() > deadline:
            waiting = sum(max(0, end - now.get(number, 0)) for number, end in ends.items())
            if waiting == 1:
                return [f"1 delivery is not counted, and nothing moved for {MOVE_SECONDS:.0f} s"]
            return [f"{waiting} deliveries are not counted, and nothing moved for {MOVE_SECONDS:.0f} s"]
        time.sleep(0.2)
    return []


def _ends(kafka: "KafkaSettings") -> dict[int, int]:
    from contextlib import closing  # noqa: PLC0415 - see cli.main

    from consumers.reading import Reader  # noqa: PLC0415 - as above
    from schemas.topics import DELIVERIES  # noqa: PLC0415

    with closing(Reader(kafka, DELIVERIES)) as reader:
        return reader.ends()


def _own_address(bootstrap: str) -> str:
    """The address under which the first broker that answers sees us."""
    for place in bootstrap.split(","):
        host, _, port = place.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=3) as connection:
                return str(connection.getsockname()[0])
        except OSError:
            continue
    msg = f"no broker of {bootstrap} can be reached"
    raise ConnectionError(msg)


def _end(reasons: list[str], config_path: Path) -> None:
    for reason in reasons:
        click.echo(runnable(reason, config_path), err=True)
    sys.exit(1 if reasons else 0)
