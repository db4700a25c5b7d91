"""`chatledger hold place|release|list`."""

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, new_codec, sentence_errors
from cli.parts.disposing import books_of, demand_known
from consumers.disposition.books import DispositionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumers.disposition.books import Books
    from schemas.records import Audit

ERRORS = (DispositionError, KafkaError, LookupError)
SHOWN = 8
"""Characters of a hold's name that `list` shows."""


@click.group()
def hold() -> None:
    """Legal holds: what is on hold is not disposed of, whatever its retention and whoever orders it."""


@hold.command()
@click.option("--connector", "uid", required=True, help="Uid of the connector.")
@click.option("--conversation", help="This conversation alone; without it everything of the connector.")
@click.option("--by", required=True, help="Who orders it.")
@click.option("--reason", required=True, help="Why: the matter.")
@click.option("--unknown-too", is_flag=True, help="Also what nothing is known of yet.")
@config_option
@sentence_errors(*ERRORS)
def place(
    uid: str, conversation: str | None, by: str, reason: str, config_path: Path, *, unknown_too: bool
) -> None:
    """Put a connector or a conversation on hold. It stops every order after it, and those before it that removed nothing yet.

    What neither configuration nor ledger nor log know is refused: a hold on a misspelt name protects nothing.
    """
    from consumers.orders import audit, say  # noqa: PLC0415 - see cli.main

    config, name = load_config(config_path), uuid.uuid4().hex
    if not unknown_too:
        demand_known(config, uid, conversation)
    one = audit(
        name, "hold", at_ms=int(time.time() * 1000), connector_uid=uid, conversation=conversation, by=by, reason=reason
    )  # fmt: skip
    say(config.kafka, new_codec(config.kafka), [one])
    click.echo("\n".join([f"hold {name[:SHOWN]} is in force", *_orders_before(books_of(config), one)]))


def _orders_before(books: "Books", one: "Audit") -> "Iterator[str]":
    """What becomes of orders that were given before the hold."""
    from consumers.disposition.books import stops  # noqa: PLC0415 - see cli.main

    for order in books.orders.values():
        if order.is_open and stops(one, order.scope):
            told = (
                "removes already, and is not stopped"
                if order.mails
                else "has removed nothing, and is stopped"
            )
            yield f"order {order.name[:SHOWN]} by {order.said['by']} {told}"


@hold.command()
@click.argument("name")
@click.option("--by", required=True, help="Who ends it.")
@click.option("--reason", required=True, help="Why.")
@config_option
@sentence_errors(*ERRORS)
def release(name: str, by: str, reason: str, config_path: Path) -> None:
    """End the hold NAME, or the only one whose name begins like that: at least the 8 characters that `list` shows."""
    from consumers.orders import audit, say  # noqa: PLC0415 - see cli.main

    if len(name) < SHOWN:
        raise DispositionError(
            f"{name!r} names no hold: give the {SHOWN} characters that `chatledger hold list` shows"
        )
    config = load_config(config_path)
    found = [one for one in books_of(config).holds if one.startswith(name)]
    if len(found) != 1:
        raise DispositionError(
            f"{len(found)} holds in force begin with {name}; `chatledger hold list` shows them"
        )
    one = audit(found[0], "released", at_ms=int(time.time() * 1000), by=by, reason=reason)
    say(config.kafka, new_codec(config.kafka), [one])
    click.echo(f"hold {found[0][:SHOWN]} is released")


@hold.command("list")
@config_option
@sentence_errors(*ERRORS)
def list_(config_path: Path) -> None:
    """Every hold in force."""
    lines = []
    for one in books_of(load_config(config_path)).holds.values():
        at = datetime.fromtimestamp(one["at_ms"] / 1000, UTC)
        what = f"{one['connector_uid']}, {one['conversation'] or 'everything'}"
        lines.append(
            f"{one['order'][:SHOWN]}  {at:%Y-%m-%d %H:%M} UTC  {what}  by {one['by']}: {one['reason']}"
        )
    click.echo("\n".join(lines) or "nothing is on hold")
