"""A worker that is stopped while Kafka or the store is down: it ends in time, and what it had begun the next one does."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.kafka import KafkaServer
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.topics import CONVERSATIONS
from tests.streams.feeding import Feeder, expected_mails
from tests.streams.test_worker import eventually, letters
from tests.streams.worker_rig import Rig, committed, delivered_mails, end_of

pytestmark = [pytest.mark.kafka, pytest.mark.slow]
STOP_S = 3
ROOT = Path(__file__).parents[2]
SLACK_S = 12  # for a machine that has other things to do
NOWHERE = """kind = "azure"
container = "chats"
connection_string_env = "NO_STORE"
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """One of its own, since it is going to be killed."""
    with KafkaServer(tmp_path_factory.mktemp("broker")) as server:
        yield server


@pytest.fixture
def kafka(broker: KafkaServer, request: pytest.FixtureRequest) -> KafkaSettings:
    """Topics of this test alone."""
    prefix = f"t{abs(hash(request.node.name)) % 10**8}-"
    found = KafkaSettings(bootstrap=broker.bootstrap, partitions=2, topic_prefix=prefix)
    create_topics(found)
    return found


@pytest.fixture
def no_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An address at which nothing answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/devstoreaccount1"
        text = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=bm9uZQ==;BlobEndpoint={address};"
        monkeypatch.setenv("NO_STORE", text)
        yield


def began(rig: Rig, sign: str) -> Callable[[], bool]:
    """Whether the newest worker has said this."""
    return lambda: sign in rig.running[-1].log.read_text()


def stopped(rig: Rig) -> tuple[int, float]:
    """SIGTERM to the only worker: its exit code, and how long it took."""
    since = time.monotonic()
    code = rig.running[-1].stop(60)
    return code, time.monotonic() - since


@pytest.mark.usefixtures("no_store")
@pytest.mark.parametrize("down", ["store and Kafka", pytest.param("store", marks=pytest.mark.long)])
def test_a_worker_that_is_stopped_during_an_outage_ends_in_time(
    broker: KafkaServer, kafka: KafkaSettings, tmp_path: Path, down: str
) -> None:
    """Exit code 1 and a sentence within `stop_seconds`; nothing of what it had begun is committed, the next one does it."""
    feeder = Feeder(kafka)
    for conversation in range(6):
        feeder.say(conversation, 0, 1, 2)
    feeder.watermark(1)
    with Rig(kafka, tmp_path, store=NOWHERE, worker={"session_seconds": 6, "stop_seconds": STOP_S}) as rig:
        worker = rig.start()
        eventually(began(rig, "store unavailable, next try"), 60)
        if "Kafka" in down:
            broker.kill()
        code, took_s = stopped(rig)
        if "Kafka" in down:
            broker.start()
    assert code == 1, end_of(worker)
    assert took_s < STOP_S + SLACK_S
    assert "ending without it" in worker.log.read_text()
    assert all(reached <= 0 for _, reached in committed(kafka, CONVERSATIONS).values())
    with Rig(kafka, tmp_path) as rig:
        rig.start()
        rig.drained()
        assert rig.stop() == [0]
    assert delivered_mails(kafka) == expected_mails(kafka)
    assert letters(kafka) == []


def test_nobody_has_to_read_the_log_of_who_ends() -> None:
    """A loop that waits for its log to be read holds the lock of it, and the sentence on the end would wait for that too."""
    stuck = """
import logging
from streams.stopping import end_after
logging.basicConfig()
end_after(0.5)
while True:
    logging.error("x" * 10_000)
"""
    with subprocess.Popen([sys.executable, "-c", stuck], stderr=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.wait(30) == 1
        finally:
            process.kill()


@pytest.mark.long
def test_an_idle_worker_that_is_stopped_without_kafka_ends_in_time(
    broker: KafkaServer, kafka: KafkaSettings, tmp_path: Path
) -> None:
    """It has nothing to do but to say goodbye, and there is nobody to hear it."""
    Feeder(kafka).say(0, 0, 1)
    with Rig(kafka, tmp_path, worker={"session_seconds": 6, "stop_seconds": STOP_S}) as rig:
        worker = rig.start()
        rig.drained()
        broker.kill()
        _, took_s = stopped(rig)
        broker.start()
        assert took_s < STOP_S + SLACK_S, end_of(worker)
