"""Installations to try commands on: real Kafka and simulated sources of one site, topics, archive and state of their own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.demonstration.site import Site
from cli.parts.config import Config, load

REPOSITORY = Path(__file__).parents[2]
Result = subprocess.CompletedProcess[str]
HEADLINE = "ExternalUserId,O365UserMailbox\n"
UNADDRESSED = "4120087720"  # the LivePerson agent whom no address is known of


@dataclass(frozen=True)
class Installation:
    """One configuration, and the command on it."""

    path: Path

    @property
    def folder(self) -> Path:
        """Where everything of it lies."""
        return self.path.parent

    @property
    def archive(self) -> Path:
        """Its folder store."""
        return self.folder / "archive"

    @property
    def config(self) -> Config:
        """As the command reads it."""
        return load(self.path)

    def chatledger(self, *arguments: str, timeout_s: float = 120) -> Result:
        """Run a command to its end."""
        return chatledger(*arguments, "-c", str(self.path), timeout_s=timeout_s)

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command in the background, its output in `output`; killed at the end of the block."""
        with (self.folder / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", *arguments, "-c", str(self.path)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder, env=environment(),
            )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            eventually(lambda: not self.processes(), 30)

    def processes(self) -> dict[int, str]:
        """Command lines of all processes that work on this configuration, by process id."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(self.path) in line and int(entry.name) != os.getpid():
                    found[int(entry.name)] = line
        return found

    def log(self, name: str) -> str:
        """What a child of `run` has written."""
        return (self.folder / "state" / "logs" / f"{name}.log").read_text(encoding="utf-8", errors="replace")


def chatledger(*arguments: str, timeout_s: float = 120) -> Result:
    """Run any command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments], capture_output=True, text=True, timeout=timeout_s, check=False,
        cwd=REPOSITORY, env=environment(), stdin=subprocess.DEVNULL,
    )  # fmt: skip


def environment() -> dict[str, str]:
    """Ours, and where the packages are."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def install(
    site: Site, folder: Path, *, users: str = "", only: str = "", changes: dict[str, str] | None = None
) -> Installation:
    """Another installation on the site's Kafka and sources, topics with the folder's name before theirs.

    `users`: lines of the mapping file; `only`: the one connector to have; `changes`: text to put in place of other text.
    """
    folder.mkdir(parents=True)
    (folder / "users.csv").write_text(HEADLINE + users, encoding="utf-8")
    text = site.config_path.read_text(encoding="utf-8")
    for name in ("archive", "state", "users.csv"):
        text = text.replace(f'"{site.folder.resolve() / name}"', f'"{folder / name}"')
    text = text.replace("[kafka]\n", f'[kafka]\ntopic_prefix = "{folder.name}-"\n')
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    if only:
        head, *connectors = text.split("[[connector]]")
        text = "[[connector]]".join([head, *(one for one in connectors if f'uid = "{only}"' in one)])
    path = folder / "chatledger.toml"
    path.write_text(text, encoding="utf-8")
    return Installation(path)


def eventually(holds: Callable[[], object], timeout_s: float) -> None:
    """Return when it holds; AssertionError when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)


def kill(pid: int) -> None:
    """SIGKILL, also when it is gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
