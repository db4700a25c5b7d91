"""`chatledger mapping template|check|apply`."""

from pathlib import Path

import click
from kafka.errors import KafkaError

from cli.common import config_option, load_config, new_codec, sentence_errors
from consumers.mapping import HEADINGS, MappingError, activate, load, read_csv


@click.group()
def mapping() -> None:
    """User mapping: which mailbox gets whose copies."""


@mapping.command()
def template() -> None:
    """Print an empty mapping file: Microsoft's headings, exactly."""
    click.echo(",".join(HEADINGS))


@mapping.command()
@click.argument("file", type=click.Path(path_type=Path))
@sentence_errors(MappingError)
def check(file: Path) -> None:
    """Say what is wrong with a mapping file, with line numbers."""
    rows = read_csv(file)
    click.echo(f"{file}: {len(rows)} users, no fault found")


@mapping.command()
@config_option
@sentence_errors(MappingError, KafkaError, LookupError)
def apply(config_path: Path) -> None:
    """Put the mapping of the configuration in force for all mails from now on."""
    config = load_config(config_path)
    wanted = load(config.mapping)
    changed = activate(config.kafka, new_codec(config.kafka), wanted)
    click.echo(
        f"mapping {wanted['version'][:12]} with {len(wanted['rows'])} users {'is now' if changed else 'was already'} in force"
    )
