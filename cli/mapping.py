"""`chatledger mapping template|check|apply`."""

import sys
from pathlib import Path

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, new_codec, sentence_errors
from cli.words.advice import counted
from cli.words.mapping import outside_words
from consumers.mapping import activate, is_bare, last_activated, load, outside
from consumers.mapping_file import NO_USERS, Fault, MappingError, check_csv, told
from schemas.mappings import HEADINGS
from stores.interface import StoreError


@click.group()
def mapping() -> None:
    """User mapping: which mailbox gets whose copies."""


@mapping.command()
def template() -> None:
    """Print an empty mapping file: Microsoft's headings, exactly."""
    click.echo(",".join(HEADINGS))


@mapping.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Name every faulty line of a mapping file; exit code 1 if there is one, or no user at all.

    A note is no fault: the same line twice, or a mailbox that is spelt in two ways.
    """
    checked = check_csv(file)
    if not checked.rows and not checked.faults:
        checked.faults.append(Fault(0, NO_USERS))
    for line in [*told(checked.faults, file), *(f"{note} (a note)" for note in told(checked.notes, file))]:
        click.echo(line)
    found = counted(len(checked.faults), "fault") if checked.faults else "no fault"
    lines, notes = counted(len(checked.rows), "line"), counted(len(checked.notes), "note")
    click.echo(f"{file}: {lines} can be used, {found} found, {notes}")
    sys.exit(1 if checked.faults else 0)


@mapping.command()
@click.option("--no-users", is_flag=True, help="Also a file with headings and nobody in it.")
@config_option
@sentence_errors(MappingError, KafkaError, LookupError, StoreError)
def apply(config_path: Path, *, no_users: bool) -> None:
    """Put the mapping of the configuration in force for all conversations that close from now on.

    A file with a fault, or with nobody in it where another is in force, changes nothing.
    """
    from stores.factory import open_store  # noqa: PLC0415 - see cli.main

    config = load_config(config_path)
    wanted = load(config.mapping)
    codec = new_codec(config.kafka)
    if is_bare(config.mapping, wanted) and not no_users:
        _demand_no_other(last_activated(config.kafka, codec), wanted["version"], config.mapping.file)
    strange = outside_words(outside(wanted))
    if strange:
        click.echo(f"! {strange}", err=True)
    changed = activate(config.kafka, codec, wanted, lambda: open_store(config.store))
    users, state = counted(len(wanted["rows"]), "user"), "is now" if changed else "was already"
    click.echo(f"mapping {wanted['version'][:12]} with {users} {state} in force")


def _demand_no_other(in_force: str | None, wanted: str, file: Path | None) -> None:
    if in_force not in {None, wanted}:
        raise MappingError(
            f"{file}: {NO_USERS} It would replace the mapping {(in_force or '')[:12]}; --no-users puts it in force all the same"
        )
