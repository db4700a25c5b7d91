"""What cannot be processed: told apart from what has to wait, and counted, since too much of it is our own fault."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

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

    Each stage counts for itself: healthy ones would otherwise hide one that refuses everything. What was counted is kept
    in the file `kept` when the worker is stopped: else each life that a supervisor starts would refuse a window more. A
    tenth of it is forgiven to the next life, so that a sound one gets past what is really at fault.
    """

    window: int = 200
    share: float = 0.5
    kept: Path | None = None
    _recent: dict[str, deque[bool]] = field(default_factory=dict)
    _is_kept: bool = False

    def __post_init__(self) -> None:
        """Go on from where the last life was stopped; a file that can't be read counts for nothing."""
        if self.kept is not None:
            with suppress(OSError, ValueError, AttributeError, TypeError):
                found = json.loads(self.kept.read_text(encoding="ascii"))
                self._recent = {stage: self._forgiving(past) for stage, past in found.items()}
                self._is_kept = True

    def note(self, stage: str, *, refused: bool) -> None:
        """Count one record, before its letter is sent; TooManyRefusalsError when it is one too many."""
        recent = self._recent.setdefault(stage, deque(maxlen=self.window))
        recent.append(refused)
        full = len(recent) == self.window
        too_many = sum(recent) >= self.share * self.window
        if full and not too_many:
            self._forget()
        if not (full and too_many and refused):
            return
        self._keep()
        msg = (
            f"{stage}: {sum(recent)} of the last {self.window} records were refused (their dead letters say why): stopped "
            "before this goes on; if the data are at fault and not this version, raise worker.refusal_window"
        )
        raise TooManyRefusalsError(msg)

    def _forgiving(self, past: list[int]) -> deque[bool]:
        return deque(map(bool, past[max(1, len(past) // 10) :]), self.window)

    def _forget(self) -> None:
        if self.kept is not None and self._is_kept:
            self.kept.unlink(missing_ok=True)
            self._is_kept = False

    def _keep(self) -> None:
        if self.kept is not None:
            with suppress(OSError):
                past = {stage: list(map(int, recent)) for stage, recent in self._recent.items()}
                self.kept.parent.mkdir(parents=True, exist_ok=True)
                self.kept.write_text(json.dumps(past), encoding="ascii")


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
