"""A small disk for the store: a tmpfs whose size is lowered to what it holds, so that it is really full."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SPARE_BYTES = 8 * 1024


class DiskError(Exception):
    """No disk can be mounted or resized here; the text says why."""


@dataclass(frozen=True)
class SmallDisk:
    """A mounted tmpfs."""

    path: Path
    size_mb: int

    def fill(self) -> None:
        """Nothing more fits on it: every further write fails with ENOSPC."""
        found = os.statvfs(self.path)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        _run("mount", "-o", f"remount,size={used + SPARE_BYTES}", str(self.path))

    def free(self) -> None:
        """There is room again."""
        _run("mount", "-o", f"remount,size={self.size_mb}m", str(self.path))

    @property
    def is_full(self) -> bool:
        """Whether it was filled."""
        found = os.statvfs(self.path)
        return found.f_blocks * found.f_frsize < self.size_mb * 1_000_000


@contextlib.contextmanager
def small_disk(path: Path, size_mb: int = 2_000) -> Iterator[SmallDisk]:
    """Mount one at `path` while the block runs; DiskError where this user may not."""
    path.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "chaos", str(path))
    try:
        yield SmallDisk(path, size_mb)
    finally:
        _run("umount", "-l", str(path))


def can_mount(folder: Path) -> bool:
    """Whether this user may mount a tmpfs here."""
    try:
        with small_disk(folder, 1):
            return True
    except DiskError:
        return False


def _run(*command: str) -> None:
    ways = (command,) if os.geteuid() == 0 else (("sudo", "-n", *command),)
    for way in ways:
        try:
            done = subprocess.run(way, capture_output=True, text=True, check=False)
        except OSError as error:
            raise DiskError(f"{way[0]}: {error}") from error
        if done.returncode:
            raise DiskError(f"{' '.join(way)}: {done.stderr.strip()}")
