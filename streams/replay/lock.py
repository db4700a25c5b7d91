"""One process at a time: a lock on a file, which the system lets go of when the process ends, however it ends."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from streams.replay.errors import ReplayError


class AlreadyRunningError(ReplayError):
    """Another process does the same; the message says what."""


@contextlib.contextmanager
def only_one(path: Path, otherwise: str) -> Iterator[None]:
    """Hold the lock of this file, which stays; AlreadyRunningError with that sentence if another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(otherwise) from error
        yield
