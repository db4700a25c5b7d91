"""Calls that nobody can end: a request without an answer sits in the operating system, whoever asks us to stop."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

LOOK_S = 0.2

_Result = TypeVar("_Result")


def interruptible(call: Callable[[], _Result], check_stop: Callable[[], None]) -> _Result:
    """What the call returns or raises, or what `check_stop` raises meanwhile: then the call is left to itself.

    It is asked five times a second. The call runs in a thread that ends with the process. Costs some 0.1 ms.
    """
    box: queue.SimpleQueue[tuple[_Result | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            box.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            box.put((None, error))

    threading.Thread(target=run, daemon=True, name="request").start()
    return _outcome(box, check_stop)


def _outcome(
    box: "queue.SimpleQueue[tuple[_Result | None, BaseException | None]]", check_stop: Callable[[], None]
) -> _Result:
    while True:
        try:
            result, error = box.get(timeout=LOOK_S)
        except queue.Empty:
            check_stop()
            continue
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # without an error there is a result, which may be None by its type
