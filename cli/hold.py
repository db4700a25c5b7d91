"""`chatledger hold place|release|list`."""

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import click
from kafka.errors import KafkaError

from cli.parts.common import config_option, load_config, new_codec, sentence_errors
from cli.parts.disposing import books_of
from consumers.disposition.books import DispositionError

ERRORS = (DispositionError, KafkaError, LookupError)


@click.group()
def hold() -> None:
    """Legal holds: what is on hold is not disposed of, whatever its retention and whoever orders it."""


@hold.command()
@click.option("--connector", "uid", required=True, help="Uid of the connector.")
@click.option("--conversation", help="This conversation alone; without it everything of the connector.")
@click.option("--by", required=True, help="Who orders it.")
@click.option("--reason", required=True, help="Why: the matter.")
@config_option
@sentence_errors(*ERRORS)
def place(uid: str, conversation: str | None, by: str, reason: str, config_path: Path) -> None:
    """Put a connector or a conversation on hold. Orders that were given before it are carried out; none after it is."""
    from consumers.orders import audit, say  # noqa: PLC0415 - see cli.main

    config, name = load_config(config_path), uuid.uuid4().hex
    one = audit(
        name, "hold", at_ms=int(time.time() * 1000), connector_uid=uid, conversation=conversation, by=by, reason=reason
    )  # fmt: skip
    say(config.kafka, new_codec(config.kafka), [one])
    click.echo(f"hold {name[:8]} is in force")


@hold.command()
@click.argument("name")
@click.option("--by", required=True, help="Who ends it.")
@click.option("--reason", required=True, help="Why.")
@config_option
@sentence_errors(*ERRORS)
def release(name: str, by: str, reason: str, config_path: Path) -> None:
    """End the hold NAME, or the only one whose name begins like that."""
    from consumers.orders import audit, say  # noqa: PLC0415 - see cli.main

    config = load_config(config_path)
    found = [one for one in books_of(config).holds if one.startswith(name)]
    if len(found) != 1:
        raise DispositionError(
            f"{len(found)} holds in force begin with {name}; `chatledger hold list` shows them"
        )
    one = audit(found[0], "released", at_ms=int(time.time() * 1000), by=by, reason=reason)
    say(config.kafka, new_codec(config.kafka), [one])
    click.echo(f"hold {found[0][:8]} is released")


@hold.command("list")
@config_option
@sentence_errors(*ERRORS)
def list_(config_path: Path) -> None:
    """Every hold in force."""
    lines = []
    for one in books_of(load_config(config_path)).holds.values():
        at = datetime.fromtimestamp(one["at_ms"] / 1000, UTC)
        what = f"{one['connector_uid']}, {one['conversation'] or 'everything'}"
        lines.append(f"{one['order'][:8]}  {at:%Y-%m-%d %H:%M} UTC  {what}  by {one['by']}: {one['reason']}")
    click.echo("\n".join(lines) or "nothing is on hold")
