"""The one fixture set for real servers. Folders of tests may override a fixture by one of the same name."""

import contextlib
import uuid
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.topics import CATALOGUE
from tests.servers import Blobs, Broker, Servers, Way, wanted_way

# What else the machine does at the moment is no fault of the code: no test fails for being slow.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Where several run at a time, a file's tests stay together; of Dovecots one at a time has enough to do.

    Not `loadgroup`: with pytest 9.2 it groups nothing, and says nothing (github.com/pytest-dev/pytest-xdist/issues/1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "dovecot" if "/importing/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """pytest-xdist asks how tests are dealt out."""
    return ByFile(config, log)


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
def new_kafka(kafka_server: Broker) -> Iterator[Callable[..., KafkaSettings]]:
    """Topics of one's own on the broker, as often as wanted; with too many of them a broker takes a minute to start again."""
    made = list[KafkaSettings]()

    def make(partitions: int = 3) -> KafkaSettings:
        prefix = f"t{uuid.uuid4().hex[:8]}-"
        kafka = KafkaSettings(bootstrap=kafka_server.bootstrap, partitions=partitions, topic_prefix=prefix)
        create_topics(kafka)
        made.append(kafka)
        return kafka

    yield make
    for kafka in made:
        _delete_topics(kafka)


def _delete_topics(kafka: KafkaSettings) -> None:
    """All of the test's; a broker that the test left dead keeps them."""
    deaf = contextlib.suppress(KafkaError)
    with (
        deaf,
        contextlib.closing(KafkaAdminClient(**kafka.client_kwargs(), bootstrap_timeout_ms=5_000)) as admin,
    ):
        admin.delete_topics([kafka.topic(topic.name) for topic in CATALOGUE])


@pytest.fixture
def kafka(new_kafka: Callable[..., KafkaSettings]) -> KafkaSettings:
    """All topics of the catalogue, empty, under a prefix that no other test has."""
    return new_kafka()


@pytest.fixture
def azurite(servers: Servers, way: Way) -> Blobs:
    """A real Azurite."""
    return servers.blobs(way)
