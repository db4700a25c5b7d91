"""Calls that nobody can end: a request without an answer sits in the operating system, whoever asks us to stop."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from producers.source import SourceUnavailableError

LOOK_S = 0.2

_Result = TypeVar("_Result")


def interruptible(call: Callable[[], _Result], stop: threading.Event) -> _Result:
    """What the call returns or raises; SourceUnavailableError soon after `stop`, and the call is left to itself.

    It runs in a thread that ends with the process. Costs some 0.1 ms.
    """
    box: queue.SimpleQueue[tuple[_Result | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            box.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            box.put((None, error))

    threading.Thread(target=run, daemon=True, name="webex-request").start()
    return _outcome(box, stop)


def _outcome(
    box: "queue.SimpleQueue[tuple[_Result | None, BaseException | None]]", stop: threading.Event
) -> _Result:
    while True:
        try:
            result, error = box.get(timeout=LOOK_S)
        except queue.Empty:
            if stop.is_set():
                raise SourceUnavailableError("stopped while waiting for Webex") from None
            continue
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # without an error there is a result, which may be None by its type
