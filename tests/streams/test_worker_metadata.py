"""A group whose leader knew of no partitions when it gave them out gets them soon, not after Faust's five minutes."""

import os
import sys
import time
import uuid
from pathlib import Path

import pytest

from consumers.drain import group_members
from sandbox.processes import start_process, tail
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from tests.servers import Broker
from tests.streams.worker_rig import GROUP, REPOSITORY

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
PROGRAM = """
import sys
from pathlib import Path
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from stores.folder import FolderStore
from streams.app import run_worker
from streams.settings import WorkerSettings
bootstrap, prefix, folder = sys.argv[1:]
sys.exit(run_worker(
    KafkaSettings(bootstrap=bootstrap, topic_prefix=prefix), WorkerSettings(state_dir=Path(folder), session_seconds=6),
    FolderStore(Path(folder)), Codec(), loglevel="info",
))
"""


def assigned(kafka: KafkaSettings) -> list[int]:
    """How many partitions each member of the group has."""
    members = group_members(kafka, GROUP)
    return [
        sum(len(each["partitions"]) for each in one["member_assignment"]["assigned_partitions"])
        for one in members
        if isinstance(one["member_assignment"], dict)
    ]


def test_partitions_that_come_to_be_known_later_are_given_out(kafka_server: Broker, tmp_path: Path) -> None:
    """So it was after a broker's SIGKILL: it answered before it knew its topics, and the group stayed empty-handed."""
    kafka = KafkaSettings(bootstrap=kafka_server.bootstrap, topic_prefix=f"t{uuid.uuid4().hex[:8]}-")
    command = [sys.executable, "-c", PROGRAM, kafka.bootstrap, kafka.topic_prefix, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with start_process(command, log=tmp_path / "worker.log", env=env) as worker:
        wait_for(kafka, [0], 60, worker.log)
        create_topics(kafka)
        wait_for(kafka, [2 * kafka.partitions], 40, worker.log)


def wait_for(kafka: KafkaSettings, wanted: list[int], timeout_s: float, log: Path) -> None:
    """Return when the members have so many partitions; AssertionError with the worker's log if not in time."""
    until = time.monotonic() + timeout_s
    while (found := assigned(kafka)) != wanted:
        assert time.monotonic() < until, f"{found} instead of {wanted}: {tail(log)}"
        time.sleep(0.5)
