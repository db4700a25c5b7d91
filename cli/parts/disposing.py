"""What the dispose and hold commands are made of."""

import asyncio
import contextlib
import fcntl
from typing import TYPE_CHECKING

import click

from cli.parts.common import new_codec, private_folder
from cli.words.advice import counted
from cli.words.disposal import still_there, summary

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from cli.parts.config import Config
    from consumers.disposition.books import Books, Order
    from consumers.disposition.index import Imported
    from consumers.disposition.job import Means
    from consumers.disposition.preview import Preview
    from schemas.dispositions import Scope

    Foretold = tuple[Preview, Preview]


def books_of(config: "Config") -> "Books":
    """Orders and holds as they stand. KafkaError."""
    from consumers.disposition.giving import read_books  # noqa: PLC0415 - see cli.main

    return read_books(config.kafka, new_codec(config.kafka))


def demand_free(config: "Config", scope: "Scope") -> None:
    """Return if no hold is known to stand against this order; else it is not recorded. DispositionError, KafkaError."""
    from consumers.disposition.giving import refusal  # noqa: PLC0415 - see cli.main

    for hold in books_of(config).stopping(scope):
        raise refusal(hold)


def demand_known(config: "Config", uid: str, conversation: str | None) -> None:
    """Return if configuration or ledger know the connector, and ledger or log the conversation. DispositionError, KafkaError."""
    from consumers.disposition.books import DispositionError  # noqa: PLC0415 - see cli.main
    from consumers.known import knows_connector, knows_conversation  # noqa: PLC0415

    anyway = "--unknown-too names it all the same"
    configured = {one.uid for one in config.connector}
    if uid not in configured and not knows_connector(config.kafka, uid):
        there = ", ".join(sorted(configured)) or "none"
        raise DispositionError(f"neither configuration ({there}) nor ledger know a connector {uid}; {anyway}")
    if conversation is not None and not knows_conversation(config.kafka, uid, conversation):
        raise DispositionError(
            f"neither ledger nor log know a conversation {conversation} of {uid}: is it spelt as in its mails, "
            f"header X-Chatledger-Conversation-Id? {anyway}"
        )


@contextlib.contextmanager
def alone(config: "Config") -> "Iterator[None]":
    """One process with this state folder at a time; the others say that they wait. OSError."""
    private_folder(config.state_dir)
    with (config.state_dir / "disposition.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            click.echo("another `chatledger dispose` is at work; waiting until it is done", err=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def with_means(config: "Config", patience_s: float, work: "Callable[[Means], Awaitable[str]]") -> str:
    """Do this with the one thing that can remove files, which is open for as long as it lasts."""
    from consumers.disposition.job import Means  # noqa: PLC0415 - see cli.main
    from stores.disposal import open_disposal  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    async def run() -> str:
        private_folder(config.state_dir)
        store, disposal = open_store(config.store), open_disposal(config.store)
        try:
            importers = config.import_.group if config.import_ is not None else None
            return await work(Means(
                config.kafka, new_codec(config.kafka), store, disposal, config.worker.group, patience_s,
                config.state_dir / "disposition.sqlite", importers,
            ))  # fmt: skip
        finally:
            await disposal.close()
            await store.close()

    return asyncio.run(run())


def foretold(
    config: "Config", scope: "Scope", held: "Iterable[str]" = (), *, past_only: bool = False
) -> "Foretold":
    """What an order of this scope would find; `held`: conversations that are on hold; `past_only`: as retention judges."""
    from consumers.disposition.filling import fill  # noqa: PLC0415 - see cli.main
    from consumers.disposition.index import Index  # noqa: PLC0415
    from consumers.disposition.preview import preview  # noqa: PLC0415
    from consumers.disposition.removing import past_term  # noqa: PLC0415

    found = list["Foretold"]()

    async def work(means: "Means") -> str:
        with Index(means.index) as index:
            await fill(index, means.kafka, means.codec, means.store)
            found.append(preview((past_term if past_only else Index.standing)(index, scope), held))
        return ""

    with_means(config, 1.0, work)
    return found[0]


def carried_out(config: "Config", order: "Order", patience_s: float) -> str:
    """Carry an order out; what left, and what stays all the same."""
    from consumers.disposition.job import carry_out  # noqa: PLC0415 - see cli.main

    async def work(means: "Means") -> str:
        return summary(
            order.name, await carry_out(means, order), map(still_there, in_mailboxes(means, order.name))
        )

    return with_means(config, patience_s, work)


def in_mailboxes(means: "Means", order: str | None = None) -> "list[Imported]":
    """Each copy that was imported of what was disposed of, by one order or any, as the index knows it."""
    from consumers.disposition.index import Index  # noqa: PLC0415 - see cli.main

    with Index(means.index) as index:
        return list(index.imported(order))


def shown(order: "Order") -> str:
    """An order in one line."""
    from datetime import UTC, datetime  # noqa: PLC0415 - see cli.main

    from consumers.evidence.disposals import scope_of  # noqa: PLC0415

    one = order.said
    at = datetime.fromtimestamp(one["at_ms"] / 1000, UTC)
    state = (
        ": ".join(filter(None, ("withdrawn", order.withdrawn_for)))
        if order.withdrawn
        else "to be finished"
        if order.is_open
        else counted(order.named, "mail")
    )
    what = scope_of({"connector": one["connector_uid"], **one})
    return f"{order.name[:8]}  {at:%Y-%m-%d %H:%M} UTC  {what}  by {one['by']}: {one['reason']}  ({state})"
