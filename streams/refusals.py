"""What cannot be processed: told apart from what has to wait, and counted, since too much of it is our own fault."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from schemas.records import DeadLetter
from schemas.text import well_formed

LASTING = (ValueError, LookupError, TypeError, ArithmeticError)
"""What pure code raises over bytes that it can't take: the same bytes would always do so, so they are refused."""
LONGEST_REASON = 2_000  # characters


class RejectedError(ValueError):
    """These bytes will never do; the message says what is wrong and where."""


class DependencyError(RuntimeError):
    """Kafka, the store or the registry failed: no record's fault, so the worker ends and nothing is refused."""


class TooManyRefusalsError(RuntimeError):
    """Most records are refused: that is a bad deploy, not bad data, so the worker stops before dead-lettering all."""


@contextmanager
def dependency(what: str) -> Iterator[None]:
    """Within it, errors that look like those of bad bytes (LASTING) become DependencyError."""
    try:
        yield
    except LASTING as error:
        msg = f"{what}: {type(error).__name__}: {error}"
        raise DependencyError(msg) from error


@dataclass
class RefusalLimit:
    """Stops the worker when at least `share` of the last `window` records of one stage were refused.

    Each stage counts for itself: healthy ones would otherwise hide one that refuses everything.
    """

    window: int = 200
    share: float = 0.5
    _recent: dict[str, deque[bool]] = field(default_factory=dict)

    def note(self, stage: str, *, refused: bool) -> None:
        """Count one record; TooManyRefusalsError when it is one too many."""
        recent = self._recent.setdefault(stage, deque(maxlen=self.window))
        recent.append(refused)
        if refused and len(recent) == self.window and sum(recent) >= self.share * self.window:
            msg = (
                f"{stage}: {sum(recent)} of the last {self.window} records were refused (their dead letters say why): stopped "
                "before this goes on; if the data are at fault and not this version, raise worker.refusal_window"
            )
            raise TooManyRefusalsError(msg)


def dead_letter(
    stage: str, topic: str, partition: int, position: int, key: bytes | None, value: bytes, error: Exception
) -> DeadLetter:
    """The letter for a record of a topic, with its original bytes."""
    origin = f"{topic}/{partition}/{position}"
    reason = well_formed(f"{origin}: {error}")[:LONGEST_REASON]
    return {
        "stage": stage, "connector_uid": None, "reason": reason, "error": type(error).__name__,
        "origin": origin, "topic": topic, "partition": partition, "position": position, "key": key, "value": value,
        "value_ref": None,
    }  # fmt: skip
