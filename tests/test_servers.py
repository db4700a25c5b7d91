"""The same core tests against local processes and against containers: the broker's version, the store, the whole stream."""

import asyncio
import hashlib
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient

from schemas.broker import KafkaSettings
from stores.factory import open_store
from stores.interface import StoreConflictError
from stores.settings import AzureSettings
from tests.servers import AZURITE_API, VARIABLE, Blobs, Broker, Servers, wanted_way
from tests.streams.feeding import Feeder, expected_mails, text
from tests.streams.worker_rig import Rig, delivered_mails, deliveries, end_of

BOTH_WAYS = pytest.mark.parametrize("way", ["local", pytest.param("docker", marks=pytest.mark.docker)])
CONNECTION = "CHATLEDGER_TEST_AZURITE"


@pytest.fixture
def container(azurite: Blobs, monkeypatch: pytest.MonkeyPatch) -> AzureSettings:
    """A container that nobody has used; its connection string stands in the environment, as in production."""
    monkeypatch.setenv(CONNECTION, azurite.connection_string)
    name = f"t{uuid.uuid4().hex[:12]}"
    return AzureSettings(container=name, connection_string_env=CONNECTION, api_version=AZURITE_API)


@pytest.mark.kafka
@BOTH_WAYS
def test_the_broker_is_kafka_4(kafka_server: Broker) -> None:
    """The broker itself says so, by the versions of requests that it takes."""
    with closing(KafkaAdminClient(bootstrap_servers=kafka_server.bootstrap)) as admin:
        node = admin.describe_cluster()["brokers"][0]["broker_id"]
        assert admin.get_broker_version_data(node).broker_version[0] == 4


@pytest.mark.kafka
@BOTH_WAYS
def test_the_broker_keeps_its_topics_when_killed(kafka_server: Broker, kafka: KafkaSettings) -> None:
    """After SIGKILL and a new start everything is at the same address."""
    Feeder(kafka).say(0, 0, 1)
    kafka_server.kill()
    kafka_server.start()
    Feeder(kafka).watermark(2)
    assert {count for _, _, count, _ in expected_mails(kafka)} == {1}


@pytest.mark.azurite
@BOTH_WAYS
def test_the_store_creates_once(container: AzureSettings) -> None:
    """Azurite refuses to overwrite, and copies within itself."""

    async def scenario() -> None:
        store = open_store(container)
        try:
            first = await store.create("_mails/a.eml", b"hello", content_type="message/rfc822")
            with pytest.raises(StoreConflictError):
                await store.create("_mails/a.eml", b"other", content_type="message/rfc822")
            await store.copy("_mails/a.eml", "box/a.eml", content_type="message/rfc822", sha256=first.sha256)
            assert await store.read("box/a.eml") == b"hello"
        finally:
            await store.close()

    asyncio.run(scenario())


@pytest.mark.kafka
@pytest.mark.azurite
@pytest.mark.slow
@BOTH_WAYS
def test_raw_events_become_mails_in_azurite(
    kafka: KafkaSettings, container: AzureSettings, tmp_path: Path
) -> None:
    """A worker process archives what is in the log: all of it, once, with the hashes that the ledger names."""
    feeder = Feeder(kafka)
    for conversation in range(6):
        feeder.say(conversation, 0, 0, 1, 2)
    feeder.watermark(2)
    store = (
        f'kind = "azure"\ncontainer = "{container.container}"\n'
        f'connection_string_env = "{CONNECTION}"\napi_version = "{AZURITE_API}"'
    )
    with Rig(kafka, tmp_path, store=store) as rig:
        worker = rig.start()
        rig.drained()
        assert rig.stop() == [0], end_of(worker)
    assert delivered_mails(kafka) == expected_mails(kafka) != set()
    asyncio.run(_holds(container, deliveries(kafka)))


async def _holds(settings: AzureSettings, ledger: list[Any]) -> None:
    store = open_store(settings)
    try:
        for one in ledger:
            mail = await store.read(one["path"])
            assert hashlib.sha256(mail).digest() == one["sha256"]
            assert text(int(one["conversation"].removeprefix("room")), 0, 1).encode() in mail
            for copy in one["copies"]:
                if copy["path"] is not None:
                    assert await store.read(copy["path"]) == mail
    finally:
        await store.close()


def test_the_environment_chooses_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """`local` and `docker` are taken at their word, nothing else is."""
    for way in ("local", "docker"):
        monkeypatch.setenv(VARIABLE, way)
        assert wanted_way() == way
    monkeypatch.setenv(VARIABLE, "podman")
    with pytest.raises(pytest.UsageError, match="expected local, docker or auto"):
        wanted_way()


def test_without_an_engine_the_reason_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A test that needs a container is skipped, and says that no engine answers."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    with closing(Servers(lambda name: tmp_path / name)) as servers:
        for start in (servers.broker, servers.blobs):
            with pytest.raises(pytest.skip.Exception, match="no Docker engine answers"):
                start("docker")
