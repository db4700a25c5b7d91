"""Starts the product's own worker command on a broker, and reads what it has made of the log."""

import contextlib
import itertools
import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from kafka.admin import KafkaAdminClient
from kafka.errors import RetriableError

from consumers.drain import wait_until_drained
from consumers.reading import read_all
from sandbox.processes import ManagedProcess, start_process, tail
from schemas import codec
from schemas.broker import KafkaSettings
from schemas.commits import read
from schemas.topics import DELIVERIES, Topic
from tests.streams.feeding import UID, Named

GROUP = "chatledger"
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Rig:
    """Workers of one installation, its archive in a folder unless `store` says otherwise; ends all of them."""

    kafka: KafkaSettings
    folder: Path
    store: str = ""
    worker: Mapping[str, float] = field(default_factory=lambda: {"session_seconds": 3, "commit_seconds": 0.2})
    running: list[ManagedProcess] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    @property
    def archive(self) -> Path:
        """Where the folder store lies."""
        return self.folder / "archive"

    def start(self, broken: str = "") -> ManagedProcess:
        """One more worker; `broken` is Python that runs before it, to break what it stands on."""
        config = self.write_config()
        log = self.folder / f"worker-{next(self._numbers)}.log"
        begin = ["-c", f"{broken}\nimport cli.main\ncli.main.main()"] if broken else ["-m", "cli.main"]
        command = [sys.executable, *begin, "work", "--config", str(config)]
        env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        process = start_process(command, log=log, cwd=self.folder, env=env)
        self.running.append(process)
        return process

    def write_config(self) -> Path:
        """The configuration file of this installation."""
        config = self.folder / "chatledger.toml"
        config.write_text(self._config(), encoding="utf-8")
        return config

    def drained(self) -> None:
        """Return when every stage has done everything."""
        wait_until_drained(self.kafka, GROUP, patience_s=60)

    def stop(self) -> list[int]:
        """SIGTERM to all; their exit codes."""
        codes = [process.stop(30) for process in self.running]
        self.running.clear()
        return codes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running:
            process.kill()

    def _config(self) -> str:
        store = self.store or f'kind = "folder"\npath = "{self.archive}"\ndurable = false'
        settings = "\n".join(f"{name} = {value}" for name, value in self.worker.items())
        return f"""state_dir = "{self.folder / "state"}"
[kafka]
bootstrap = "{self.kafka.bootstrap}"
topic_prefix = "{self.kafka.topic_prefix}"
partitions = {self.kafka.partitions}
[store]
{store}
[mapping]
domains = ["bank.example"]
[worker]
{settings}
[[connector]]
kind = "webex"
uid = "{UID}"
name = "Webex"
client_id = "none"
client_secret = {{ env = "NOWHERE" }}
token_file = "none"
"""


def end_of(process: ManagedProcess) -> str:
    """The last lines of a worker's log, for messages."""
    return tail(process.log, 30)


def deliveries(kafka: KafkaSettings) -> list[Any]:
    """Every record of the ledger."""
    return [
        codec.decode(record.value).value for record in read_all(kafka, DELIVERIES) if record.value is not None
    ]


def delivered_mails(kafka: KafkaSettings) -> set[Named]:
    """(slice, revision, events, mail id) of everything in the ledger; an AssertionError if one id means two mails."""
    stored: dict[bytes, set[tuple[str, bytes]]] = defaultdict(set)
    found = set()
    for one in deliveries(kafka):
        stored[one["mail_id"]].add((one["path"], one["sha256"]))
        name = "|".join([one["connector_uid"], one["conversation"], one["slice"]])
        found.add((name, one["revision"], one["event_count"], one["mail_id"]))
    assert all(len(places) == 1 for places in stored.values())
    return found


def committed(kafka: KafkaSettings, topic: Topic) -> dict[int, tuple[int, int]]:
    """What the group has committed by partition: (first needed, reached)."""
    with contextlib.closing(KafkaAdminClient(**kafka.client_kwargs())) as admin:
        name = kafka.topic_prefix + GROUP
        try:
            stored = admin.list_group_offsets(name)[name]
        except RetriableError:
            return {}  # Kafka makes its offsets topic when the first group asks for it
    return {
        tp.partition: (value.offset, note.reached if (note := read(value.metadata)) else -1)
        for tp, value in stored.items()
        if tp.topic == kafka.topic(topic.name)
    }
