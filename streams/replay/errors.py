"""How a replay fails: with one sentence that says what to do."""

import errno
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ReplayError(RuntimeError):
    """The replay can't go on; the message says why. What was done stays done: started again, it goes on."""


class LocalDiskError(ReplayError):
    """What a replay keeps on local disk can't be kept there."""


def sentence(error: BaseException) -> str:
    """What an error of a replay says to people, in one line."""
    return str(error) if isinstance(error, ReplayError) else f"{type(error).__name__}: {error}"


@contextmanager
def on_local_disk(folder: Path) -> Iterator[None]:
    """Within it, SQLite's errors and those of a full disk become LocalDiskError; `folder` is where the state lies."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _FULL:
            raise
        places = f"{folder} (or {tempfile.gettempdir()}, where temporary files are)"
        told = f"the replay's state can't be kept in {places}: {error}; make room there, then the same command goes on"
        raise LocalDiskError(told) from error
