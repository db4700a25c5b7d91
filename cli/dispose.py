"""`chatledger dispose order|due|finish|again|list`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, new_codec, sentence_errors
from cli.parts.disposing import books_of, carried_out, demand_known, shown, with_means
from cli.words.advice import counted
from consumers.disposition.books import DispositionError
from stores.interface import StoreError

ERRORS = (DispositionError, StoreError, KafkaError, LookupError)
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
    "--conversation", required=True, help="Id of the conversation or space, as `replay` and `log` show it."
)
@click.option("--slice", "label", help="This slice of it alone: a day (Webex) or a period (LivePerson).")
@click.option("--by", required=True, help="Who orders it.")
@click.option("--reason", required=True, help="Why; stands in the evidence for ever.")
@click.option("--unknown-too", is_flag=True, help="Also what nothing is known of.")
@patience
@config_option
@click.confirmation_option(
    prompt="What is disposed of can't be brought back from the archive. Dispose of it?"
)
@sentence_errors(*ERRORS)
def order(
    uid: str, conversation: str, label: str | None, by: str, reason: str, patience: float, config_path: Path, *,
    unknown_too: bool,
) -> None:  # fmt: skip
    """Dispose of a conversation, as far as it is captured now: an erasure order."""
    from consumers.disposition.giving import give  # noqa: PLC0415 - see cli.main
    from schemas.dispositions import Scope  # noqa: PLC0415

    config = load_config(config_path)
    if not unknown_too:
        demand_known(config, uid, conversation)
    given = give(config.kafka, new_codec(config.kafka), Scope(uid, conversation, label), by=by, reason=reason)
    click.echo(carried_out(config, given, patience))


@dispose.command()
@click.option("--by", default="retention", show_default=True, help="Who orders it.")
@patience
@config_option
@sentence_errors(*ERRORS)
def due(by: str, patience: float, config_path: Path) -> None:
    """Dispose of what is past its `retention_days`, connector by connector; what is on hold stays."""
    from consumers.disposition.giving import give  # noqa: PLC0415 - see cli.main
    from consumers.disposition.removing import is_due  # noqa: PLC0415
    from consumers.disposition.retention import due as past_term  # noqa: PLC0415

    config = load_config(config_path)
    codec, books = new_codec(config.kafka), books_of(config)
    gone = {mail for known in books.orders.values() for mail in known.mails}
    for one in config.connector:
        if one.retention_days is None:
            click.echo(f"{one.uid}: no retention_days, everything is kept")
            continue
        scope = past_term(
            one.uid, timedelta(days=one.retention_days), one.collect.since, books, datetime.now(UTC)
        )
        if scope is None:
            click.echo(f"{one.uid}: on hold, everything is kept")
        elif not is_due(config.kafka, codec, scope, gone):
            click.echo(f"{one.uid}: nothing is past {counted(one.retention_days, 'day')}")
        else:
            reason = f"retention of {counted(one.retention_days, 'day')} is over"
            click.echo(
                f"{one.uid}: {carried_out(config, give(config.kafka, codec, scope, by=by, reason=reason), patience)}"
            )


@dispose.command()
@patience
@config_option
@sentence_errors(*ERRORS)
def finish(patience: float, config_path: Path) -> None:
    """Carry out what is left of orders that were interrupted."""
    config = load_config(config_path)
    left = [one for one in books_of(config).orders.values() if one.is_open]
    for one in left:
        click.echo(carried_out(config, one, patience))
    if not left:
        click.echo("no order is left to finish")


@dispose.command()
@config_option
@sentence_errors(*ERRORS)
def again(config_path: Path) -> None:
    """Remove what stands again of what was disposed of: after a restored backup, or a replay that began before the order."""
    from consumers.disposition.job import Means, again as once_more  # noqa: I001, PLC0415 - see cli.main

    async def work(means: Means) -> str:
        done = await once_more(means)
        mails, copies = counted(done.mails, "mail"), counted(done.copies, "copy", "copies")
        return f"{mails}, {copies} and {counted(done.files, 'file')} left the archive again"

    click.echo(with_means(load_config(config_path), 1.0, work))


@dispose.command("list")
@config_option
@sentence_errors(*ERRORS)
def list_(config_path: Path) -> None:
    """Every order: when, what, by whom, why, and how much left the archive."""
    lines = [shown(one) for one in books_of(load_config(config_path)).orders.values()]
    click.echo("\n".join(lines) or "no order was ever given")
