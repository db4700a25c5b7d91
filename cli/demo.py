"""`chatledger demo`: the whole job on simulated chats."""

from pathlib import Path

import click

from cli.parts.common import sentence_errors

FOLDER = Path("demo")


@click.command()
@click.option("--store", type=click.Choice(["folder", "azurite"]), default="folder", show_default=True)
@click.option(
    "--scale",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="So many times more generated chats.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER,
    show_default=True,
    help="Everything goes there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary document alone.")
@click.option("--keep", is_flag=True, help="Leave everything running until Ctrl-C.")
@sentence_errors(RuntimeError, OSError)
def demo(store: str, scale: int, folder: Path, *, as_json: bool, keep: bool) -> None:
    """Start Kafka and two simulated chat sources, play a week of chats, archive them, show what came of it.

    Needs no account, no Docker and no Java. Run it again over its own output: nothing is added, and it says so.
    """
    from cli.demonstration.job import run_demo  # noqa: PLC0415 - see cli.main

    where = folder if store == "folder" else folder / "azurite-store"
    run_demo(where, "azurite" if store == "azurite" else "folder", scale=scale, as_json=as_json, keep=keep)
