"""Kafka for the producers' tests, and a simulated LivePerson with the secrets for it."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from producers import runner as runner_module
from sandbox.kafka import KafkaServer
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from tests.producers.liveperson_rig import OAUTH1, SECRETS, Account, account


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """One real broker for all tests of this folder; a test that kills it starts it again."""
    with KafkaServer(tmp_path_factory.mktemp("kafka"), heap_mb=384) as server:
        yield server


@pytest.fixture
def fresh(broker: KafkaServer) -> Callable[..., KafkaSettings]:
    """Topics of one's own on that broker."""

    def make(partitions: int = 3) -> KafkaSettings:
        prefix = f"t{uuid.uuid4().hex[:8]}-"
        kafka = KafkaSettings(bootstrap=broker.bootstrap, partitions=partitions, topic_prefix=prefix)
        create_topics(kafka)
        return kafka

    return make


@pytest.fixture
def lp_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the simulated LivePerson, in the environment."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    for name, value in OAUTH1.items():
        monkeypatch.setenv(f"TEST_LP_{name.upper()}_1", value)


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Account]:
    """A simulated LivePerson account."""
    with account(tmp_path) as running:
        yield running


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds for an order to be heeded."""
    monkeypatch.setattr(runner_module, "LOOK_S", 0.1)
