"""`chatledger replay` on a real broker, beside what real workers have archived in a folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.config import load as load_config
from consumers.mapping import activate, load
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import RAW_EVENTS
from stores.factory import open_store
from tests.streams.feeding import Feeder
from tests.streams.replay.rig import counted, replay
from tests.streams.worker_rig import Rig, committed

pytestmark = pytest.mark.kafka


@pytest.fixture
def rig(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Rig]:
    """A live archive: 6 rooms on 2 days, one supplement, one room still open; the worker is stopped."""
    with Rig(kafka, tmp_path) as made:
        made.start()
        config = load_config(made.folder / "chatledger.toml")
        activate(kafka, Codec(), load(config.mapping), lambda: open_store(config.store))
        feeder = Feeder(kafka)
        for conversation in range(6):
            feeder.say(conversation, 0, 0, 1, 2)
            feeder.say(conversation, 1, 3)
        feeder.watermark(1)
        feeder.say(0, 0, 1, 7)  # one message known, one new
        feeder.watermark(2)
        feeder.say(5, 2, 0)
        made.drained()
        made.stop()
        yield made


def test_an_intact_archive_is_equal_and_live_workers_are_left_alone(rig: Rig) -> None:
    """Everything equal, exit code 0; the live group's positions are where they were."""
    before = committed(rig.kafka, RAW_EVENTS)
    report = replay(rig, "--into", "compare")
    assert counted(report) == {"slices": 13, "mails": 13, "equal": 13, "copies": 13, "copies_equal": 13}
    assert report["counts"]["open"] == 1
    assert committed(rig.kafka, RAW_EVENTS) == before
    assert not list((rig.folder / "state" / "replay").glob("*/"))
