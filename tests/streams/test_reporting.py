"""What a worker says of itself, and when its watch ends it."""

import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from schemas.status import encode_status
from stores.interface import StoreUnavailableError
from stores.protection import Safeguard
from streams.app import Worker
from streams.positions import Positions, Stand
from streams.reporting import NoProgressError, Watch, alarms, fairly, proved, statuses

TP = ("raw-events", 0)


def test_a_partition_that_stands_still_with_work_waiting_ends_the_worker() -> None:
    """Only then: not when it moves, when nothing waits, or when the end isn't known."""
    watch = Watch(10)
    watch.look(TP, 5, 9, 0)
    watch.look(TP, 6, 9, 9)
    watch.look(TP, 6, 9, 19)
    with pytest.raises(NoProgressError, match="stuck at 6 of 9"):
        watch.look(TP, 6, 9, 20)
    for quiet in (6, 0, None):
        calm = Watch(10)
        calm.look(TP, 6, quiet, 0)
        calm.look(TP, 6, quiet, 100)
        calm.look(TP, 6, 9, 101)


def test_a_store_that_does_not_answer_is_waited_for() -> None:
    """Its outage is known and reported; a restart would not end it."""
    watch = Watch(10)
    for now in range(0, 100, 5):
        watch.rest()
        watch.look(TP, 5, 9, now)


def test_a_rebalance_without_end_ends_the_worker() -> None:
    """Faust has states in which it waits silently for ever."""
    watch = Watch(10)
    watch.rebalance(0, rebalancing=True)
    watch.rebalance(9, rebalancing=True)
    watch.rebalance(15, rebalancing=False)
    watch.rebalance(16, rebalancing=True)
    with pytest.raises(NoProgressError, match="rebalancing"):
        watch.rebalance(27, rebalancing=True)


class Consumer:
    """A consumer that knows ends of what is assigned only, as aiokafka's does."""

    def __init__(self, ends: dict[tuple[str, int], int]) -> None:
        self.ends = ends

    def assignment(self) -> set[tuple[str, int]]:
        """See Faust's Consumer."""
        return set(self.ends)

    def highwater(self, tp: tuple[str, int]) -> int:
        """See Faust's Consumer."""
        assert tp in self.ends, "Partition is not assigned"
        return self.ends[tp]


def worker(ends: dict[tuple[str, int], int], *, waiting: int = 0) -> Worker:
    """A worker that stands at 3 of partition 0."""
    positions = Positions()
    positions.start(TP, Stand(3, 3))
    made: Any = SimpleNamespace(
        positions=positions, app=SimpleNamespace(consumer=Consumer(ends)), stages={TP[0]: SimpleNamespace(name="assemble")},
        tools=SimpleNamespace(contents=SimpleNamespace(waiting=waiting, trouble="the store is down"), alarms={}),
        store=None,
    )  # fmt: skip
    return cast(Worker, made)


@pytest.mark.parametrize(
    ("ends", "waiting", "state", "left"),
    [({TP: 3}, 0, "idle", 0), ({TP: 9}, 0, "working", 6), ({TP: 9}, 1, "waiting", 6), ({}, 0, "idle", 0)],
)
def test_each_partition_says_how_far_it_is(
    ends: dict[tuple[str, int], int], waiting: int, state: str, left: int
) -> None:
    """Reached, and what waits; a partition that has just been taken away is no error."""
    (status,) = statuses(worker(ends, waiting=waiting))

    assert (status["reached"], status["state"], status["counters"]) == (3, state, {"waiting": left})
    assert (status["last_error"] is not None) == bool(waiting)
    assert encode_status(status)


class Guarded:
    """A store that is protected as somebody says, or can't be asked."""

    def __init__(self, said: Safeguard | None) -> None:
        self.said = said
        self.safeguard: Safeguard | None = None

    async def prove(self) -> Safeguard | None:
        """As AzureStore does."""
        if self.said is None:
            raise StoreUnavailableError("away")
        self.safeguard = self.said
        return self.said


def test_the_archive_stage_says_how_the_archive_is_protected() -> None:
    """Nothing before the probe; a store that does not answer is asked again."""
    made, store = worker({TP: 3}), Guarded(None)
    made.store = made.unproved = store  # type: ignore[assignment]  # all that is asked of a store here
    cast(Any, made.stages[TP[0]]).name = "archive"
    asyncio.run(proved(made))
    assert "protection" not in next(statuses(made))
    store.said = Safeguard("not enforced", "a blob could be deleted")
    asyncio.run(proved(made))
    assert next(statuses(made))["protection"] == "not enforced: a blob could be deleted"
    assert made.unproved is None


def test_an_alarm_names_what_stood_in_the_way() -> None:
    """By partition, as the status of component alarm, with the record that met it."""
    made = worker({TP: 3})
    assert list(alarms(made)) == []
    made.tools.alarms["conversations", 2] = (7, "m.eml: other bytes already stand there")
    (alarm,) = alarms(made)
    assert (alarm["component"], alarm["partition"], alarm["reached"], alarm["state"]) == (
        "alarm",
        2,
        7,
        "refused",
    )
    assert alarm["last_error"] is not None
    assert alarm["last_error"]["message"] == "m.eml: other bytes already stand there"
    assert encode_status(alarm)


def test_small_steps_within_a_large_batch_are_progress() -> None:
    """A mail with thousands of copies, or years of closings to restore, takes long without standing still."""
    watch = Watch(10)

    for now in range(0, 100, 5):
        watch.look(TP, 5, 9, now, steps=now)
    watch.look(TP, 5, 9, 105, steps=95)
    with pytest.raises(NoProgressError):
        watch.look(TP, 5, 9, 106, steps=95)


@pytest.mark.parametrize("away", [True, False])
def test_a_worker_that_waits_for_kafka_has_not_stalled(away: bool) -> None:
    """What stands still for longer than the limit while no broker answers begins anew; else the worker ends."""
    watch = Watch(10)
    watch.look(("t", 0), 5, 9, 0)

    async def answers() -> bool:
        return not away

    def look(now_s: float) -> None:
        asyncio.run(fairly(watch, lambda: watch.look(("t", 0), 5, 9, now_s), answers))

    if away:
        look(11)
        look(20)  # nine seconds after it has begun anew
    else:
        with pytest.raises(NoProgressError):
            look(11)


@pytest.mark.parametrize(("blocks_s", "code"), [(60, 1), (0, 0)])
def test_a_loop_that_is_blocked_ends_the_process(blocks_s: int, code: int) -> None:
    """Nothing in Python could: the watchdog is outside of it. It tells where the process stood."""
    program = (
        "import time\nfrom streams.reporting import end_unless_called_again\n"
        f"for _ in range(3):\n  end_unless_called_again(1)\n  time.sleep(0.4)\ntime.sleep({blocks_s})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True, check=False, text=True,
        timeout=50,
    )  # fmt: skip

    assert done.returncode == code
    assert ('File "<string>", line 6' in done.stderr) == bool(code)
