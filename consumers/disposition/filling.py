"""Reads into the index what the topics got since it was filled last: the only place where disposition reads the log.

A record that nobody can read is passed over, as it is by everybody who counts; in topic audit it is an error elsewhere.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import Any

from consumers.disposition.index import Index
from consumers.disposition.references import CLAIMING, REFERRING, References
from consumers.reading import Read, Reader
from schemas import dispositions
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.live import LIVE_GROUP
from schemas.topics import AUDIT, CLOSINGS, DELIVERIES, IMPORTS, Topic
from stores.interface import Store

CHUNK = 2_000
LEDGERS = (DELIVERIES, CLOSINGS, AUDIT, IMPORTS)
"""In this order: what made a mail is known when the mail is, and what names it."""
TOPICS = (*CLAIMING, *REFERRING, *LEDGERS)


async def fill(
    index: Index, kafka: KafkaSettings, codec: Codec, store: Store, topics: Iterable[Topic] = TOPICS
) -> int:
    """Read these topics to their present ends; how many records that were. Blocks; KafkaError, StoreError, LookupError."""
    notes, count = References(codec, store, index), 0
    for topic in topics:
        with closing(Reader(kafka, topic)) as reader:
            known = index.positions(topic.name)
            if index.logs.are_others(reader, known):
                index.begin_anew()
                return count + await fill(index, kafka, codec, store)
            index.logs.reads(reader)
            reader.start_at(known)
            count += await _read(index, notes, topic, reader.to_end())
    return count


async def _read(index: Index, notes: References, topic: Topic, records: Iterator[Read]) -> int:
    count = 0
    while some := list(islice(records, CHUNK)):
        with index.together():
            for one in some:
                await _note(index, notes, topic, one)
            index.read_up_to(topic.name, {one.partition: one.offset + 1 for one in some})
        count += len(some)
    return count


async def _note(index: Index, notes: References, topic: Topic, record: Read) -> None:
    try:
        if topic in LEDGERS:
            _note_ledger(index, *notes.codec.decode(record.value or b""), record)
        else:
            await notes.note(topic, record)
    except DecodeError:
        return


def _note_ledger(index: Index, name: str, one: Any, record: Read) -> None:
    match name:
        case "Delivery":
            index.add_delivery(one)
        case "Closing" if one["group"] == LIVE_GROUP:
            index.add_closing(one, record.at_ms)
        case "Audit" if one["kind"] == "disposed":
            index.add_gone(dispositions.mails_of(one), one["order"], one["at_ms"])
        case "Receipt" if one["outcome"] in {"ok", "partial"}:
            index.add_receipt(one)
        case _:
            pass
