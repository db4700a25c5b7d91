"""`chatledger sandbox kafka|azurite|liveperson|webex`: everything that the demo starts, one by one."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from cli.parts.common import sentence_errors

DATA_OPTION = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=Path("sandbox-data/kafka"), show_default=True,
    help="Folder of the broker's data.",
)  # fmt: skip
PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}


@click.group()
def sandbox() -> None:
    """Local Kafka, Azurite and simulated chat sources; on loopback only."""


@sandbox.group()
def kafka() -> None:
    """One Apache Kafka broker with its data on disk, without Docker and without Java on the machine."""


@kafka.command()
@DATA_OPTION
@click.option("--port", type=int, help="Default: a free one, remembered for the next start.")
@sentence_errors(Exception)
def start(data: Path, port: int | None) -> None:
    """Start the broker and leave it running."""
    from sandbox.kafka import start_detached  # noqa: PLC0415 - see cli.main

    address = start_detached(data, port=port)
    click.echo(
        f"Apache Kafka {address.version} at {address.bootstrap}, process {address.pid}, data in {data}"
    )


@kafka.command()
@DATA_OPTION
def stop(data: Path) -> None:
    """Stop the broker."""
    from sandbox.kafka import stop as stop_broker  # noqa: PLC0415 - see cli.main

    click.echo("stopped" if stop_broker(data) else f"no broker runs on {data}")


@kafka.command()
@DATA_OPTION
@click.option("--json", "as_json", is_flag=True)
def status(data: Path, *, as_json: bool) -> None:
    """Whether the broker runs, and where; exit code 1 if not."""
    from sandbox.kafka import status as broker_status  # noqa: PLC0415 - see cli.main

    found = broker_status(data)
    if as_json:
        click.echo(json.dumps(asdict(found), default=str))
    elif found.address is not None and found.running:
        click.echo(
            f"running: Apache Kafka {found.address.version} at {found.address.bootstrap}, {found.disk_bytes:,} bytes on disk"
        )
    else:
        click.echo(f"not running, {found.disk_bytes:,} bytes on disk")
    sys.exit(0 if found.running else 1)


@sandbox.command(context_settings=PASS_ON)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def liveperson(options: tuple[str, ...]) -> None:
    """A simulated LivePerson account; `--help` lists its options (--port, --faults, --scale, --ledger, ...)."""
    from sandbox.liveperson.__main__ import main  # noqa: PLC0415 - see cli.main

    sys.argv = ["chatledger sandbox liveperson", *options]
    main()


@sandbox.command(context_settings=PASS_ON)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def webex(options: tuple[str, ...]) -> None:
    """A simulated Webex organisation; `--help` lists its options (--port, --faults, --scale, --ledger, ...)."""
    from sandbox.webex.__main__ import main  # noqa: PLC0415 - see cli.main

    sys.argv = ["chatledger sandbox webex", *options]
    main()


@sandbox.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("sandbox-data/azurite"),
    show_default=True,
)
@click.option("--port", type=int, help="Default: a free one, remembered for the next start.")
@sentence_errors(Exception)
def azurite(data: Path, port: int | None) -> None:
    """A local Azurite (Azure Blob Storage's emulator) until Ctrl-C; prints its connection string."""
    import signal  # noqa: PLC0415 - see cli.main

    from sandbox.azurite import Azurite  # noqa: PLC0415

    with Azurite(data, port=port) as server:
        click.echo(server.connection_string)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
