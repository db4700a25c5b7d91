"""`chatledger import`: puts stored copies into mailboxes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import click

from cli.parts.common import (
    config_option,
    load_config,
    log_option,
    log_to_stderr,
    new_codec,
    sentence_errors,
    sentence_of,
    stop_event,
)
from stores.interface import StoreError

NOT_CONFIGURED = "the configuration has no section [import]; docs/compliance.md has one for Exchange Online"


@click.command(name="import")
@config_option
@log_option
@click.option("--with-parent", is_flag=True, hidden=True)
@sentence_errors(StoreError, ValueError, OSError, sqlite3.OperationalError)
def import_(config_path: Path, log_level: str, *, with_parent: bool) -> None:
    """Put each stored copy into its mailbox, once, with a receipt in topic imports, until SIGTERM.

    A mailbox that refuses waits by itself and is tried again; `chatledger status` names it.
    """
    from cli.parts.ready import ready_or_explain  # noqa: PLC0415 - see cli.main
    from consumers.importing.importer import Importer  # noqa: PLC0415
    from consumers.importing.opening import open_attempts, open_target  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    config = load_config(config_path)
    log_to_stderr(log_level)
    if config.import_ is None:
        raise click.ClickException(NOT_CONFIGURED)
    stop = stop_event(with_parent=with_parent)
    codec = new_codec(config.kafka)
    ready_or_explain(config, codec, config_path)
    folder = config.state_dir / "import"
    target = open_target(config.import_)
    copies, attempts = open_attempts(config.import_, lambda: open_store(config.store), folder)
    names = {one.uid: (one.name, one.kind) for one in config.connector}
    with closing(copies):
        Importer(
            config.kafka, codec, config.import_, target, attempts.once, folder, names,
            explain=lambda error: sentence_of(error, config_path),
        ).run(stop)  # fmt: skip
