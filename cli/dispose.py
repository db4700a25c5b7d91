"""`chatledger dispose order|due|finish|again|mailboxes|list`."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, new_codec, sentence_errors
from cli.parts.disposing import (
    alone,
    books_of,
    carried_out,
    demand_free,
    demand_known,
    foretold,
    in_mailboxes,
    shown,
    with_means,
)
from cli.words.advice import counted
from cli.words.disposal import before, imported_text, strays
from consumers.disposition.books import DispositionError
from stores.interface import StoreError

if TYPE_CHECKING:
    from cli.parts.config import Config
    from consumers.disposition.books import Books
    from consumers.disposition.job import Means
    from producers.settings import ConnectorBase

ERRORS = (DispositionError, StoreError, KafkaError, LookupError, OSError, sqlite3.OperationalError)
dry_run = click.option("--dry-run", is_flag=True, help="Show what would be removed, and order nothing.")
patience = click.option(
    "--patience", type=click.FloatRange(1), default=120.0, show_default=True,
    help="Seconds to wait for workers that do not move.",
)  # fmt: skip


@click.group()
def dispose() -> None:
    """Let conversations leave archive, content store and replay, on record: who ordered it, when and why.

    The bytes stay in raw-events, which only grows (docs/operations.md). What a legal hold names is refused.
    """


@dispose.command()
@click.option("--connector", "uid", required=True, help="Uid of the connector.")
@click.option(
    "--conversation",
    required=True,
    help="Id of the conversation or space: header X-Chatledger-Conversation-Id of its mails.",
)
@click.option("--slice", "label", help="This slice of it alone: a day (Webex) or a period (LivePerson).")
@click.option("--by", required=True, help="Who orders it.")
@click.option("--reason", required=True, help="Why; stands in the evidence for ever.")
@click.option("--unknown-too", is_flag=True, help="Also what nothing is known of.")
@patience
@config_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run
@sentence_errors(*ERRORS)
def order(
    uid: str, conversation: str, label: str | None, by: str, reason: str, patience: float, config_path: Path, *,
    unknown_too: bool, yes: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Dispose of a conversation, as far as it is captured now: an erasure order.

    Shows first what the archive has of it, and what is on hold; under a hold it ends there.
    What is captured and not archived yet is disposed of too.
    """
    from consumers.disposition.giving import give  # noqa: PLC0415 - see cli.main
    from schemas.dispositions import Scope  # noqa: PLC0415

    config, scope = load_config(config_path), Scope(uid, conversation, label)
    if not unknown_too:
        demand_known(config, uid, conversation)
    if dry_run or not yes:
        with alone(config):
            goes, stays = foretold(config, scope)
        click.echo(before(goes, stays, books_of(config).stopping(scope)))
    if dry_run:
        return
    demand_free(config, scope)
    if not yes:
        click.confirm(
            "What is disposed of can't be brought back from the archive. Dispose of it?", abort=True
        )
    with alone(config):
        given = give(config.kafka, new_codec(config.kafka), scope, by=by, reason=reason)
        click.echo(carried_out(config, given, patience))


@dispose.command()
@click.option("--by", default="retention", show_default=True, help="Who orders it.")
@patience
@config_option
@dry_run
@sentence_errors(*ERRORS)
def due(by: str, patience: float, config_path: Path, *, dry_run: bool) -> None:
    """Dispose of what is past its `retention_days`, connector by connector; what is on hold stays.

    Looks first whether something stands again of what was disposed of in the last week, or since.
    """
    config = load_config(config_path)
    with alone(config):
        if not dry_run:
            removed = with_means(config, patience, partial(_again, everything=False))
            if removed:
                click.echo(removed)
        books = books_of(config)
        for one in config.connector:
            click.echo(f"{one.uid}: {_due(config, one, books, by, patience, dry_run=dry_run)}")


def _due(
    config: "Config", one: "ConnectorBase", books: "Books", by: str, patience: float, *, dry_run: bool
) -> str:
    from consumers.disposition.giving import give  # noqa: PLC0415 - see cli.main
    from consumers.disposition.retention import due as past_term  # noqa: PLC0415

    if one.retention_days is None:
        return "no retention_days, everything is kept"
    term = counted(one.retention_days, "day")
    scope = past_term(
        one.uid, timedelta(days=one.retention_days), one.collect.since, books, datetime.now(UTC)
    )
    if scope is None:
        return "on hold, everything is kept"
    goes, stays = foretold(config, replace(scope, excluded=frozenset()), scope.excluded, past_only=True)
    if dry_run:
        return before(goes, stays)
    if not goes.mails:
        return f"nothing is past {term}"
    given = give(config.kafka, new_codec(config.kafka), scope, by=by, reason=f"retention of {term} is over")
    return carried_out(config, given, patience)


@dispose.command()
@patience
@config_option
@sentence_errors(*ERRORS)
def finish(patience: float, config_path: Path) -> None:
    """Carry out what is left of orders that were interrupted."""
    config = load_config(config_path)
    with alone(config):
        left = [one for one in books_of(config).orders.values() if one.is_open]
        stopped = []
        for one in left:
            try:
                click.echo(carried_out(config, one, patience))
            except DispositionError as error:
                stopped.append(f"order {one.name[:8]}: {error}")
    if stopped:
        raise DispositionError("\n".join(stopped))
    if not left:
        click.echo("no order is left to finish")


@dispose.command()
@config_option
@sentence_errors(*ERRORS)
def again(config_path: Path) -> None:
    """Remove what stands again of what was disposed of: after a restored backup, or a replay that began before the order."""
    config = load_config(config_path)
    with alone(config):
        click.echo(with_means(config, 1.0, partial(_again, everything=True)))


async def _again(means: "Means", *, everything: bool) -> str:
    from consumers.disposition.job import again as once_more  # noqa: PLC0415 - see cli.main

    done = await once_more(means, everything=everything)
    if not everything and not any((done.mails, done.copies, done.files, done.replayed)):
        return ""
    return strays(done.mails, done.copies, done.files, done.replayed)


@dispose.command()
@click.option("--json", "as_json", is_flag=True, help="Print them as one JSON document.")
@config_option
@sentence_errors(*ERRORS)
def mailboxes(config_path: Path, *, as_json: bool) -> None:
    """List the imported copies of what was disposed of: who administers the mailboxes has to remove them there."""
    from consumers.disposition.filling import fill  # noqa: PLC0415 - see cli.main
    from consumers.disposition.index import Index  # noqa: PLC0415

    async def work(means: "Means") -> str:
        with Index(means.index) as index:
            await fill(index, means.kafka, means.codec, means.store)
        return imported_text(in_mailboxes(means), as_json=as_json)

    config = load_config(config_path)
    with alone(config):
        click.echo(with_means(config, 1.0, work))


@dispose.command("list")
@config_option
@sentence_errors(*ERRORS)
def list_(config_path: Path) -> None:
    """Every order: when, what, by whom, why, and how much left the archive."""
    lines = [shown(one) for one in books_of(load_config(config_path)).orders.values()]
    click.echo("\n".join(lines) or "no order was ever given")
