"""Logs for the first stage, and lives of a worker on them."""

import asyncio
import random
from typing import Any

from schemas.ids import with_version
from schemas.topics import RAW_EVENTS
from streams.defaults import default_settings
from streams.positions import Stand
from tests.streams.doubles import KAFKA, Bench
from tests.streams.logs import GRACE_MS, STALL_MS, control, raw
from tests.streams.oracle import Mail

WHERE = ("a", "c", "s0")
SETTINGS = {
    uid: with_version({**default_settings(uid, "webex"), "grace_ms": GRACE_MS, "stall_ms": STALL_MS})
    for uid in "ab"
}
TP = (KAFKA.topic(RAW_EVENTS.name), 0)


def with_settings(log: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The log with both connectors' settings at its beginning."""
    lead = [
        ("Control", {**control(uid, "settings", "live", None), "settings": SETTINGS[uid]}) for uid in "ab"
    ]
    return [*lead, *log]


def said(*numbers: int, captured: int = 10) -> tuple[str, Any]:
    """A record of raw-events."""
    return "RawEvents", raw(WHERE, list(numbers), "live", captured=captured, close_at=None)


MARK = ("Control", control("a", "watermark", "live", 20))


def emitted(bench: Bench) -> list[Mail]:
    """Closed slices as the oracle names them."""
    return [
        ("|".join([one["connector_uid"], one["conversation"], one["slice"]]), one["revision"],
         tuple(event["id"] for event in one["events"]), one["mapping_version"])
        for one in bench.slices()
    ]  # fmt: skip


async def one_life(bench: Bench, stored: Stand, steps: int, chance: random.Random) -> Stand:
    """Work from what is committed until the end, or until killed after so many steps; commits come at any await."""
    bench.own(bench.assemble, 0, stored)
    life = asyncio.create_task(bench.work(bench.assemble))
    for _ in range(steps):
        await asyncio.sleep(0)
        if chance.random() < 0.1:
            stored = bench.positions.to_commit([TP]).get(TP, stored)
            bench.positions.confirm({TP: stored})
        if chance.random() < 0.03:  # a rebalance gives the partition back, with what was committed last
            bench.positions.revoke([TP])
            if not bench.positions.keeps(TP, stored):
                bench.own(bench.assemble, 0, stored)
            bench.positions.settled(bench.positions.revocations())
        if life.done():
            life.result()
            life = asyncio.create_task(bench.work(bench.assemble))
    life.cancel()
    await asyncio.gather(life, return_exceptions=True)
    bench.scratch.close()
    return stored
