"""A worker that was stopped while an order was carried out, and goes on: what it had in its hands is not stored again."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from consumers.disposition.job import again
from tests.consumers.disposition.office import Office
from tests.streams.feeding import text
from tests.streams.worker_rig import deliveries, end_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(200)]
STOPPING = """
import os, pathlib, signal
from streams.archive import ArchiveStage
one, {call} = ArchiveStage._one, {owner}.{call}
async def stopped(self, *given):
    found = await {call}(self, *given)
    if not pathlib.Path("stopped").exists():
        pathlib.Path("stopped").write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
    return found
async def ended(self, *given):
    try:
        await one(self, *given)
    finally:
        pathlib.Path("ended").touch()
{owner}.{call}, ArchiveStage._one = stopped, ended
"""
PLACES = {
    "before the mail": STOPPING.format(owner="ArchiveStage", call="_routed"),
    "before its copies": "from streams.keeping import Keeper"
    + STOPPING.format(owner="Keeper", call="original"),
}


def wait_for(path: Path) -> None:
    """Return when it is there."""
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, path
        time.sleep(0.1)


@pytest.mark.long  # the short form is in tests/streams/test_departed.py
@pytest.mark.parametrize("place", PLACES)
def test_a_worker_that_was_stopped_during_an_order_stores_nothing_of_it(one: Office, place: str) -> None:
    """Stopped between any two writes: another one does its work, an order removes that, and then the first one goes on."""
    one.rig.stop()
    one.feeder.say(0, 0, 0)
    one.feeder.say(1, 0, 0)
    one.feeder.watermark(1)
    late = one.rig.start(broken=PLACES[place])
    wait_for(one.rig.folder / "stopped")
    one.rig.start()
    one.rig.drained()
    for room in ("room0", "room1"):
        one.ordered(room)
    told = deliveries(one.means.kafka)
    os.kill(int((one.rig.folder / "stopped").read_text()), signal.SIGCONT)
    wait_for(one.rig.folder / "ended")
    one.feeder.say(2, 1, 0)
    one.feeder.watermark(2)
    one.rig.drained()

    assert text(2, 1, 0) in one.texts()
    assert len(list(one.rig.archive.rglob("*.eml"))) == 2, end_of(late)
    assert [each for each in deliveries(one.means.kafka) if each["conversation"] != "room2"] == told
    done = asyncio.run(again(one.means, everything=False))
    assert (done.mails, done.copies, done.files) == (0, 0, 0)
