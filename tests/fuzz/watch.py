"""Runs work that may never end, or end badly, and says which."""

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)


@dataclass
class Watch:
    """Counts what crashed and what hung; each with a sentence for the person who has to find out."""

    seconds: float = 120.0
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)

    def over(self, what: str, work: Callable[[], object], stop: Callable[[], object] = lambda: None) -> bool:
        """Do the work in a thread; False if it raised or did not end within the time. `stop` asks it to end then."""
        errors: list[BaseException] = []

        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is the finding
                errors.append(error)

        thread = threading.Thread(target=guarded, name=what, daemon=True)
        thread.start()
        thread.join(self.seconds)
        if thread.is_alive():
            self.hangs.append(f"{what}: not over after {self.seconds:.0f} s, at {_place(thread)}")
            stop()
            thread.join(15)
            return False
        for error in errors:
            self.crashes.append(f"{what}: {_last_words(error)}")
        return not errors


def _place(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    lines = traceback.extract_stack(frame) if frame else []
    return " < ".join(f"{line.filename.rpartition('/')[2]}:{line.lineno}" for line in reversed(lines[-8:]))


def _last_words(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    lines = traceback.extract_tb(error.__traceback__)[-6:]
    where = " > ".join(f"{line.filename.rpartition('/')[2]}:{line.lineno}" for line in lines)
    return f"{type(error).__name__}: {str(error)[:300]} ({where})"
