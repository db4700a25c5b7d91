"""The embedded Apache Kafka, for real."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from sandbox import kafka, kafka_probe, ports
from sandbox.detached import DetachedProcess
from sandbox.downloads import LockedFile, WrongHashError
from sandbox.kafka import KafkaError, KafkaServer
from sandbox.kafka_jars import ensure_jars, read_lock
from sandbox.kafka_settings import as_properties, broker_settings
from sandbox.ports import is_free
from sandbox.processes import ProcessError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PARENT = """
import sys, time
from pathlib import Path
from sandbox.kafka import KafkaServer
print(KafkaServer(Path(sys.argv[1])).start().pid, flush=True)
time.sleep(1000)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KafkaServer]:
    """Give a broker that is not started yet, on a path with a space and a letter beyond ASCII."""
    with closing_server(KafkaServer(tmp_path / "50% dåta dir")) as broker:
        yield broker


class closing_server:  # noqa: N801 - reads as a function, like contextlib.closing
    """Stop a broker at the end without starting it at the beginning."""

    def __init__(self, broker: KafkaServer) -> None:
        self.broker = broker

    def __enter__(self) -> KafkaServer:
        return self.broker

    def __exit__(self, *_: object) -> None:
        self.broker.stop()


def _topics(broker: KafkaServer) -> set[str]:
    with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as admin:
        return set(admin.list_topics())


def _write(broker: KafkaServer, topic: str, value: bytes) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=broker.bootstrap)) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")) as producer:
        producer.send(topic, value).get(10)


def _read(broker: KafkaServer, topic: str) -> bytes:
    with closing(KafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        return bytes(next(consumer).value)


def _no_network(file: LockedFile, folder: Path, advance: Callable[[int], None]) -> Path:
    msg = f"asked the network for {file.name}"
    raise AssertionError(msg)


@pytest.mark.kafka
def test_it_is_kafka_4_and_refuses_unknown_topics(server: KafkaServer) -> None:
    """The broker itself says that it is 4.x, as the lock does, and listens on loopback only."""
    server.start()
    assert server.bootstrap.startswith("127.0.0.1:")
    with closing(KafkaAdminClient(bootstrap_servers=server.bootstrap)) as admin:
        assert admin.get_broker_version_data(1).broker_version >= (4, 0)
        assert admin.describe_features()["metadata.version"]["finalized"][1] >= 25  # 25 is 4.0
    assert f"Kafka version: {server.version}" in server.log.read_text()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((_other_address(), server.address.port), 1).close()


def _other_address() -> str:
    # 127.0.0.2 is this machine too, but not the address that is listened on.
    return "127.0.0.2"


@pytest.mark.kafka
def test_topics_survive_stop_and_crash(server: KafkaServer) -> None:
    """Records written before a stop and before a SIGKILL are there afterwards, at the same address."""
    server.start()
    address = server.bootstrap
    _write(server, "stopped", b"one")
    server.stop()
    assert not server.running
    server.start()
    _write(server, "killed", b"two")
    server.kill()
    assert not server.running
    server.start()
    assert server.bootstrap == address
    assert (_read(server, "stopped"), _read(server, "killed")) == (b"one", b"two")


@pytest.mark.kafka
def test_a_broker_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    """When the JVM ends at the start, the error holds Kafka's own reason, and nothing counts as running."""
    broker = KafkaServer(tmp_path / "data", overrides={"log.segment.bytes": "many"})
    with pytest.raises((ProcessError, KafkaError), match=r"log\.segment\.bytes"):
        broker.start()
    assert not kafka.status(tmp_path / "data").running


@pytest.mark.kafka
@pytest.mark.long
@pytest.mark.parametrize("name", ["broker", "controller"])
def test_a_port_that_somebody_else_gets_first_is_replaced(
    server: KafkaServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whichever of the two it is; storage that was formatted with the port that was lost is none the worse."""
    first, taken = iter([True]), socket.create_server((ports.LOOPBACK, 0))
    with taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(
            ports, "is_free", lambda one: (one == port and next(first, False)) or is_free(one)
        )
        server.data_dir.mkdir(parents=True)
        (server.data_dir / "ports.json").write_text(json.dumps({name: port}))
        server.start()
        assert json.loads((server.data_dir / "ports.json").read_text())[name] != port
        assert _topics(server) == set()


def test_the_broker_ends_with_its_parent(tmp_path: Path) -> None:
    """SIGKILL to the program that started the broker ends the broker, in order."""
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        broker = DetachedProcess("Kafka", tmp_path / "server.log", int(parent.stdout.readline()))
        assert kafka.status(tmp_path).answering
        parent.kill()
    deadline = time.monotonic() + 10
    while broker.running and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not broker.running
    assert "from SHUTTING_DOWN to SHUTDOWN" in broker.log.read_text()


@pytest.mark.kafka
def test_a_detached_broker_is_started_found_and_stopped(tmp_path: Path) -> None:
    """A detached broker is found by its folder alone, isn't started twice, and ends by `stop`."""
    data = tmp_path / "data dir"
    assert not kafka.status(data).running
    address = kafka.start_detached(data)
    try:
        status = kafka.status(data)
        assert (status.address, status.answering) == (address, True)
        assert 0 < status.disk_bytes < 10_000_000
        assert kafka.start_detached(data) == address
        with pytest.raises(KafkaError, match=f"already, as process {address.pid}"):
            KafkaServer(data).start()
    finally:
        assert kafka.stop(data)
    assert not kafka.status(data).running
    assert not kafka.stop(data)


@pytest.mark.kafka
def test_jars_need_no_network_once_cached_and_are_checked(tmp_path: Path, server: KafkaServer) -> None:
    """With all jars cached the network is not asked; one jar with other bytes stops the start."""
    lock = read_lock()
    copies = tmp_path / "cache" / "kafka" / lock.version
    copies.mkdir(parents=True)
    for jar in ensure_jars(lock):
        (copies / jar.name).symlink_to(jar)
    assert len(ensure_jars(lock, tmp_path / "cache", _no_network)) == len(lock.files)
    changed = copies / lock.files[-1].name
    content = bytearray(changed.read_bytes())
    content[1000] ^= 1
    changed.unlink()
    changed.write_bytes(content)
    with pytest.raises(WrongHashError, match=lock.files[-1].sha256):
        KafkaServer(tmp_path / "data", cache_dir=tmp_path / "cache").start()
    assert not kafka.status(tmp_path / "data").running


def test_another_process_with_that_number_is_left_alone(tmp_path: Path) -> None:
    """A process id from before a reboot, now somebody else's, is no broker and is not stopped."""
    (tmp_path / "server.pid.json").write_text(
        f'{{"bootstrap": "127.0.0.1:9", "version": "4.3.0", "pid": {os.getppid()}}}'
    )
    assert not kafka.status(tmp_path).running
    assert not kafka.stop(tmp_path)
    os.kill(os.getppid(), 0)


def test_a_port_that_merely_listens_is_not_ready() -> None:
    """A server that accepts but doesn't speak Kafka, or nobody at all, doesn't count as a broker."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert not kafka_probe.answers("127.0.0.1", port, timeout_s=0.1)
    assert not kafka_probe.answers("127.0.0.1", port, timeout_s=0.1)


def test_settings_are_escaped_for_java(tmp_path: Path) -> None:
    """Backslashes, letters beyond ASCII and beyond the first plane arrive in Java as they are."""
    assert as_properties({"a": "x\\y é 𝄞"}) == "a=x\\\\y \\u00e9 \\ud834\\udd1e\n"
    with pytest.raises(KafkaError, match="commas"):
        broker_settings(tmp_path / "a,b", 1, 2)
