"""Mails and copies leave the archive: first their ids on record, so that evidence accepts what may be gone, then the files."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from itertools import islice

from consumers.disposition.books import Order
from consumers.disposition.closed import Closings, is_below
from consumers.disposition.giving import step
from consumers.disposition.index import Index, Mail, key_of
from consumers.orders import say
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.dispositions import Scope
from stores.disposal import Disposal
from stores.paths import MAILS_ROOT, PREFIX_ROOT, placeholders_path

BATCH = 500  # mails; with the limit of 2,000 ids a record in mind


@dataclass
class Removed:
    """How many files were there and are gone: mails, copies, files of the content store, and what replays made below prefixes."""

    mails: int = 0
    copies: int = 0
    files: int = 0
    replayed: int = 0


@dataclass
class Remover:
    """Removes mails with all their copies. `prefixes`: below which replays may have made them too."""

    disposal: Disposal
    prefixes: list[str]
    done: Removed = field(default_factory=Removed)

    async def remove(self, one: Mail, closing: bytes | None) -> None:
        """The copies of a mail, then the mail, and what is kept of the placeholders in the mails of its closing. StoreError.

        A repeat finds nothing.
        """
        paths = sorted({path for _, path in one.copies})
        for path in paths:
            self.done.copies += await self.disposal.remove(path)
        self.done.mails += await self.disposal.remove(one.path)
        for prefix in self.prefixes:
            for path in (*paths, one.path):
                self.done.replayed += await self.disposal.remove(f"{prefix}/{path}")
        if closing is not None:
            await self.disposal.remove(placeholders_path(closing.hex()))


async def new_remover(disposal: Disposal) -> Remover:
    """One that knows the prefixes of all replays so far. StoreError."""
    return Remover(disposal, [one async for one in _prefixes(disposal, PREFIX_ROOT)])


async def _prefixes(disposal: Disposal, folder: str, *, inside: bool = False) -> AsyncIterator[str]:
    """Folders that have mails; a name may have slashes, so others are looked into, and so are these: one may lie in another.

    `inside`: of a folder that has mails; what is called like a mailbox there is one.
    """
    for name in await disposal.folders(folder):
        if inside and ("@" in name or name == MAILS_ROOT):
            continue
        below = f"{folder}/{name}"
        here = MAILS_ROOT in await disposal.folders(below)
        if here:
            yield below
        async for one in _prefixes(disposal, below, inside=inside or here):
            yield one


async def remove_mails(
    kafka: KafkaSettings,
    codec: Codec,
    index: Index,
    remover: Remover,
    order: Order,
    later: Closings = frozenset(),
) -> None:
    """What the order names and no order has named yet; and what it had named itself, before it was interrupted.

    `later`: as of `is_below`. KafkaError, StoreError.
    """
    for one in index.gone(disposal=order.name):
        await remover.remove(one, index.closing_of(one))
    named = (
        one for one in index.standing(order.scope) if is_below(order, key_of(one), index.made(one), later)
    )
    while some := list(islice(named, BATCH)):
        record = step(order, "disposed", mails=b"".join(one.id for one in some))
        say(kafka, codec, [record])
        order.mails.update(one.id for one in some)
        with index.together():
            index.add_gone([one.id for one in some], order.name, record["at_ms"])
        for one in some:
            await remover.remove(one, index.closing_of(one))


async def remove_strays(index: Index, remover: Remover, since_ms: int) -> None:
    """What stands again of what was disposed of since then (ms since 1970 UTC), or of what the ledger told since.

    A worker or a replay that was stopped while an order was carried out, and goes on later, writes what it had in its hands.
    """
    found = index.gone(since_ms=since_ms)
    while some := list(islice(found, BATCH)):
        for one in some:
            await remover.remove(one, index.closing_of(one))
        with index.together():
            index.sure_of(some)


def past_term(index: Index, scope: Scope) -> Iterable[Mail]:
    """Mails that an order of this scope would find now."""
    limit = scope.captured_before_ms
    for one in index.standing(scope):
        place = index.made(one)
        if place is not None and (limit is None or place.at_ms < limit):
            yield one
