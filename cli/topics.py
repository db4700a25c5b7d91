"""`chatledger topics create|check|cat`."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, new_codec, sentence_errors


@click.group()
def topics() -> None:
    """Create, check and read the topics of the catalogue."""


@topics.command()
@config_option
@sentence_errors(KafkaError)
def create(config_path: Path) -> None:
    """Create every topic that is missing; what exists stays as it is."""
    from schemas.admin import create_topics  # noqa: PLC0415 - see cli.main

    made = create_topics(load_config(config_path).kafka)
    click.echo("\n".join(f"created {name}" for name in made) or "all topics exist")


@topics.command()
@config_option
@sentence_errors(KafkaError)
def check(config_path: Path) -> None:
    """Compare the cluster with the catalogue; exit code 1 and advice where they differ."""
    from cli.words.drifts import told  # noqa: PLC0415 - see cli.main
    from schemas.admin import check_topics  # noqa: PLC0415

    drifts = check_topics(load_config(config_path).kafka)
    if drifts:
        click.echo("\n".join(told(drifts, config_path)))
        sys.exit(1)
    click.echo("all topics are as in the catalogue")


@topics.command()
@click.argument("topic")
@config_option
@sentence_errors(KafkaError, LookupError)
def cat(topic: str, config_path: Path) -> None:
    """Print every record of a topic as one JSON line: partition, offset, time, key, record, value."""
    from consumers.reading import read_all  # noqa: PLC0415 - see cli.main
    from schemas.topics import CATALOGUE  # noqa: PLC0415

    config = load_config(config_path)
    known = {entry.name: entry for entry in CATALOGUE}
    if topic not in known:
        raise click.ClickException(f"no topic {topic}; there are {', '.join(known)}")
    codec = new_codec(config.kafka)
    for record in read_all(config.kafka, known[topic]):
        line = {
            "partition": record.partition, "offset": record.offset, "at_ms": record.at_ms,
            "key": None if record.key is None else record.key.decode(errors="replace"), **_shown(codec, record.value),
        }  # fmt: skip
        click.echo(json.dumps(line, ensure_ascii=False, default=_bytes))


def _shown(codec: Any, value: bytes | None) -> dict[str, Any]:
    if value is None:
        return {"record": None, "value": None}
    try:
        if value[:1] == b"{":
            return {"record": "JSON", "value": json.loads(value)}
        name, decoded = codec.decode(value)
    except ValueError as error:
        return {"record": None, "value": value.hex(), "error": str(error)}
    return {"record": name, "value": decoded}


def _bytes(value: object) -> str:
    """Ids and hashes as hex; what is text as text."""
    if not isinstance(value, bytes):
        raise TypeError(type(value))
    if len(value) not in {16, 32}:
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass
    return value.hex()
