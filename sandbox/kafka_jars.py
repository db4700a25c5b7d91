"""The jars of Apache Kafka: a locked list, fetched one by one from Maven Central through jgo.

jgo's own transitive resolution picks an older kafka-clients than Maven does, hence the whole list is locked.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.downloads import DownloadError, Fetch, LockedFile, default_cache, ensure_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOCK = Path(__file__).with_name("kafka_jars.json")
ATTEMPTS = 3


@dataclass(frozen=True)
class KafkaLock:
    """The locked Kafka: its version and every jar that it needs."""

    version: str
    files: tuple[LockedFile, ...]


def read_lock(path: Path = LOCK) -> KafkaLock:
    """Read the lock that is part of this package."""
    content = json.loads(path.read_text())
    return KafkaLock(content["kafka"], tuple(LockedFile(**entry) for entry in content["artifacts"]))


def ensure_jars(lock: KafkaLock, cache_dir: Path | None = None, fetch: Fetch | None = None) -> list[Path]:
    """Return the verified jars of the lock, fetching those that the cache lacks; errors as `ensure_files`."""
    folder = (cache_dir or default_cache()) / "kafka" / lock.version
    return ensure_files(lock.files, folder, fetch or fetch_from_maven, title=f"Apache Kafka {lock.version}")


def fetch_from_maven(file: LockedFile, folder: Path, advance: Callable[[int], None]) -> Path:
    """Fetch one artifact from Maven Central into `folder`; DownloadError after three attempts."""
    import requests  # noqa: PLC0415 - not needed once all is cached
    import stamina  # noqa: PLC0415

    try:
        for attempt in stamina.retry_context(on=requests.RequestException, attempts=ATTEMPTS, timeout=None):
            with attempt:
                return _resolve(file, folder / str(attempt.num), advance)
    except (requests.RequestException, RuntimeError) as error:
        msg = f"{file.name} can't be fetched (network is needed the first time): {error}"
        raise DownloadError(msg) from error
    msg = "stamina either returns or raises"
    raise AssertionError(msg)


def _resolve(file: LockedFile, folder: Path, advance: Callable[[int], None]) -> Path:
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - part of the extra `sandbox`

    @contextmanager
    def report(_filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield advance

    # Not ~/.m2: jgo takes what it finds there for good, and writes there without a rename.
    context = MavenContext(resolver=PythonResolver(progress_callback=report), repo_cache=folder, timeout=30)
    component = context.project(file.group, file.artifact).at_version(file.version)
    return Path(component.artifact().resolve())
