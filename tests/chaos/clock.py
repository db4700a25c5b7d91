"""Moves the clocks of both sources at a steady rate, so that chats happen all the time while the schedule runs."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol, Self

import requests

TICK_S = 0.5


class Movable(Protocol):
    """A simulated source."""

    def move(self, now_ms: int) -> None:
        """Set its clock; it never goes back."""


class SteadyClock:
    """Goes from `begin_ms` to `end_ms` in `lasts_s` seconds, yet never further than `allow` says.

    So the last kill still finds work, also where the schedule takes longer than was thought.
    """

    def __init__(
        self, sources: Sequence[Movable], begin_ms: int, end_ms: int, lasts_s: float, push_ms: int
    ) -> None:
        self._sources, self._end_ms = sources, end_ms
        self._tick_ms = max(1, round((end_ms - begin_ms) * TICK_S / lasts_s))
        self._push_ms = push_ms
        self._span_ms, self._begin_ms = end_ms - begin_ms, begin_ms
        self._allowed_ms = begin_ms
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self.now_ms = begin_ms

    def allow(self, share: float) -> None:
        """The schedule has come so far (0 to 1)."""
        self._allowed_ms = min(self._end_ms, self._begin_ms + round(self._span_ms * min(1.0, share)))

    def push(self) -> None:
        """Let some time pass at once: somebody waits for work and there is none."""
        self._move(min(self._end_ms, self.now_ms + self._push_ms))

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            self._move(min(self._allowed_ms, self.now_ms + self._tick_ms))

    def _move(self, to_ms: int) -> None:
        if to_ms > self.now_ms:
            for source in self._sources:
                with suppress(requests.RequestException):  # the next tick moves it further
                    source.move(to_ms)
            self.now_ms = to_ms

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)
