"""Who runs the Kafka of a data folder: a small file, believed only when the process is what it says."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.detached import DetachedProcess
from sandbox.kafka_launch import properties_file


@dataclass(frozen=True)
class KafkaAddress:
    """Where a broker is reached (`127.0.0.1:PORT`), the version of Apache Kafka it is, and its process id."""

    bootstrap: str
    version: str
    pid: int

    @property
    def port(self) -> int:
        """The port of `bootstrap`."""
        return int(self.bootstrap.rpartition(":")[2])


def remember(data_dir: Path, address: KafkaAddress) -> None:
    """Write down who runs the Kafka of this folder."""
    _file(data_dir).write_text(json.dumps(asdict(address)))


def forget(data_dir: Path) -> None:
    """Remove what `remember` wrote, if it did."""
    _file(data_dir).unlink(missing_ok=True)


def recall(data_dir: Path) -> KafkaAddress | None:
    """Return the address of the broker that runs on this folder now, None when none does."""
    try:
        address = KafkaAddress(**json.loads(_file(data_dir).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return address if as_process(data_dir, address).running and _is_ours(data_dir, address.pid) else None


def as_process(data_dir: Path, address: KafkaAddress) -> DetachedProcess:
    """Return a handle on the broker, whoever started it."""
    return DetachedProcess(f"Apache Kafka {address.version}", data_dir / "server.log", address.pid)


def _file(data_dir: Path) -> Path:
    return data_dir / "server.pid.json"


def _is_ours(data_dir: Path, pid: int) -> bool:
    # After a reboot the number may be somebody else's, who must neither be stopped nor taken for a broker.
    return str(properties_file(data_dir)) in _command_line(pid)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="surrogateescape").replace("\0", " ")
    except OSError:  # no /proc on macOS
        shown = subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return shown.stdout
