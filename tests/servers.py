"""Real servers for tests: Apache Kafka 4.x and Azurite, as local processes or as containers, behind one face.

`CHATLEDGER_TEST_SERVERS` says which: `local` (the default: they start faster), `docker` (testcontainers), or `auto`
(containers where a Docker engine answers, local processes elsewhere). Tests marked `docker` ask for containers whatever
it says, so that a machine with an engine tries both ways in one run.
"""

import contextlib
import gc
import os
import socket
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import pytest

from sandbox.azurite import ACCOUNT, ACCOUNT_KEY, Azurite
from sandbox.kafka import KafkaServer
from tests.dovecot import Dovecot, DovecotContainer, binary, why_not

Way = Literal["local", "docker"]
VARIABLE = "CHATLEDGER_TEST_SERVERS"
KAFKA_IMAGE = "apache/kafka:4.1.0"
AZURITE_IMAGE = "mcr.microsoft.com/azure-storage/azurite:3.37.0"
# The newest that Azurite 3.37.0 knows; the client's own is newer. (Run locally it accepts any.)
AZURITE_API = "2026-06-06"


class Broker(Protocol):
    """A Kafka broker that a test may kill and start again; its topics survive."""

    @property
    def bootstrap(self) -> str:
        """`host:port`, the same after a restart."""

    def start(self) -> object:
        """Return when it answers."""

    def stop(self) -> object:
        """End it in order."""

    def kill(self) -> object:
        """End it as a crash would."""


class Blobs(Protocol):
    """An Azure Blob service."""

    @property
    def connection_string(self) -> str:
        """What azure-storage-blob's clients take."""


def wanted_way() -> Way:
    """The way that the environment asks for."""
    way = os.environ.get(VARIABLE, "local")
    if way == "auto":
        return "local" if engine_trouble() else "docker"
    if way == "docker":
        return "docker"
    if way == "local":
        return "local"
    raise pytest.UsageError(f"{VARIABLE} is {way!r}, expected local, docker or auto")


def engine_trouble() -> str | None:
    """Why no container can be started here; None if one can."""
    import docker  # type: ignore[import-untyped]  # noqa: PLC0415 - publishes no types; most runs need no engine

    with warnings.catch_warnings():
        # Where nobody listens, the client forgets to close its socket; it goes while that is no error.
        warnings.simplefilter("ignore", ResourceWarning)
        trouble = _asked(docker)
        gc.collect()
    return trouble


def _asked(docker: Any) -> str | None:
    try:
        with contextlib.closing(docker.from_env(timeout=10)) as client:
            client.ping()
    except docker.errors.DockerException as error:
        return f"no Docker engine answers: {str(error)[:200]}"
    return None


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class KafkaContainer:
    """Kafka 4.x from its official image; testcontainers' own class knows Confluent's images only, and Kafka 3.x.

    The broker listens on the same port inside and outside, so that the address that it advertises is right in both.
    """

    def __init__(self) -> None:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - asks for an engine
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415 - as above

        port = free_port()
        self._started = LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(180)
        self._container: Any = (
            DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port).waiting_for(self._started)
        )
        self.bootstrap = f"{self._container.get_docker_client().host()}:{port}"
        self._container.with_envs(**_kafka_variables(self.bootstrap, port))

    def __enter__(self) -> Self:
        self._container.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._container.__exit__(None, None, None)

    def start(self) -> None:
        """Start it again after `stop` or `kill`."""
        self._container.get_wrapped_container().start()
        _wait_answering(self.bootstrap)

    def stop(self) -> None:
        """SIGTERM; the container and its data stay."""
        self._container.get_wrapped_container().stop(timeout=20)

    def kill(self) -> None:
        """SIGKILL; the container and its data stay."""
        self._container.get_wrapped_container().kill()


class AzuriteContainer:
    """Azurite from its official image, and what testcontainers' own class lacks: a wait until it listens."""

    def __init__(self) -> None:
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - asks for an engine
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415 - as above

        listens = LogMessageWaitStrategy("Blob service (is )?successfully listen").with_startup_timeout(120)
        command = ["azurite-blob", "--blobHost", "0.0.0.0", "--disableTelemetry"]
        self._container: Any = (
            DockerContainer(AZURITE_IMAGE)
            .with_command(command)
            .with_exposed_ports(10000)
            .waiting_for(listens)
        )

    @property
    def connection_string(self) -> str:
        """What azure-storage-blob's clients take."""
        place = f"{self._container.get_container_host_ip()}:{self._container.get_exposed_port(10000)}"
        account = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY}"
        return f"{account};BlobEndpoint=http://{place}/{ACCOUNT};"

    def __enter__(self) -> Self:
        self._container.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._container.__exit__(None, None, None)


class Servers:
    """Starts each server when it is first asked for, and ends all of them with the run."""

    def __init__(self, folder: Callable[[str], Path]) -> None:
        """`folder` makes an empty folder with this name."""
        self._folder, self._up = folder, contextlib.ExitStack()
        self._brokers: dict[Way, Broker] = {}
        self._blobs: dict[Way, Blobs] = {}
        self._dovecots: dict[tuple[tuple[str, str], ...], Dovecot] = {}

    def broker(self, way: Way) -> Broker:
        """The Kafka broker; skips the test where there can't be one."""
        if way not in self._brokers:
            self._brokers[way] = self._up.enter_context(self._new_broker(way))
        return self._brokers[way]

    def blobs(self, way: Way) -> Blobs:
        """The Azurite; skips the test where there can't be one."""
        if way not in self._blobs:
            self._blobs[way] = self._up.enter_context(self._new_blobs(way))
        return self._blobs[way]

    def dovecot(self, **more: str) -> Dovecot:
        """A Dovecot with these further settings, on this machine or in a container; skips the test where there is neither."""
        key = tuple(sorted(more.items()))
        if key not in self._dovecots:
            reason = why_not(engine_trouble)
            if reason:
                pytest.skip(reason)
            kind = Dovecot if binary() else DovecotContainer
            self._dovecots[key] = self._up.enter_context(kind(more))
        return self._dovecots[key]

    def close(self) -> None:
        """End all of them, and what testcontainers keeps running beside its containers."""
        self._up.close()
        if "docker" in {*self._brokers, *self._blobs}:
            from testcontainers.core.container import Reaper  # noqa: PLC0415 - only where there is an engine

            Reaper.delete_instance()

    def _new_broker(self, way: Way) -> contextlib.AbstractContextManager[Broker]:
        _skip_without_engine(way)
        return KafkaServer(self._folder("kafka"), heap_mb=384) if way == "local" else KafkaContainer()

    def _new_blobs(self, way: Way) -> contextlib.AbstractContextManager[Blobs]:
        _skip_without_engine(way)
        return Azurite(self._folder("azurite")) if way == "local" else AzuriteContainer()


def _skip_without_engine(way: Way) -> None:
    trouble = engine_trouble() if way == "docker" else None
    if trouble:
        pytest.skip(trouble)


def _wait_answering(bootstrap: str, timeout_s: float = 180) -> None:
    from kafka.admin import KafkaAdminClient  # noqa: PLC0415 - only restarts need it
    from kafka.errors import KafkaError  # noqa: PLC0415 - as above

    deadline = time.monotonic() + timeout_s
    while True:
        try:
            # Short tries: the engine's own listener accepts and resets at once, and the client's pauses grow.
            KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=3_000).close()
        except KafkaError:
            if time.monotonic() > deadline:
                raise
        else:
            return


def _kafka_variables(bootstrap: str, port: int) -> dict[str, str]:
    """One variable replaces the image's whole default configuration, so everything is here; see compose.yml."""
    controller = 1024 if port != 1024 else 1025  # inside the container, where nothing else listens
    settings = {
        "node.id": "1",
        "process.roles": "broker,controller",
        "listeners": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://{bootstrap}",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": "/var/lib/kafka/data",
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # As for the local process: consumers join at once, and a dead one may be noticed within a second.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }
    named = {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
    return named | {"KAFKA_HEAP_OPTS": "-Xms128m -Xmx384m"}
