"""`chatledger login`: the one-time consent of a Webex compliance officer."""

import webbrowser
from pathlib import Path

import click

from cli.parts.common import config_option, load_config, sentence_errors
from producers.source import SourceError


@click.command()
@click.argument("connector")
@config_option
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@sentence_errors(SourceError)
def login(connector: str, config_path: Path, *, no_browser: bool) -> None:
    """Sign in at Webex for CONNECTOR (its uid) as a compliance officer; tokens go to its token_file, mode 0600."""
    from cli.parts.config import ConfigError  # noqa: PLC0415 - see cli.main
    from cli.parts.sources import sign_in  # noqa: PLC0415

    try:
        settings = load_config(config_path).named(connector)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error

    def show(address: str) -> None:
        click.echo(f"open this address as a compliance officer:\n{address}")
        if not no_browser:
            webbrowser.open(address)

    done = sign_in(settings, show)
    if done is None:
        raise click.ClickException(
            f"{connector} is a {settings.kind} connector; its keys stand in the configuration, it needs no login"
        )
    click.echo(done)
