"""Carrying orders out, from wherever they are: each step is on record before the next, so a kill is made good by going on.

on record ─▶ no hold before it ─▶ in force in the log ─▶ workers are past it ─▶ still no hold ─▶ ids on record ─▶ mails and
copies ─▶ files
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from consumers.disposition.books import Order
from consumers.disposition.contents import apply, is_applied, remove_contents
from consumers.disposition.filling import fill
from consumers.disposition.giving import demand_free, pass_holds, put_in_force, read_books, step
from consumers.disposition.index import Index
from consumers.disposition.lateness import closed_later
from consumers.disposition.passing import has_passed, wait_until_passed
from consumers.disposition.removing import Removed, new_remover, remove_mails, remove_strays
from consumers.drain import group_members
from consumers.orders import say
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import DELIVERIES
from stores.disposal import Disposal
from stores.interface import Store

PATIENCE_S = 120.0
LOOK_BACK_S = 7 * 86_400
"""For so long after an order was carried out, each run looks whether something of it stands again."""


@dataclass(frozen=True)
class Means:
    """What orders are carried out with. `group`: the workers'; `importers`: the importers', if there are any.

    `index`: sqlite file of what was read already; without it everything is read each time.
    """

    kafka: KafkaSettings
    codec: Codec
    store: Store
    disposal: Disposal
    group: str
    patience_s: float = PATIENCE_S
    index: Path | None = None
    importers: str | None = None


async def carry_out(means: Means, order: Order, check: Callable[[], None] = lambda: None) -> dict[str, str]:
    """Do what is left of an order; how much left the archive (mails, copies, files). DispositionError, KafkaError, StoreError."""
    kafka, codec, late = means.kafka, means.codec, not order.is_new
    order = read_books(kafka, codec).orders[order.name]  # another process may have gone on with it
    if order.finished is not None:
        return order.finished
    demand_free(kafka, codec, order)
    if not order.positions:
        pass_holds(kafka, codec, order)
        put_in_force(kafka, codec, order, late=late)
    wait_until_passed(kafka, means.group, order.positions, patience_s=means.patience_s, check=check)
    if not order.mails:
        pass_holds(kafka, codec, order)
    behind = means.importers is not None and not _imported(means, means.importers)
    with Index(means.index) as index:
        await fill(index, kafka, codec, means.store)
        remover = await new_remover(means.disposal)
        later = closed_later(kafka, codec, index, order)
        await remove_mails(kafka, codec, index, remover, order, later)
        remover.done.files = await _remove_contents(means, index, order)
    found = _told(order, remover.done, behind=behind)
    say(kafka, codec, [step(order, "finished", details=found)])
    return found


def _told(order: Order, done: Removed, *, behind: bool) -> dict[str, str]:
    found = {"mails": str(len(order.mails)), "copies": str(done.copies), "files": str(done.files)}
    found |= {"replayed": str(done.replayed)} if done.replayed else {}
    found |= {"late": "yes"} if order.given_at else {}
    return found | ({"importers": "behind"} if behind else {})


def _imported(means: Means, importers: str) -> bool:
    """Whether the importers have looked at every copy that the ledger knows: what they took is in a mailbox, and on record."""
    patience_s = min(means.patience_s, 30.0) if group_members(means.kafka, importers) else 0.0
    return has_passed(means.kafka, importers, DELIVERIES, patience_s=patience_s)


async def _remove_contents(
    means: Means, index: Index, order: Order | None, since_ms: int | None = None
) -> int:
    books = read_books(means.kafka, means.codec)
    for one in books.orders.values():
        is_due = one.finished is not None or (order is not None and one.name == order.name)
        if one.positions and is_due and not is_applied(index, one):
            apply(index, one, closed_later(means.kafka, means.codec, index, one))
    return await remove_contents(
        means.kafka, means.codec, index, means.store, means.disposal, since_ms=since_ms
    )


async def again(means: Means, *, everything: bool = True) -> Removed:
    """Remove whatever stands again of what was disposed of: after a restored backup, or by what was under way.

    `everything`: look at all that was ever disposed of; otherwise at what was in the last week, and at what the ledger or the log
    told since. KafkaError, StoreError.
    """
    since_ms = 0 if everything else int((time.time() - LOOK_BACK_S) * 1000)
    with Index(means.index) as index:
        await fill(index, means.kafka, means.codec, means.store)
        remover = await new_remover(means.disposal)
        await remove_strays(index, remover, since_ms)
        remover.done.files = await _remove_contents(means, index, None, since_ms)
    return remover.done
