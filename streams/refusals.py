"""What cannot be processed: told apart from what has to wait, and counted, since too much of it is our own fault."""

from collections import deque
from dataclasses import dataclass, field

from schemas.records import DeadLetter


class RejectedError(ValueError):
    """These bytes will never do; the message says what is wrong and where."""


class TooManyRefusalsError(RuntimeError):
    """Most records are refused: that is a bad deploy, not bad data, so the worker stops before dead-lettering all."""


@dataclass
class RefusalLimit:
    """Stops the worker when at least `share` of the last `window` records were refused."""

    window: int = 200
    share: float = 0.5
    _recent: deque[bool] = field(default_factory=deque)
    _refused: int = 0

    def note(self, *, refused: bool) -> None:
        """Count one record; TooManyRefusalsError when it is one too many."""
        self._recent.append(refused)
        self._refused += refused
        if len(self._recent) > self.window:
            self._refused -= self._recent.popleft()
        if len(self._recent) == self.window and self._refused >= self.share * self.window:
            msg = f"{self._refused} of the last {self.window} records were refused; stopped, nothing of them is committed"
            raise TooManyRefusalsError(msg)


def dead_letter(
    stage: str, topic: str, partition: int, position: int, key: bytes | None, value: bytes, error: Exception
) -> DeadLetter:
    """The letter for a record of a topic, with its original bytes."""
    origin = f"{topic}/{partition}/{position}"
    return {
        "stage": stage, "connector_uid": None, "reason": f"{origin}: {error}", "error": type(error).__name__,
        "origin": origin, "topic": topic, "partition": partition, "position": position, "key": key, "value": value,
        "value_ref": None,
    }  # fmt: skip
