"""`chatledger replay` on a real broker, beside what real workers have archived in a folder."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.mapping import activate, load
from cli.config import load as load_config
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from tests.streams.feeding import Feeder
from tests.streams.replay.rig import command, counted, environment, hashes, replay
from tests.streams.worker_rig import Rig, committed, deliveries
from schemas.topics import RAW_EVENTS

pytestmark = pytest.mark.kafka
MAILS, COPIES = 13, 13


@pytest.fixture
def rig(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Rig]:
    """A live archive: 6 rooms on 2 days, one supplement, one room still open."""
    with Rig(kafka, tmp_path) as made:
        made.start()
        feeder = Feeder(kafka)
        for conversation in range(6):
            feeder.say(conversation, 0, 0, 1, 2)
            feeder.say(conversation, 1, 0, 3)
        feeder.watermark(1)
        feeder.say(0, 0, 1, 7)  # one message known, one new
        feeder.watermark(2)
        feeder.say(5, 2, 0)
        made.drained()
        yield made


def test_compare_of_an_intact_archive(rig: Rig) -> None:
    """Everything equal, exit code 0; the live group's positions are where they were."""
    rig.stop()
    before = committed(rig.kafka, RAW_EVENTS)
    report = replay(rig, "--into", "compare")
    print(report)
    assert committed(rig.kafka, RAW_EVENTS) == before
    assert counted(report) == {}
