"""The one fixture set for real servers. Folders of tests may override a fixture by one of the same name."""

import contextlib
import uuid
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from tests.servers import Blobs, Broker, Servers, Way, wanted_way

# What else the machine does at the moment is no fault of the code: no test fails for being slow.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Kafka and Azurite of this run, started when first asked for."""
    with contextlib.closing(Servers(tmp_path_factory.mktemp)) as found:
        yield found


@pytest.fixture
def way() -> Way:
    """Local processes or containers; a test that tries both is parametrized with `way`."""
    return wanted_way()


@pytest.fixture
def kafka_server(servers: Servers, way: Way) -> Broker:
    """The broker itself, for tests that kill it; they start it again."""
    return servers.broker(way)


@pytest.fixture
def new_kafka(kafka_server: Broker) -> Callable[..., KafkaSettings]:
    """Topics of one's own on the broker, as often as wanted."""

    def make(partitions: int = 3) -> KafkaSettings:
        prefix = f"t{uuid.uuid4().hex[:8]}-"
        kafka = KafkaSettings(bootstrap=kafka_server.bootstrap, partitions=partitions, topic_prefix=prefix)
        create_topics(kafka)
        return kafka

    return make


@pytest.fixture
def kafka(new_kafka: Callable[..., KafkaSettings]) -> KafkaSettings:
    """All topics of the catalogue, empty, under a prefix that no other test has."""
    return new_kafka()


@pytest.fixture
def azurite(servers: Servers, way: Way) -> Blobs:
    """A real Azurite."""
    return servers.blobs(way)
