"""The archive as files, and a second one that nothing disturbed, made from a copy of the same raw-events."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient

from cli.parts.config import Config, load
from consumers.drain import wait_until_drained
from consumers.reading import Reader, read_all
from consumers.writing import new_producer
from sandbox.azurite import Azurite
from schemas.admin import create_topics
from schemas.topics import MAPPINGS, RAW_EVENTS, Topic
from tests.chaos.processes import REPOSITORY, Parts

REPLAY_S = 1_800.0
PREFIX = "again-"
CONTAINER, API = "chats", "2026-06-06"


def fetch(azurite: Azurite, folder: Path) -> int:
    """Every blob of the container as a file, from the service itself; how many there are."""
    string = azurite.connection_string
    with ContainerClient.from_connection_string(string, CONTAINER, api_version=API) as client:
        names = [name for name in client.list_blob_names() if not name.startswith(".")]

        def one(name: str) -> None:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(client.download_blob(name).readall())

        with ThreadPoolExecutor(6) as pool:
            for _ in pool.map(one, names):
                pass
    return len(names)


def mails_of(archive: Path) -> dict[str, str]:
    """SHA-256 of every mail and copy by its path in the archive."""
    return {
        path.relative_to(archive).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(archive.rglob("*.eml"))
    }


def again(config: Config, config_path: Path, archive: Path, tell: Callable[[str], None]) -> Path:
    """The second archive's folder: raw-events copied position by position, then one worker from the beginning.

    It begins with the content store of `archive`, which is an original as raw-events is.
    """
    folder = config_path.parent / "again"
    path = _configure(config_path, folder, config)
    second = load(path)
    create_topics(second.kafka)
    for topic in (MAPPINGS, RAW_EVENTS):
        _copy_topic(config, second, topic)
    _link_contents(archive / "_content", folder / "archive" / "_content")
    parts = Parts(path, folder / "logs", tell=tell)
    try:
        parts.add_worker()
        wait_until_drained(second.kafka, second.worker.group, tell=lambda _: parts.tend())
    finally:
        parts.close()
    return folder / "archive"


def _configure(config_path: Path, folder: Path, config: Config) -> Path:
    folder.mkdir()
    head, _, rest = config_path.read_text(encoding="utf-8").partition("[store]\n")
    _, _, mapping = rest.partition("[mapping]\n")
    head = head.replace(str(config.state_dir), str(folder / "state"))
    head = head.replace("[kafka]\n", f'[kafka]\ntopic_prefix = "{PREFIX}"\n')
    store = f'[store]\nkind = "folder"\npath = "{folder / "archive"}"\ndurable = false\n\n'
    path = folder / "chatledger.toml"
    path.write_text(f"{head}{store}[mapping]\n{mapping}", encoding="utf-8")
    return path


def _copy_topic(config: Config, second: Config, topic: Topic) -> None:
    """The same bytes under the same numbers, so that whatever depends on positions does not differ."""
    target = second.kafka.topic(topic.name)
    with new_producer(second.kafka) as producer:
        sent = [
            (record.offset, producer.send(
                target, key=record.key, value=record.value, partition=record.partition, timestamp_ms=record.at_ms
            ))
            for record in _records(config, topic)
        ]  # fmt: skip
        for offset, future in sent:
            found: Any = future.get(timeout=60)
            if topic is RAW_EVENTS and found.offset != offset:
                raise RuntimeError(f"{target}: record {offset} became {found.offset}")


def _records(config: Config, topic: Topic) -> Iterator[Any]:
    yield from read_all(config.kafka, topic)


def _link_contents(source: Path, target: Path) -> None:
    for file in source.rglob("*"):
        if file.is_file():
            there = target / file.relative_to(source)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.hardlink_to(file)


def replayed(config_path: Path) -> tuple[list[str], dict[str, int]]:
    """What `chatledger replay --into compare` finds wrong, in sentences, and its counts; it has to find mails to be believed."""
    command = [
        sys.executable,
        "-m",
        "cli.main",
        "replay",
        "--into",
        "compare",
        "--json",
        "-c",
        str(config_path),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=REPLAY_S, check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return [f"replay --into compare ended with {done.returncode}: {done.stderr.strip()[-500:]}"], {}
    sentences = [f"replay finds {one['kind']}: {one['path']} {one['detail']}" for one in report["findings"]]
    counts = {str(name): int(number) for name, number in report["counts"].items()}
    if (done.returncode or not counts.get("equal")) and not sentences:
        sentences.append(f"replay --into compare ended with {done.returncode} and counts {counts}")
    return sentences, counts


def count(config: Config, topic: Topic) -> int:
    """How many records a topic has."""
    reader = Reader(config.kafka, topic)
    try:
        return reader.count()
    finally:
        reader.close()
