"""Brings the connector log into step with the topics: reads what came since the last time, or all of it."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

from consumers.logbook.items import Item, Ledger, imported, stored
from consumers.logbook.runs import Runs
from consumers.reading import Read, Reader
from schemas.broker import KafkaSettings
from schemas.codec import Codec, DecodeError
from schemas.topics import DELIVERIES, IMPORTS, Topic

log = logging.getLogger(__name__)
BATCH = 5_000


@dataclass(frozen=True)
class Source:
    """Where a ledger is: its topic, the name of its records, and what makes an item of one."""

    ledger: Ledger
    topic: Topic
    record: str
    to_item: Callable[[Any], Item]


SOURCES = (Source("stored", DELIVERIES, "Delivery", stored), Source("imported", IMPORTS, "Receipt", imported))
"""The ledgers that there are."""


def catch_up(
    runs: Runs, kafka: KafkaSettings, codec: Codec, tell: Callable[[int, int], None] = lambda *_: None
) -> None:
    """Fold everything that the ledgers have and `runs` lacks; `tell` hears how many records of how many are done.

    KafkaError when Kafka can't be reached, LookupError without the topic. Blocks.
    """
    for source in SOURCES:
        with closing(Reader(kafka, source.topic)) as reader:
            _begin(runs, source, reader)
            left = sum(reader.ends().values()) - sum(runs.positions(source.ledger).values())
            done = 0
            for some in _batches(reader.to_end()):
                runs.add(source.ledger, _decoded(codec, source, some))
                done += len(some)
                tell(done, max(done, left))


def _begin(runs: Runs, source: Source, reader: Reader) -> None:
    """Read on where the log ends; begin anew where the ledger is not the one that was read."""
    if runs.logs.are_others(reader, runs.positions(source.ledger)):
        log.warning("%s is not the one that was read; reading it anew", source.topic.name)
        runs.clear(source.ledger)
    runs.logs.reads(reader)
    reader.start_at(runs.positions(source.ledger))


def _batches(records: Iterable[Read]) -> Iterator[list[Read]]:
    turn = iter(records)
    while some := list(islice(turn, BATCH)):
        yield some


def _decoded(codec: Codec, source: Source, records: list[Read]) -> Iterator[tuple[int, int, int, Item]]:
    for record in records:
        try:
            name, value = codec.decode(record.value or b"")
        except DecodeError as error:
            log.error("%s/%d/%d skipped: %s", source.topic.name, record.partition, record.offset, error)  # noqa: TRY400 - one line
            continue
        if name == source.record:
            yield record.partition, record.offset, record.at_ms, source.to_item(value)
