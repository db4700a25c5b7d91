"""`chatledger login`: the one-time consent of a Webex compliance officer."""

import socket
import webbrowser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click

from cli.parts.common import config_option, load_config, sentence_errors
from producers.source import SourceError


@click.command()
@click.argument("connector")
@config_option
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@sentence_errors(SourceError)
def login(connector: str, config_path: Path, *, no_browser: bool) -> None:
    """Sign in at Webex for CONNECTOR (its uid) as a compliance officer; tokens go to its token_file, mode 0600.

    Where this machine has no browser: --no-browser, and the address in a browser elsewhere whose way back is tunnelled
    to this machine with `ssh -L`.
    """
    from cli.parts.config import ConfigError  # noqa: PLC0415 - see cli.main
    from cli.parts.sources import sign_in  # noqa: PLC0415

    try:
        settings = load_config(config_path).named(connector)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error

    def show(address: str) -> None:
        click.echo(f"open this address as a compliance officer:\n{address}")
        if no_browser or not webbrowser.open(address):
            click.echo(elsewhere(address, failed=not no_browser), err=True)

    done = sign_in(settings, show)
    if done is None:
        raise click.ClickException(
            f"{connector} is a {settings.kind} connector; its keys stand in the configuration, it needs no login"
        )
    click.echo(done)


def elsewhere(address: str, *, failed: bool) -> str:
    """How to consent in a browser of another machine: Webex sends it back to a port that listens here."""
    back = urlsplit(parse_qs(urlsplit(address).query).get("redirect_uri", [""])[0])
    trouble = "no browser could be opened here; " if failed else ""
    return (
        f"{trouble}waiting for five minutes. Open the address in a browser of this machine, or on another one run first"
        f" `ssh -L {back.port}:127.0.0.1:{back.port} {socket.gethostname()}` and open it there: Webex sends the browser to"
        f" {back.hostname}:{back.port}, and the tunnel brings that here"
    )
