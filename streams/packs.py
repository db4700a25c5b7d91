"""Records on their way to an agent, many in one: what Faust passes on is a pack, not a record. Pure.

Faust spends some 70 µs on every message that it passes on (a task for each thing that could happen meanwhile, a queue, an event,
bookkeeping of offsets), whatever is in it. So everything that was fetched of a topic and not taken yet is one message,
which grows while it waits: under load packs are large, and an idle worker hands on a single record at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from streams.stage import Record

PACK_RECORDS = 1_000
PACK_BYTES = 1_048_576
"""A pack that holds so much is full: nothing more of its topic is fetched before it is taken."""


@dataclass
class Pack:
    """Records of one topic, those of a partition in their order; `generation`: of the assignment they were fetched under."""

    generation: int
    taken: bool = False
    _records: list[Record] = field(default_factory=list)
    _bytes: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it waits, and holds as much as it may."""
        return not self.taken and (len(self._records) >= PACK_RECORDS or self._bytes >= PACK_BYTES)

    def add(self, records: Iterable[Record]) -> None:
        """Put these behind what is there."""
        before = len(self._records)
        self._records.extend(records)
        self._bytes += sum(len(record.value) for record in self._records[before:])

    def unpack(self) -> list[Record]:
        """Everything in it; from now on nothing is added."""
        self.taken = True
        records, self._records = self._records, []
        return records


@dataclass
class Packs:
    """By topic the pack that was handed over last, and may still wait in the queue of its agent."""

    _last: dict[str, Pack] = field(default_factory=dict)

    def add(self, topic: str, records: Iterable[Record], generation: int) -> Pack | None:
        """Put them into the pack that waits; a new pack, which has to be handed over, where none does."""
        waiting = self._last.get(topic)
        new = None
        if waiting is None or waiting.taken or waiting.generation != generation:
            new = waiting = self._last[topic] = Pack(generation)
        waiting.add(records)
        return new

    def full(self) -> set[str]:
        """Topics of which nothing may be fetched now."""
        return {topic for topic, pack in self._last.items() if pack.is_full}

    def forget(self) -> None:
        """Queues were emptied: what waited in them is fetched again."""
        self._last.clear()


def batches(records: list[Record], size: int) -> Iterator[list[Record]]:
    """The same records, at most so many at a time."""
    waiting = iter(records)
    while batch := list(islice(waiting, size)):
        yield batch
