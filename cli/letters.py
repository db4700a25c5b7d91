"""`chatledger letters list|show|redrive|settle`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, new_codec, sentence_errors
from cli.parts.dead_letters import checked, fetching, letters_of
from cli.words.advice import counted, runnable
from consumers.letters.book import LetterError

if TYPE_CHECKING:
    from cli.parts.config import Config
    from consumers.letters.book import Letter

ERRORS = (LetterError, KafkaError, LookupError, OSError)
STAGES = ("collect", "assemble", "archive", "render", "route", "store")
"""The last three are of an earlier version, whose letters are still there."""
by_option = click.option("--by", required=True, help="Who decides it.")
reason_option = click.option("--reason", required=True, help="Why; stands in the evidence for ever.")


@click.group()
def letters() -> None:
    """What could not be processed, with its original bytes: look at it, put it in again, or note that it is dealt with.

    ORIGIN is what `list` shows after the stage, or the beginning of the letter's id before it.
    """


@letters.command("list")
@click.option("--connector", help="Only letters of this connector.")
@click.option("--stage", type=click.Choice([*STAGES, "unknown"]), help="Only letters of this stage.")
@click.option("--open", "only_open", is_flag=True, help="Only those that nobody has dealt with.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@config_option
@sentence_errors(*ERRORS)
def list_(
    connector: str | None, stage: str | None, config_path: Path, *, only_open: bool, as_json: bool
) -> None:
    """Every dead letter: when, in which stage, where from, why, how large, and what was done about it."""
    from cli.words.letters import as_dict, as_lines  # noqa: PLC0415 - see cli.main

    found = [
        one
        for one in letters_of(load_config(config_path)).letters()
        if connector in {None, one.connector}
        and stage in {None, one.said["stage"]}
        and (one.is_open or not only_open)
    ]
    if as_json:
        click.echo(json.dumps([as_dict(one) for one in found], indent=2, ensure_ascii=False))
        return
    for one in found:
        click.echo("\n".join(as_lines(one)))
    left = sum(one.is_open for one in found)
    click.echo(f"{counted(len(found), 'dead letter')}, {left:,} open" if found else "no dead letters")


@letters.command()
@click.argument("origin")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the original bytes to this file, which must be new."
)
@config_option
@sentence_errors(*ERRORS)
def show(origin: str, out: Path | None, config_path: Path) -> None:
    """All that is known of one letter; with --out its bytes, exactly as they were refused."""
    from cli.words.letters import as_page  # noqa: PLC0415 - see cli.main

    config = load_config(config_path)
    letter = letters_of(config).find(origin)
    click.echo("\n".join(as_page(letter)))
    if out is not None:
        with fetching(config) as bytes_:
            body = bytes_.of(letter)
        with out.open("xb") as file:
            file.write(body)
        click.echo(f"{counted(letter.size, 'byte')} written to {out}")


@letters.command()
@click.argument("origins", nargs=-1, metavar="ORIGIN...")
@click.option("--all-of", "stage", type=click.Choice(STAGES), help="Every open letter of this stage instead.")
@reason_option
@by_option
@click.option("--again", is_flag=True, help="Also a letter that was redriven or settled before.")
@config_option
@sentence_errors(*ERRORS)
def redrive(
    origins: tuple[str, ...], stage: str | None, reason: str, by: str, config_path: Path, *, again: bool
) -> None:
    """Put refused records in again, where they stood: same topic, partition, key and bytes, so events keep their ids.

    What was archived meanwhile vanishes by its id. Nothing is put in if one of the letters named can't be; with --all-of those
    that can't be are told and left, and the exit code is 1.
    """
    from consumers.letters.acting import redrive as put_in  # noqa: PLC0415 - see cli.main

    if bool(origins) == bool(stage) or (stage and again):
        raise click.UsageError("name an ORIGIN, or --all-of a stage (its open letters)")
    config = load_config(config_path)
    wanted, left = _wanted(config, origins, stage, again=again)
    codec, done = new_codec(config.kafka), 0
    with fetching(config) as bytes_:
        for letter, place in put_in(config.kafka, codec, wanted, bytes_, by=by, reason=reason):
            click.echo(f"{letter.name[:8]}  {letter.said['origin']} -> {place}")
            done += 1
    for sentence in left:
        click.echo(f"! {runnable(sentence, config_path)}", err=True)
    click.echo(f"{counted(done, 'record')} put in again" + (f", {len(left):,} left" if left else ""))
    sys.exit(1 if left else 0)


def _wanted(
    config: "Config", origins: tuple[str, ...], stage: str | None, *, again: bool
) -> "tuple[list[Letter], list[str]]":
    """Letters that may be put in again, and a sentence for each that may not; LetterError if such a one was named."""
    book = letters_of(config)
    if stage is None:
        named = {letter.name: letter for letter in map(book.find, origins)}
        chosen = list(named.values())
    else:
        chosen = [one for one in book.letters() if one.is_open and one.said["stage"] == stage]
    good, left = checked(config, chosen, again=again)
    if origins and left:
        raise LetterError(f"nothing was put in again: {left[0]}")
    return good, left


@letters.command()
@click.argument("origins", nargs=-1, required=True, metavar="ORIGIN...")
@reason_option
@by_option
@config_option
@sentence_errors(*ERRORS)
def settle(origins: tuple[str, ...], reason: str, by: str, config_path: Path) -> None:
    """Note that letters are dealt with: `status` and `run --once` count them as open no more."""
    from consumers.letters.acting import settle as note  # noqa: PLC0415 - see cli.main

    config = load_config(config_path)
    book = letters_of(config)
    found = list({letter.name: letter for letter in map(book.find, origins)}.values())
    note(config.kafka, new_codec(config.kafka), found, by=by, reason=reason)
    click.echo(f"{counted(len(found), 'dead letter')} settled")
