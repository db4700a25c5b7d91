"""An order that was put in force long after it was given does not name what was captured meanwhile.

Its control records say where the log ended when it was given. The assembler leaves slices open that hold anything from there on.
Of what was closed between there and the control record, this finds out what holds such a record: its mails and files stay.
"""

from contextlib import closing

from consumers.disposition.books import Order
from consumers.disposition.closed import Closings, Place
from consumers.disposition.index import Index
from consumers.reading import Read, Reader
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.ids import slice_key
from schemas.topics import RAW_EVENTS


def closed_later(kafka: KafkaSettings, codec: Codec, index: Index, order: Order) -> Closings:
    """Closings of the order's scope that took what came after it was given. Reads the log from there on. Blocks; KafkaError."""
    if not order.given_at:
        return frozenset()
    found = set[tuple[str, int, int]]()
    with closing(Reader(kafka, RAW_EVENTS)) as reader:
        reader.start_at(order.given_at)
        for record in reader.to_end():
            if record.offset >= order.positions.get(record.partition, -1):
                continue
            key = _named(codec, order, record)
            place = index.took(key, record.partition, record.offset) if key is not None else None
            # What an order closed without a mail is disposed of, whoever gave that order.
            if key is not None and place is not None and _has_mail(index, key, place):
                found.add((key, place.partition, place.position))
    return frozenset(found)


def _has_mail(index: Index, key: str, place: Place) -> bool:
    rows = index.db.execute(
        "SELECT id FROM closing WHERE key=? AND partition=? AND position=?", (key, *place[:2])
    )
    return any(ident is not None for (ident,) in rows)


def _named(codec: Codec, order: Order, record: Read) -> str | None:
    """Key of a slice of the order's scope; None of everything else."""
    try:
        name, value = codec.decode(record.value or b"")
    except DecodeError:
        return None
    if name != "RawEvents":
        return None
    named = (value["connector_uid"], value["conversation"], value["slice"])
    return slice_key(*named) if order.scope.covers(*named, value["slice_start_ms"]) else None
