"""Reading a topic back ends: at its end, also where compaction took the last records out, or with a reason."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams import readback
from streams.readback import records
from streams.refusals import DependencyError

WHERE = TopicPartition("closings", 0)


class Consumer:
    """Gives what it was told, a step at a time: where it stands afterwards, and the offsets of the records."""

    def __init__(self, steps: list[tuple[int, list[int]]]) -> None:
        self._steps, self._at, self.asked = steps, 0, 0

    async def getmany(self, where: Any, *, timeout_ms: int) -> dict[Any, list[Any]]:
        """As AIOKafkaConsumer does; nothing more comes after the last step."""
        assert timeout_ms > 0
        self.asked += 1
        self._at, offsets = self._steps.pop(0) if self._steps else (self._at, [])
        return {where: [SimpleNamespace(offset=offset) for offset in offsets]} if offsets else {}

    async def position(self, _: Any) -> int:
        """As AIOKafkaConsumer does."""
        return self._at


def read(consumer: Consumer, end: int) -> list[int]:
    """Offsets of what is read from the beginning."""

    async def body() -> list[int]:
        made: Any = consumer
        return [record.offset async for record in records(made, WHERE, 0, end)]

    return asyncio.run(body())


def test_it_ends_where_the_partition_ended() -> None:
    """Not with its last record, which may be gone, nor with what was written since."""
    assert read(Consumer([(3, [0, 2]), (3, []), (9, [5, 7])]), 9) == [0, 2, 5, 7]
    assert read(Consumer([(3, [0, 2]), (12, [8, 11])]), 9) == [0, 2, 8]
    assert read(Consumer([]), 0) == []


def test_a_partition_that_gives_nothing_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that is there and has nothing to say: waiting for ever would look like work."""
    monkeypatch.setattr(readback, "PATIENCE_SECONDS", 3.0)
    consumer = Consumer([(3, [0, 2])])
    with pytest.raises(DependencyError, match="closings/0: nothing came for 3 s at position 3 of 9"):
        read(consumer, 9)
    assert consumer.asked == 8
