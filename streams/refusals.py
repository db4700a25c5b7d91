"""What cannot be processed: told apart from what has to wait, and counted, since too much of it is our own fault."""

import json
import tempfile
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
    in a file of the folder `kept` when the worker is stopped: else each life that a supervisor starts would refuse a window
    more. A tenth of it is forgiven to the next life, so that a sound one gets past what is really at fault. Workers of one
    host share the folder: a file for each stage, whole or not there, and removed only by who knows what it says.
    """

    window: int = 200
    share: float = 0.5
    kept: Path | None = None
    _recent: dict[str, deque[bool]] = field(default_factory=dict)
    _refused: dict[str, int] = field(default_factory=dict)
    """By stage, how many of the recent ones: the sum over a window for each record would cost more than the record's route."""
    _known: dict[str, str] = field(default_factory=dict)
    """By stage, what its file said when it was read."""

    def note(self, stage: str, *, refused: bool) -> None:
        """Count one record, before its letter is sent; TooManyRefusalsError when it is one too many."""
        if stage not in self._recent:
            self._recent[stage] = self._restored(stage)
            self._refused[stage] = sum(self._recent[stage])
        recent = self._recent[stage]
        self._refused[stage] += refused - (recent[0] if len(recent) == self.window else 0)
        recent.append(refused)
        full = len(recent) == self.window
        too_many = self._refused[stage] >= self.share * self.window
        if full and not too_many:
            self._forget(stage)
        if not (full and too_many and refused):
            return
        self._keep(stage)
        msg = (
            f"{stage}: {self._refused[stage]} of the last {self.window} records were refused (their dead letters say why): "
            "stopped before this goes on; if the data are at fault and not this version, raise worker.refusal_window"
        )
        raise TooManyRefusalsError(msg)

    def _restored(self, stage: str) -> deque[bool]:
        """Go on from where a life was stopped; a file that can't be read counts for nothing."""
        if self.kept is not None:
            with suppress(OSError, ValueError, LookupError, TypeError):
                text = _file(self.kept, stage).read_text(encoding="ascii")
                past = json.loads(text)
                self._known[stage] = text
                return deque(map(bool, past[max(1, len(past) // 10) :]), self.window)
        return deque(maxlen=self.window)

    def _forget(self, stage: str) -> None:
        known = self._known.pop(stage, None)
        if self.kept is not None and known is not None:
            file = _file(self.kept, stage)
            with suppress(OSError, ValueError):
                if file.read_text(encoding="ascii") == known:  # else another worker was stopped since
                    file.unlink()

    def _keep(self, stage: str) -> None:
        if self.kept is not None:
            with suppress(OSError):
                self.kept.mkdir(parents=True, exist_ok=True)
                with tempfile.NamedTemporaryFile(
                    "w", dir=self.kept, prefix=".refusals-", delete=False
                ) as growing:
                    growing.write(json.dumps(list(map(int, self._recent[stage]))))
                Path(growing.name).replace(_file(self.kept, stage))


def _file(folder: Path, stage: str) -> Path:
    return folder / f"refusals-{stage}.json"


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
