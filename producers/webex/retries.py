"""Trying again: stamina's backoff, the service's own Retry-After, one budget over all, and an end at once on a stop."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import stamina

from producers.source import SourceUnavailableError

STEP_S = 1.0
"""Longest sleep in one piece, so that a stop ends a wait soon."""
UNREADABLE_S = 15.0
"""Wait for a Retry-After that is no number; `rand(30),add(30)` was met."""

_Result = TypeVar("_Result")


class TryLaterError(Exception):
    """Not now. `wait_s` is what the service asked for, None if nothing; `status` that of its answer, 0 if none."""

    def __init__(self, sentence: str, wait_s: float | None = None, status: int = 0) -> None:
        super().__init__(sentence)
        self.wait_s, self.status = wait_s, status


def retry_after_s(header: str | None) -> float | None:
    """Seconds of a Retry-After header; None without one."""
    if header is None:
        return None
    text = header.strip()
    return float(text) if text.isascii() and text.isdecimal() else UNREADABLE_S


class Retries:
    """One call with its retries, within a budget of seconds."""

    def __init__(self, stop: threading.Event, budget_s: float) -> None:
        self._stop, self._budget_s = stop, budget_s
        self._until = time.monotonic() + budget_s
        self._not_before = 0.0
        self._last: TryLaterError | None = None

    def run(self, call: Callable[[], _Result]) -> _Result:
        """What the call returns; SourceUnavailableError once the budget is used up, or at once on a stop."""
        try:
            for attempt in stamina.retry_context(
                on=self._backoff, attempts=None, timeout=max(self._budget_s, 0.001),
                wait_initial=0.2, wait_max=STEP_S * 4, wait_jitter=0.3,
            ):  # fmt: skip
                with attempt:
                    self._check()
                    return call()
        except TryLaterError as error:
            raise SourceUnavailableError(self._sentence(error)) from None
        raise AssertionError("stamina returns or raises")

    def _check(self) -> None:
        if self._stop.is_set():
            raise SourceUnavailableError("stopped while waiting for Webex")
        if self._last and time.monotonic() < self._not_before:
            raise self._last

    def _backoff(self, error: Exception) -> bool | float:
        """True = stamina's own backoff; seconds = that long; False = no use."""
        if not isinstance(error, TryLaterError):
            return False
        if error is not self._last:
            self._last = error
            self._not_before = time.monotonic() + (error.wait_s or 0.0)
        if not error.wait_s:
            return True
        if self._not_before > self._until:
            return False
        return min(STEP_S, max(self._not_before - time.monotonic(), 0.0))

    def _sentence(self, error: TryLaterError) -> str:
        if error.wait_s and self._not_before > self._until:
            return f"{error} and says to wait {error.wait_s:.0f} s"
        return f"{error}, for longer than {self._budget_s:.0f} s"
