"""A worker that can do nothing any more says so and ends, so that a supervisor starts another: on a real broker.

What is broken here is the driver or a stage, by a line that runs before the worker. Times hold from the first sign.
"""

import time
from pathlib import Path

import pytest

from schemas.broker import KafkaSettings
from streams.holdback import CHECK_SECONDS
from streams.reporting import BLOCKED
from tests.streams.feeding import Feeder, expected_mails
from tests.streams.test_worker import eventually, letters
from tests.streams.worker_rig import Rig, delivered_mails, end_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
STALL_S = 10
SLACK_S = 20  # for a machine that has other things to do
FETCHER = """
import aiokafka.consumer.fetcher as fetcher
def broken(*_):
    print("FIRST SIGN", flush=True)
    raise RuntimeError("a broken fetcher")
fetcher.Fetcher._get_actions_per_node = broken
"""
AGENT = """
import streams.assemble as assemble
async def broken(*_):
    print("FIRST SIGN", flush=True)
    raise RuntimeError("a broken agent")
assemble.AssembleStage.handle = broken
"""
HANGS = """
import asyncio
import streams.assemble as assemble
async def broken(*_):
    print("FIRST SIGN", flush=True)
    await asyncio.sleep(9999)
assemble.AssembleStage.handle = broken
"""
BLOCKS = """
import time
import streams.assemble as assemble
async def broken(*_):
    print("FIRST SIGN", flush=True)
    time.sleep(9999)
assemble.AssembleStage.handle = broken
"""
JOIN = """
import asyncio
import streams.holdback as holdback
async def broken(*_):
    print("FIRST SIGN", flush=True)
    await asyncio.sleep(9999)
holdback.HoldbackConsumer.seek_to_committed = broken
"""


@pytest.mark.parametrize(
    ("broken", "within_s", "says"),
    [
        (FETCHER, CHECK_SECONDS, "nothing is fetched from Kafka any more"),
        pytest.param(AGENT, 0, "a broken agent", marks=pytest.mark.long),
        pytest.param(HANGS, STALL_S + 2 * CHECK_SECONDS, "stuck at 0 of", marks=pytest.mark.long),
        pytest.param(BLOCKS, BLOCKED * STALL_S, "Timeout", marks=pytest.mark.long),
        (JOIN, STALL_S + 2 * CHECK_SECONDS, "rebalancing for"),
    ],
    ids=["fetcher died", "agent died", "agent hangs", "agent blocks", "first join has no end"],
)
def test_a_worker_that_can_do_nothing_ends_in_time(
    kafka: KafkaSettings, tmp_path: Path, broken: str, within_s: float, says: str
) -> None:
    """It exits with another code than 0 and the reason; the next one does the work, and nothing was refused."""
    feeder = Feeder(kafka)
    feeder.say(0, 0, 1, 2)
    with Rig(kafka, tmp_path, worker={"session_seconds": 6, "stall_seconds": STALL_S}) as rig:
        worker = rig.start(broken)
        eventually(lambda: "FIRST SIGN" in worker.log.read_text(), 60)
        began = time.monotonic()
        assert worker.wait(60) != 0, end_of(worker)
        assert time.monotonic() - began < within_s + SLACK_S
        assert says in worker.log.read_text()
        rig.start()
        feeder.watermark(2)
        rig.drained()
    assert delivered_mails(kafka) == expected_mails(kafka)
    assert letters(kafka) == []
