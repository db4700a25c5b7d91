"""What the dispose and hold commands are made of."""

import asyncio
from typing import TYPE_CHECKING

from cli.parts.common import new_codec
from cli.words.advice import counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cli.parts.config import Config
    from consumers.disposition.books import Books, Order
    from consumers.disposition.job import Means


def books_of(config: "Config") -> "Books":
    """Orders and holds as they stand. KafkaError."""
    from consumers.disposition.giving import read_books  # noqa: PLC0415 - see cli.main

    return read_books(config.kafka, new_codec(config.kafka))


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
            f"neither ledger nor log know a conversation {conversation} of {uid}: is it spelt as `chatledger replay` and "
            f"`chatledger log` show it? {anyway}"
        )


def with_means(config: "Config", patience_s: float, work: "Callable[[Means], Awaitable[str]]") -> str:
    """Do this with the one thing that can remove files, which is open for as long as it lasts."""
    from consumers.disposition.job import Means  # noqa: PLC0415 - see cli.main
    from stores.disposal import open_disposal  # noqa: PLC0415
    from stores.factory import open_store  # noqa: PLC0415

    async def run() -> str:
        store, disposal = open_store(config.store), open_disposal(config.store)
        try:
            codec = new_codec(config.kafka)
            return await work(Means(config.kafka, codec, store, disposal, config.worker.group, patience_s))
        finally:
            await disposal.close()
            await store.close()

    return asyncio.run(run())


def carried_out(config: "Config", order: "Order", patience_s: float) -> str:
    """Carry an order out; what left, in one sentence."""
    from consumers.disposition.job import carry_out  # noqa: PLC0415 - see cli.main
    from consumers.disposition.removing import imported  # noqa: PLC0415

    async def work(means: "Means") -> str:
        found = await carry_out(means, order)
        mails, files = counted(int(found["mails"]), "mail"), counted(int(found["files"]), "file")
        copies = counted(int(found["copies"]), "copy", "copies")
        left = [
            f"still in mailbox {one['mailbox']}, {one['place']}: {one['message_id']}; remove it there"
            for one in imported(means.kafka, means.codec, order.mails)
        ]
        said = f"order {order.name[:8]}: {mails}, {copies} and {files} left the archive"
        return "\n".join([said, *left])

    return with_means(config, patience_s, work)


def shown(order: "Order") -> str:
    """An order in one line."""
    from datetime import UTC, datetime  # noqa: PLC0415 - see cli.main

    from consumers.evidence.disposals import scope_of  # noqa: PLC0415

    one = order.said
    at = datetime.fromtimestamp(one["at_ms"] / 1000, UTC)
    state = (
        "withdrawn"
        if order.withdrawn
        else "to be finished"
        if order.is_open
        else counted(len(order.mails), "mail")
    )
    what = scope_of({"connector": one["connector_uid"], **one})
    return f"{order.name[:8]}  {at:%Y-%m-%d %H:%M} UTC  {what}  by {one['by']}: {one['reason']}  ({state})"
