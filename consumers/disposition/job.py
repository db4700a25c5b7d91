"""Carrying orders out, from wherever they are: each step is on record before the next, so a kill is made good by going on.

on record ─▶ no hold before it ─▶ in force in the log ─▶ workers are past it ─▶ ids on record ─▶ mails and copies ─▶ files
"""

from collections.abc import Callable
from dataclasses import dataclass

from consumers.disposition.books import Books, Order
from consumers.disposition.contents import remove_contents
from consumers.disposition.giving import demand_free, put_in_force, read_books, step
from consumers.disposition.passing import wait_until_passed
from consumers.disposition.removing import Removed, deliveries, remove, remove_mails
from consumers.orders import say
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from stores.disposal import Disposal
from stores.interface import Store

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Means:
    """What orders are carried out with. `group`: the workers'."""

    kafka: KafkaSettings
    codec: Codec
    store: Store
    disposal: Disposal
    group: str
    patience_s: float = PATIENCE_S


async def carry_out(means: Means, order: Order, check: Callable[[], None] = lambda: None) -> dict[str, str]:
    """Do what is left of an order; how much left the archive (mails, copies, files). DispositionError, KafkaError, StoreError."""
    kafka, codec = means.kafka, means.codec
    demand_free(kafka, codec, order)
    if not order.positions:
        put_in_force(kafka, codec, order)
    wait_until_passed(kafka, means.group, order.positions, patience_s=means.patience_s, check=check)
    done = await remove_mails(kafka, codec, means.disposal, order)
    files = await _remove_contents(means, read_books(kafka, codec))
    found = {"mails": str(len(order.mails)), "copies": str(done.copies), "files": str(files)}
    say(kafka, codec, [step(order, "finished", details=found)])
    return found


async def _remove_contents(means: Means, books: Books) -> int:
    in_force = [one for one in books.orders.values() if one.positions and not one.withdrawn]
    return await remove_contents(means.kafka, means.codec, means.store, means.disposal, in_force)


async def again(means: Means) -> Removed:
    """Remove whatever stands again of what was disposed of: after a restored backup, or by what was under way."""
    books, done = read_books(means.kafka, means.codec), Removed()
    gone = {mail for order in books.orders.values() for mail in order.mails}
    for one in deliveries(
        means.kafka, means.codec, [order.scope for order in books.orders.values() if order.mails]
    ):
        if one["mail_id"] in gone:
            await remove(means.disposal, one, done)
    done.files = await _remove_contents(means, books)
    return done
