"""What ends an importer's life, and how long it waits before the next."""

import threading
from pathlib import Path

import pytest
from kafka.errors import KafkaConnectionError

from consumers.importing import importer
from consumers.importing.files import EmlTarget
from consumers.importing.items import Landed
from consumers.importing.settings import ImportSettings
from consumers.reading import NoTopicError
from schemas.broker import KafkaSettings
from schemas.codec import Codec


class Stop(threading.Event):
    """Notes the pauses instead of waiting."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.pauses, self._most = list[float](), most

    def wait(self, timeout: float | None = None) -> bool:
        """Set after so many pauses."""
        self.pauses.append(timeout or 0.0)
        if len(self.pauses) == self._most:
            self.set()
        return self.is_set()


class Life:
    """Ends at once, as the next of these does."""

    ends: list[tuple[bool, Exception]]

    def __init__(self, *_: object) -> None:
        self.was_assigned = False

    def run(self, _: threading.Event) -> None:
        """Raise."""
        self.was_assigned, error = self.ends.pop(0)
        raise error


def lived(folder: Path, monkeypatch: pytest.MonkeyPatch, ends: list[tuple[bool, Exception]]) -> list[float]:
    """The pauses between lives that end so."""
    monkeypatch.setattr(importer, "Life", Life)
    monkeypatch.setattr(importer, "new_producer", lambda _: threading.Lock())  # a context manager
    monkeypatch.setattr(Life, "ends", ends, raising=False)
    stop = Stop(len(ends))
    settings = ImportSettings.model_validate({"target": {"kind": "folder", "path": folder}})
    target, attempt = EmlTarget(folder), lambda *_: Landed("appended", "", "")
    kafka = KafkaSettings(bootstrap="127.0.0.1:1")
    importer.Importer(kafka, Codec(), settings, target, attempt, folder / "state", {}).run(stop)
    return stop.pauses


def test_who_had_partitions_begins_anew_with_short_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pauses grow while nothing is reached, and only then."""
    down, missing = KafkaConnectionError(), NoTopicError("no topic")
    ends: list[tuple[bool, Exception]] = [
        (False, down),
        (False, missing),
        (False, down),
        (True, down),
        (False, down),
    ]
    assert lived(tmp_path, monkeypatch, ends) == [1.0, 2.0, 4.0, 1.0, 2.0]


def test_a_mistake_in_the_program_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A KeyError is no missing topic."""
    with pytest.raises(KeyError):
        lived(tmp_path, monkeypatch, [(True, KeyError("x"))])
