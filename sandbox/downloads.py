"""Locked downloads: a file is what its SHA-256 says or it isn't used at all."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PARALLEL = 8


class DownloadError(Exception):
    """A locked file could not be fetched."""


class WrongHashError(DownloadError):
    """A file is not the one that the lock names."""


@dataclass(frozen=True)
class LockedFile:
    """One file of a lock: where it lives in Maven's terms, its SHA-256 in hex, its size in bytes."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """File name, as Maven builds it."""
        return f"{self.artifact}-{self.version}.jar"


class Fetch(Protocol):
    """Gets one file into a folder of its own, reports the bytes as they come, and returns its path."""

    def __call__(self, file: LockedFile, folder: Path, advance: Callable[[int], None], /) -> Path:
        """Fetch `file`."""


def default_cache() -> Path:
    """Return this user's cache folder for what the sandbox downloads; CHATLEDGER_CACHE_DIR overrides it."""
    from platformdirs import user_cache_path  # noqa: PLC0415 - part of the extra `sandbox`

    override = os.environ.get("CHATLEDGER_CACHE_DIR")
    return Path(override) if override else user_cache_path("chatledger")


def ensure_files(files: Sequence[LockedFile], folder: Path, fetch: Fetch, *, title: str) -> list[Path]:
    """Return the paths of all locked files in `folder`, fetching what isn't there; no network when all are.

    WrongHashError when a file, cached or fetched, isn't the locked one; DownloadError when one can't be had.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"can't create the cache folder {folder}: {error}"
        raise DownloadError(msg) from error
    missing = [file for file in files if not (folder / file.name).exists()]
    if missing:
        _fetch_all(missing, folder, fetch, title)
    fetched = set(missing)
    for file in files:
        if file not in fetched:
            verify(folder / file.name, file.sha256)
    return [folder / file.name for file in files]


def verify(path: Path, sha256: str) -> None:
    """Raise WrongHashError unless the file has this SHA-256 (hex)."""
    with path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != sha256:
        msg = (
            f"{path} is not the file of the lock: its SHA-256 is {found}, expected {sha256}. "
            "It is not used; delete it to have it fetched again."
        )
        raise WrongHashError(msg)


def _fetch_all(missing: Sequence[LockedFile], folder: Path, fetch: Fetch, title: str) -> None:
    total = sum(file.size for file in missing)
    with (
        progress(f"Fetching {title} ({len(missing)} files)", total) as advance,
        ThreadPoolExecutor(PARALLEL) as pool,
    ):
        jobs = [pool.submit(_fetch_one, file, folder, fetch, advance) for file in missing]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fetch_one(file: LockedFile, folder: Path, fetch: Fetch, advance: Callable[[int], None]) -> None:
    # A folder for each attempt and a rename at the end: two programs may fill the cache at the same time, and
    # what has the final name is whole and checked.
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
        path = fetch(file, Path(scratch), advance)
        verify(path, file.sha256)
        path.replace(folder / file.name)


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar over `total` bytes on standard error; without a terminal, a line before and after."""
    if sys.stderr.isatty():
        with _bar(title, total) as advance:
            yield advance
        return
    with _lines(f"{title}, {total / 1e6:.1f} MB"):
        yield lambda _count: None


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show that something of unknown length goes on, as `progress` does."""
    if sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415 - only where there is a terminal

        with Console(stderr=True).status(title):
            yield
        return
    with _lines(title):
        yield


@contextmanager
def _lines(title: str) -> Iterator[None]:
    started = time.monotonic()
    print(title, file=sys.stderr, flush=True)
    yield
    print(f"{title}: done in {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


@contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console  # noqa: PLC0415 - only where there is a terminal
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total)
        yield lambda count: bar.advance(task, count)
