"""A stop that has an end: a worker that is stopped while Kafka or the store is down does not wait until it is killed.

Faust waits for what its agents have taken, then for commits and for what its producer holds, without any limit. What has an
end here is this process: positions move, and are committed, only behind effects that are durable, so an end at any moment
commits nothing of an unfinished batch, and whoever comes next reads it again.
"""

import logging
import os
import threading
from typing import Any

import faust

SAYING_S = 1.0
"""For so long it may take to say why: whoever reads its log may have stopped reading."""
log = logging.getLogger(__name__)


class StoppingWorker(faust.Worker):  # type: ignore[misc]  # faust publishes no types
    """Faust's worker; `grace_s` seconds after the beginning of its stop, for whatever reason, the process ends with code 1."""

    def __init__(self, *args: Any, grace_s: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._grace_s = grace_s

    async def on_stop(self) -> None:
        """Called first; everything that waits comes after it."""
        end_after(self._grace_s)
        await super().on_stop()


def end_after(seconds: float) -> None:
    """End this process with exit code 1 unless it has ended by then: from a thread, since the event loop may hang too."""
    timers = threading.Timer(seconds, _end, (seconds,)), threading.Timer(seconds + SAYING_S, os._exit, (1,))
    for timer in timers:
        timer.daemon = True
        timer.start()


def _end(seconds: float) -> None:
    log.error(
        "stopped %.0f s ago, and Kafka or the store still has not taken what was begun: ending without it; nothing of it is "
        "committed, the next worker does it", seconds,
    )  # fmt: skip
    logging.shutdown()
    os._exit(1)
