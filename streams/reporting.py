"""What a worker says of itself, and its watch over its own progress."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.app import Worker
    from streams.settings import WorkerSettings


class NoProgressError(RuntimeError):
    """Work is waiting and nothing moves: exit, so that a supervisor starts a worker that does."""


def report_status(worker: Worker, settings: WorkerSettings) -> None:
    """Attach the watch to the worker's app."""
    moved: dict[tuple[str, int], tuple[int, float]] = {}

    @worker.app.timer(5.0)
    async def watch_progress() -> None:
        now = time.monotonic()
        for tp, reached in list(worker.positions.reached.items()):
            last, since = moved.get(tp, (-1, now))
            if reached != last:
                moved[tp] = (reached, now)
            elif _behind(worker, tp, reached) and now - since > settings.stall_seconds:
                msg = f"{tp[0]}/{tp[1]}: stuck at {reached} for {now - since:.0f} s with work waiting"
                raise NoProgressError(msg)
        await asyncio.sleep(0)


def _behind(worker: Worker, tp: tuple[str, int], reached: int) -> bool:
    highwater = worker.app.consumer.highwater(_faust_tp(tp))
    return highwater is not None and highwater > reached


def _faust_tp(tp: tuple[str, int]) -> object:
    from faust.types import TP  # noqa: PLC0415 - keeps Faust out of the pure tests

    return TP(*tp)
