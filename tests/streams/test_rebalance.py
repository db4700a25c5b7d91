"""A rebalance while packs are on their way: what is left of them is read again, by whoever has the partition then."""

from pathlib import Path

import pytest

from schemas.broker import KafkaSettings
from tests.streams.feeding import Feeder, expected_mails
from tests.streams.test_worker import archived, eventually, letters
from tests.streams.worker_rig import Rig, delivered_mails, end_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
SLOW = """
import asyncio
import streams.agents as agents
import streams.assemble as assemble
real, handle = agents.batches, assemble.AssembleStage.handle
def small(records, size):
    done = 0
    try:
        for batch in real(records, 5):
            done += len(batch)
            yield batch
            print("IN THE MIDDLE", flush=True)
    finally:
        print("BROKEN OFF" if done < len(records) else "WHOLE", done, "of", len(records), flush=True)
async def slow(self, records):
    await asyncio.sleep(0.1)
    await handle(self, records)
agents.batches, assemble.AssembleStage.handle = small, slow
"""


def test_a_rebalance_in_the_middle_of_a_pack_loses_and_doubles_nothing(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    """The rest of the pack is given up at once, and so is what waits behind it; each mail is there, and once."""
    feeder = Feeder(kafka)
    for day in range(3):
        feeder.say_all([(number % 30, day, (number,)) for number in range(600)])
    with Rig(kafka, tmp_path, worker={"session_seconds": 6, "commit_seconds": 0.5}) as rig:
        first = rig.start(SLOW)
        eventually(lambda: "IN THE MIDDLE" in first.log.read_text(), 60)
        second = rig.start()
        eventually(lambda: "BROKEN OFF" in first.log.read_text(), 60)
        eventually(lambda: " owns " in second.log.read_text(), 60)
        assert first.stop(30) == 0, end_of(first)  # a second rebalance, in the middle of the next pack
        feeder.watermark(4)
        rig.drained()
        assert delivered_mails(kafka) == expected_mails(kafka)
        assert len(archived(rig)) == len(expected_mails(kafka)) == 90
    assert letters(kafka) == []
