"""Mails and copies leave the archive: first their ids on record, so that evidence accepts what may be gone, then the files."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from consumers.disposition.books import Order
from consumers.disposition.closed import Closings, is_below
from consumers.disposition.giving import step
from consumers.orders import say
from consumers.reading import read_all
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.dispositions import Scope
from schemas.records import Delivery, Receipt
from schemas.topics import DELIVERIES, IMPORTS
from stores.disposal import Disposal

BATCH = 500  # deliveries; with the limit of 2,000 ids a record in mind


@dataclass
class Removed:
    """How many files were there and are gone."""

    mails: int = 0
    copies: int = 0
    files: int = 0


async def remove_mails(kafka: KafkaSettings, codec: Codec, disposal: Disposal, order: Order) -> Removed:
    """Everything that the order names and the ledger knows. A repeat names nothing twice. KafkaError, StoreError."""
    with Closings() as closings:
        closings.fill(kafka, codec, [order.scope])
        return await _remove_named(kafka, codec, disposal, order, closings)


async def _remove_named(
    kafka: KafkaSettings, codec: Codec, disposal: Disposal, order: Order, closings: Closings
) -> Removed:
    done, found = Removed(), deliveries(kafka, codec, [order.scope])
    named = (one for one in found if is_below(order, closings.made(one)))
    while some := list(islice(named, BATCH)):
        new = {one["mail_id"]: None for one in some if one["mail_id"] not in order.mails}
        if new:
            say(kafka, codec, [step(order, "disposed", mails=b"".join(new))])
            order.mails.update(new)
        for one in some:
            await remove(disposal, one, done)
    return done


def is_due(kafka: KafkaSettings, codec: Codec, scope: Scope, gone: Container[bytes]) -> bool:
    """Whether an order of this scope would find a mail that is not gone yet. Blocks; KafkaError."""
    limit = scope.captured_before_ms
    with Closings() as closings:
        closings.fill(kafka, codec, [scope])
        for one in deliveries(kafka, codec, [scope]):
            place = closings.made(one)
            if one["mail_id"] not in gone and place is not None and (limit is None or place.at_ms < limit):
                return True
    return False


async def remove(disposal: Disposal, one: Delivery, done: Removed) -> None:
    """The copies of a mail, then the mail."""
    for path in copies_of(one):
        done.copies += await disposal.remove(path)
    done.mails += await disposal.remove(one["path"])


def deliveries(kafka: KafkaSettings, codec: Codec, scopes: Iterable[Scope]) -> Iterator[Delivery]:
    """What the ledger has of these scopes. Blocks; KafkaError."""
    wanted = list(scopes)
    for record in read_all(kafka, DELIVERIES):
        try:
            name, one = codec.decode(record.value or b"")
        except DecodeError:
            continue
        if name == "Delivery" and any(scope.covers(*_named(one)) for scope in wanted):
            yield one


def copies_of(one: Delivery) -> Iterator[str]:
    """Where its copies are, or were before they were routed elsewhere."""
    for copy in one["copies"]:
        former = copy.get("supersedes")
        if copy["path"] is not None:
            yield copy["path"]
        if former is not None:
            yield former["path"]


def imported(kafka: KafkaSettings, codec: Codec, mails: set[bytes]) -> list[Receipt]:
    """Copies of these mails that were put into mailboxes: who administers those has to remove them there. Blocks; KafkaError."""
    found: dict[tuple[bytes, str, str], Receipt] = {}
    for record in read_all(kafka, IMPORTS):
        try:
            name, one = codec.decode(record.value or b"")
        except DecodeError:
            continue
        if name == "Receipt" and one["mail_id"] in mails and one["outcome"] in {"ok", "partial"}:
            found[one["mail_id"], one["mailbox"], one["item"]] = one
    return list(found.values())


def _named(one: Delivery) -> tuple[str, str, str, int]:
    return one["connector_uid"], one["conversation"], one["slice"], one["slice_start_ms"]
