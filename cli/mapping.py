"""`chatledger mapping template|check|apply`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, new_codec, sentence_errors
from cli.words.advice import counted
from cli.words.mapping import outside_words
from consumers.mapping import activate, is_bare, last_activated, load, outside
from consumers.mapping_file import NO_USERS, Fault, MappingError, check_csv, told
from schemas.mappings import HEADINGS
from stores.interface import StoreError

if TYPE_CHECKING:
    from cli.parts.config import Config


@click.group()
def mapping() -> None:
    """User mapping: which mailbox gets whose copies."""


@mapping.command()
def template() -> None:
    """Print an empty mapping file: Microsoft's headings, exactly."""
    click.echo(",".join(HEADINGS))


file_argument = click.argument("file", required=False, type=click.Path(path_type=Path))


@mapping.command()
@file_argument
@config_option
@sentence_errors(MappingError)
def check(file: Path | None, config_path: Path) -> None:
    """Name every faulty line of a mapping file; exit code 1 if there is one, or no user at all.

    FILE is by default that of the configuration (mapping.file); where it is given, no configuration is needed. A note is no
    fault: the same line twice, or a mailbox that is spelt in two ways.
    """
    path = file or _configured(load_config(config_path), config_path)
    checked = check_csv(path)
    if not checked.rows and not checked.faults:
        checked.faults.append(Fault(0, NO_USERS))
    for line in [*told(checked.faults, path), *(f"{note} (a note)" for note in told(checked.notes, path))]:
        click.echo(line)
    found = counted(len(checked.faults), "fault") if checked.faults else "no fault"
    lines, notes = counted(len(checked.rows), "line"), counted(len(checked.notes), "note")
    click.echo(f"{path}: {lines} can be used, {found} found, {notes}")
    sys.exit(1 if checked.faults else 0)


@mapping.command()
@file_argument
@click.option("--no-users", is_flag=True, help="Also a file with headings and nobody in it.")
@config_option
@sentence_errors(MappingError, KafkaError, LookupError, StoreError)
def apply(file: Path | None, config_path: Path, *, no_users: bool) -> None:
    """Put the mapping of the configuration in force for all conversations that close from now on.

    FILE may be given as to `mapping check`, and has to be that of the configuration (mapping.file): the next start of `run`
    would put that one in force. A file with a fault, or with nobody in it where another is in force, changes nothing.
    """
    from stores.factory import open_store  # noqa: PLC0415 - see cli.main

    config = load_config(config_path)
    _demand_configured(file, config, config_path)
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


def _configured(config: "Config", config_path: Path) -> Path:
    if config.mapping.file is None:
        raise MappingError(f"{config_path} has no mapping.file; name the file to check, or put it there")
    return config.mapping.file


def _demand_configured(file: Path | None, config: "Config", config_path: Path) -> None:
    if file is not None and (config.mapping.file is None or file.resolve() != config.mapping.file.resolve()):
        there = config.mapping.file or "none"
        raise MappingError(
            f"{file} is not mapping.file of {config_path}, which is {there}: name it there first, or the next start would put "
            "that one in force; nothing was changed"
        )


def _demand_no_other(in_force: str | None, wanted: str, file: Path | None) -> None:
    if in_force not in {None, wanted}:
        raise MappingError(
            f"{file}: {NO_USERS} It would replace the mapping {(in_force or '')[:12]}; --no-users puts it in force all the same"
        )
