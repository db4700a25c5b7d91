"""The status of one lane: what it does, how far it is, what went wrong last. Written often, kept as the latest."""

import time
from collections.abc import Callable

from producers.lanes import Lane
from producers.settings import ConnectorBase
from schemas.status import ConnectorStatus, LastError, State

QUIET_S = 1.0
"""At most one record in this time while nothing but figures changes."""

Write = Callable[[ConnectorStatus], None]


class LaneStatus:
    """Tells the state of a lane through `write`; figures at most once a second, changes of state at once."""

    def __init__(
        self, connector: ConnectorBase, source: str, lane: str, write: Write, clock: Callable[[], int]
    ) -> None:
        self._connector = connector
        self._source = source
        self._lane = lane
        self._write = write
        self._clock = clock
        self._state: State = "starting"
        self._error: LastError | None = None
        self._success_ms: int | None = None
        self._written = ("", 0.0)
        self.captured_up_to_ms: int | None = None
        self.source_now_ms: int | None = None
        self.progress: float | None = None
        self.counters: dict[str, int] = {}

    def place(self, lane: Lane, counters: dict[str, int]) -> None:
        """Take over how far the lane is."""
        self.captured_up_to_ms = lane.watermark_ms if lane.watermark_ms >= 0 else None
        self.progress = lane.progress
        self.counters = dict(counters)

    def success(self) -> None:
        """Note that a round is finished and confirmed."""
        self._success_ms = self._clock()

    def trouble(self, state: State, message: str) -> None:
        """Say what is wrong: `waiting` if it may pass by itself, `refused` if somebody must act."""
        self._error = {"at_ms": self._clock(), "message": message}
        self.show(state)

    def show(self, state: State) -> None:
        """Write the status, unless the same was written a moment ago."""
        self._state = state
        said = f"{state} {self._error['message'] if self._error else ''}"
        now = time.monotonic()
        if said != self._written[0] or now - self._written[1] >= QUIET_S:
            self._written = (said, now)
            self._write(self.record())

    def record(self) -> ConnectorStatus:
        """Return the status as it stands."""
        return {
            "connector_uid": self._connector.uid,
            "connector": self._connector.name,
            "source": self._source,
            "component": "collector",
            "partition": None,
            "lane": self._lane,
            "reached": None,
            "state": self._state,
            "captured_up_to_ms": self.captured_up_to_ms,
            "lag_ms": self._lag_ms(),
            "progress": self.progress,
            "last_success_ms": self._success_ms,
            "last_error": self._error,
            "counters": self.counters,
            "updated_at_ms": self._clock(),
        }

    def _lag_ms(self) -> int | None:
        if self.source_now_ms is None or self.captured_up_to_ms is None:
            return None
        return max(0, self.source_now_ms - self.captured_up_to_ms)
