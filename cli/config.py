"""`chatledger config example|validate`."""

from importlib import resources
from pathlib import Path

import click

from cli.parts.common import config_option, load_config
from cli.words.advice import counted


@click.group()
def config() -> None:
    """The configuration file."""


@config.command()
@click.option("--sandbox", is_flag=True, help="One for a rehearsal with what `chatledger sandbox` simulates.")
def example(*, sandbox: bool) -> None:
    """Print a commented file to begin with."""
    name = "rehearsal.toml" if sandbox else "example.toml"
    click.echo(resources.files("cli").joinpath(name).read_text(encoding="utf-8"), nl=False)


@config.command()
@config_option
def validate(config_path: Path) -> None:
    """Check the file without connecting anywhere; names key and expected value of every fault."""
    found = load_config(config_path)
    count = counted(len(found.connector), "connector")
    click.echo(f"{config_path}: valid, {count}: {', '.join(c.uid for c in found.connector)}")
