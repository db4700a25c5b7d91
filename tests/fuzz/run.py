"""Hands over so many hostile inputs, round by round, to both sources and to every topic."""

import contextlib
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.kafka import KafkaServer
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from tests.fuzz.front import Mix
from tests.fuzz.records import batch
from tests.fuzz.sources import Place, Round, liveperson, webex
from tests.fuzz.tally import Tally
from tests.fuzz.watch import Watch
from tests.producers.liveperson_rig import SECRETS

RECORDS = 0.4
"""Share of the inputs that are records; the rest comes from the sources."""
BATCH = 50
ROUNDS: tuple[tuple[str, Callable[[Place, Mix], Round], int], ...] = (
    ("webex", webex, 0), ("liveperson", liveperson, 40),
)  # fmt: skip


def fuzz(wanted: int, seed: int, tell: Callable[[str], None], bootstrap: str | None = None) -> dict[str, Any]:
    """At least so many inputs from this seed; on a broker that runs already, or one of its own."""
    tally = Tally(seed, Watch())
    records = round(wanted * RECORDS)
    with _folder() as folder, _broker(folder, bootstrap) as address:
        _records(tally, records, folder)
        tell(f"{tally.inputs} records: {len(tally.lost)} lost, {len(tally.watch.crashes)} crashes")
        number = 0
        while (number < len(ROUNDS) or tally.inputs < wanted) and not tally.watch.hangs:
            name, play, most = ROUNDS[number % len(ROUNDS)]
            scale = min(most, wanted // 20)
            _source(
                tally,
                name,
                play,
                Place(f"{seed}/{number}", folder / f"r{number}", _kafka(address), tally.watch, scale),
            )
            number += 1
            tell(
                f"{tally.inputs} of {wanted} inputs; {name}: {tally.beside['mails']} mails in all, {len(tally.lost)} lost"
            )
    return tally.document()


def _records(tally: Tally, count: int, folder: Path) -> None:
    for number in range(0, count, BATCH):
        seed = f"{tally.seed}/records/{number}"
        place = folder / f"b{number}"
        place.mkdir()
        tally.add_batch(seed, batch(seed, min(BATCH, count - number), place, tally.watch))


def _source(tally: Tally, name: str, play: Callable[[Place, Mix], Round], place: Place) -> None:
    place.folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in SECRETS.items():
            patch.setenv(variable, value)
        tally.add_round(name, play(place, Mix(huge=int(place.seed.endswith(("/0", "/1"))))))


def _kafka(bootstrap: str) -> KafkaSettings:
    kafka = KafkaSettings(bootstrap=bootstrap, partitions=2, topic_prefix=f"f{uuid.uuid4().hex[:8]}-")
    create_topics(kafka)
    return kafka


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def _broker(folder: Path, bootstrap: str | None) -> Iterator[str]:
    if bootstrap is not None:
        yield bootstrap
        return
    with KafkaServer(folder / "kafka", heap_mb=384) as server:
        yield server.bootstrap
