"""The broker's configuration: one process that is broker and controller, on loopback, for one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class KafkaError(Exception):
    """The local Kafka can't do what was asked; the text says why."""


def broker_settings(log_dir: Path, port: int, controller_port: int) -> dict[str, str]:
    """Return server properties for a single KRaft node that keeps its data in `log_dir`.

    Names and meaning: https://kafka.apache.org/43/configuration/broker-configs/
    """
    if "," in str(log_dir):
        msg = f"Kafka takes log.dirs as a list with commas, so its folder can't have one: {log_dir}"
        raise KafkaError(msg)
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(log_dir),
        # Internal topics: there is one broker, and few clients.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "4",
        # Consumers join at once, and tests may notice a dead one within a second.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # After a crash the controller waits this long (default: 9 s) before it lets the same broker in again.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # A mistyped topic is an error, not a topic with default settings.
        "auto.create.topics.enable": "false",
        # 16 MiB hold the keys of some 600,000 records; the default takes 128 MiB of the heap.
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }


def as_properties(settings: Mapping[str, str]) -> str:
    """Return settings as a Java properties file, which is Latin-1: everything beyond ASCII is escaped."""
    return "".join(f"{name}={_escape(value)}\n" for name, value in settings.items())


def _escape(value: str) -> str:
    value = value.replace("\\", "\\\\").replace("\n", "\\n")
    utf16 = value.encode("utf-16-be")
    units = (int.from_bytes(utf16[at : at + 2]) for at in range(0, len(utf16), 2))
    return "".join(chr(unit) if unit < 128 else f"\\u{unit:04x}" for unit in units)
