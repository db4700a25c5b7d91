"""A small installation around one large file: simulated Webex, the product's own collector and worker, and their memory."""

import contextlib
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import requests

from cli.parts.config import Config, load
from producers.webex.tokens import TokenFile, Tokens
from sandbox.processes import ManagedProcess, start_process, tail
from sandbox.webex.tokens import CLIENT_ID, CLIENT_SECRET, FIRST_REFRESH_TOKEN
from schemas.broker import KafkaSettings
from tests.bench import processes

UID = "wx"
BEFORE = datetime(2026, 3, 9, 2, tzinfo=UTC)  # the base week is over: small mails, which make a worker warm
AFTER = datetime(2026, 3, 11, 2, tzinfo=UTC)  # the day of the large files is over
SINCE = "2026-03-05"  # not earlier: there is a file of 11 MB in the base week too
LISTENING = re.compile(rb"listening on (http://\S+)")

LOOK_S = 0.05


@dataclass(frozen=True)
class Memory:
    """Resident memory of a process in MiB; the peak is since `forget_peak`."""

    now: float
    peak: float


@dataclass
class LargeSite:
    """One installation; everything that it starts ends with it."""

    folder: Path
    config_path: Path
    webex: str
    up: contextlib.ExitStack

    @property
    def config(self) -> Config:
        """As the product reads it."""
        return load(self.config_path)

    def move(self, to: datetime) -> None:
        """Set the clock of the simulated Webex."""
        moved = requests.post(
            f"{self.webex}/_sim/clock", json={"now_ms": int(to.timestamp() * 1000)}, timeout=10
        )
        moved.raise_for_status()

    def faults(self, *rules: Mapping[str, object]) -> None:
        """Have answers of the simulated Webex go wrong."""
        requests.post(f"{self.webex}/_sim/faults", json=list(rules), timeout=10).raise_for_status()

    def served(self) -> list[dict[str, str]]:
        """What the simulated Webex has shown of files."""
        entries = requests.get(f"{self.webex}/_sim/ledger", timeout=60).json()
        return [entry for entry in entries if entry["kind"] == "file"]

    def start(self, *command: str) -> ManagedProcess:
        """Start one of the product's commands."""
        return self.up.enter_context(processes.start(self.folder, self.config_path, *command))

    def collect(self) -> Memory:
        """Collect up to now; what the collector needed."""
        process, seen = self.start("collect", UID, "--once"), Memory(0, 0)
        while process.running:
            with contextlib.suppress(OSError, LookupError):
                seen = memory_of(process)
            time.sleep(LOOK_S)
        if process.returncode:
            raise SystemExit(f"the collector failed:\n{tail(process.log)}")
        return seen


@contextlib.contextmanager
def large_site(
    folder: Path, kafka: KafkaSettings, store: str, megabytes: int, *, since: str = SINCE, **connector: float
) -> Iterator[LargeSite]:
    """An installation whose simulated Webex has a file of that size on 2026-03-10; `store` is the section in TOML."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as up:
        url = _webex(up, folder, megabytes)
        path = folder / "chatledger.toml"
        more = "\n".join([
            f"collect = {{ since = {since} }}", *(f"{name} = {value}" for name, value in connector.items())
        ])  # fmt: skip
        path.write_text(_config(folder, kafka, store, url, more), encoding="utf-8")
        (folder / "secret").write_text(CLIENT_SECRET, encoding="ascii")
        TokenFile(folder / "tokens.json").save(Tokens(refresh_token=FIRST_REFRESH_TOKEN))
        yield LargeSite(folder, path, url, up)


def memory_of(process: ManagedProcess) -> Memory:
    """What the kernel says of it. Raises OSError or LookupError when it has ended."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
    found = dict(line.split(":", 1) for line in lines)
    now, peak = (int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return Memory(now, peak)


def forget_peak(process: ManagedProcess) -> None:
    """Let the peak begin anew (proc(5), clear_refs)."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")


def _webex(up: contextlib.ExitStack, folder: Path, megabytes: int) -> str:
    log = folder / "webex.log"
    command = [
        sys.executable, "-m", "sandbox.webex", "--scale", "0", "--large-mb", str(megabytes), "--now", BEFORE.isoformat(),
    ]  # fmt: skip
    process = up.enter_context(start_process(command, log=log, cwd=processes.REPOSITORY))
    processes.until(lambda: log.exists() and bool(LISTENING.search(log.read_bytes())), [process])
    found = LISTENING.search(log.read_bytes())
    assert found is not None
    return found.group(1).decode()


def _config(folder: Path, kafka: KafkaSettings, store: str, url: str, connector: str) -> str:
    return f"""state_dir = {json.dumps(str(folder / "state"))}
[kafka]
bootstrap = "{kafka.bootstrap}"
topic_prefix = "{kafka.topic_prefix}"
partitions = {kafka.partitions}
[store]
{store}
[mapping]
domains = ["bank.example"]
[worker]
session_seconds = 6
commit_seconds = 0.5
[[connector]]
kind = "webex"
uid = "{UID}"
name = "Webex"
base_url = "{url}/v1"
client_id = "{CLIENT_ID}"
client_secret = {{ file = {json.dumps(str(folder / "secret"))} }}
redirect_uri = "http://127.0.0.1:0/callback"
token_file = {json.dumps(str(folder / "tokens.json"))}
{connector}
"""
