"""Waiting for what is down, without ever outlasting a stop: the one place where a collector sleeps."""

import logging
import random
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0


class StoppedError(Exception):
    """Somebody asked the collector to stop; what Kafka has not confirmed will be collected again."""


def now_ms() -> int:
    """Our own clock, in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def backoff_s(attempt: int, *, longest: float = LONGEST_PAUSE_S) -> float:
    """Seconds to wait after failure 0, 1, 2, ...: doubling up to `longest`, with jitter of a half."""
    ceiling = min(longest, FIRST_PAUSE_S * 2.0 ** min(attempt, 30))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing


class Waiting:
    """Waits for a dependency: says why, once for each reason, and raises StoppedError when asked to stop."""

    def __init__(self, stop: threading.Event, tell: Callable[[str], None] | None = None) -> None:
        self.stop = stop
        self.tell = tell
        self.alive: Callable[[], None] = lambda: None
        """Called while something large moves, at least twice a second: who watches must not take that for a standstill."""
        self._said = ""

    def check(self) -> None:
        """Raise StoppedError if somebody asked to stop."""
        if self.stop.is_set():
            raise StoppedError

    def pause(self, seconds: float) -> None:
        """Sleep this long, or raise StoppedError at once when asked to stop."""
        self.stop.wait(seconds)
        self.check()

    def trouble(self, sentence: str, attempt: int, *, longest: float = LONGEST_PAUSE_S) -> None:
        """Say what is wrong, then sleep as long as after `attempt` failures."""
        self.say(sentence)
        self.pause(backoff_s(attempt, longest=longest))

    def say(self, sentence: str) -> None:
        """Log a sentence unless it is the one said last; tell it to the status each time."""
        if sentence != self._said:
            log.warning("%s", sentence)
            self._said = sentence
        if self.tell is not None:
            self.tell(sentence)

    def fine(self) -> None:
        """Note that the trouble is over: the same sentence is news again."""
        self._said = ""
