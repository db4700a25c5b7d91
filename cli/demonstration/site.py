"""What the demo starts around the product: Kafka, the store, two simulated sources, and the configuration that joins them."""

import contextlib
import itertools
import json
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import requests

from cli.parts.config import Config, load
from cli.parts.evidence import make_key
from producers.webex.login import login
from producers.webex.settings import WebexSettings
from sandbox.azurite import Azurite
from sandbox.kafka import KafkaServer
from sandbox.liveperson.auth import Credentials
from sandbox.ports import is_free
from sandbox.processes import ManagedProcess, ProcessError, start_process, tail
from sandbox.webex.tokens import CLIENT_ID, CLIENT_SECRET

StoreKind = Literal["folder", "azurite"]
DOMAIN = "bank.example"
SINCE = "2026-03-02"
COLLECT = f"collect = {{ since = {SINCE}, poll_seconds = 0.3, window_hours = 24 }}"
USUAL_PORTS = "28480,28481"  # of the simulated LivePerson and Webex
CONFIG = "chatledger.toml"
WRITTEN = ".chatledger.toml"  # the same as it was written, to tell what a person changed
LISTENING = re.compile(rb"listening on (http://\S+)")


@dataclass(frozen=True)
class Role:
    """Which source to simulate, for which connector, at which port, with how many generated chats."""

    uid: str
    kind: str
    port: int
    scale: int


@dataclass
class Simulated:
    """A simulated source that runs as a process of its own."""

    uid: str
    url: str
    ledger: Path
    process: ManagedProcess
    command: list[str]

    def move(self, now_ms: int) -> None:
        """Set its clock; it never goes back."""
        answer = requests.post(f"{self.url}/_sim/clock", json={"now_ms": now_ms}, timeout=10)
        answer.raise_for_status()

    def now_ms(self) -> int:
        """Its clock."""
        return int(requests.get(f"{self.url}/_sim/clock", timeout=10).json()["now_ms"])


@dataclass
class Site:
    """Everything is up; `close` ends all of it, last started first."""

    folder: Path
    config_path: Path
    config: Config
    sources: list[Simulated]
    kafka: KafkaServer
    azurite: Azurite | None
    up: contextlib.ExitStack

    def close(self) -> None:
        """Stop every process."""
        self.up.close()


def open_site(
    folder: Path, store: StoreKind, *, scale: int, now_iso: str, webex_scale: int | None = None
) -> Site:
    """Start what the demo needs below `folder`; whatever fails, nothing stays behind.

    `scale`: so many generated LivePerson conversations, and `webex_scale` times Webex' generated chats (default: one more).
    """
    folder.mkdir(parents=True, exist_ok=True)
    ports = [int(port) for port in os.environ.get("CHATLEDGER_DEMO_PORTS", USUAL_PORTS).split(",")]
    with contextlib.ExitStack() as up:
        kafka = up.enter_context(KafkaServer(folder / "kafka"))
        azurite = up.enter_context(Azurite(folder / "azurite")) if store == "azurite" else None
        sources = [
            simulate(up, folder, Role("liveperson", "liveperson", ports[0], scale), now_iso),
            # Scale 1 is what brings its space of 3,000 messages.
            simulate(
                up,
                folder,
                Role("webex", "webex", ports[1], scale + 1 if webex_scale is None else webex_scale),
                now_iso,
            ),
        ]
        path = _write_config(folder, kafka.bootstrap, azurite, sources)
        config = load(path)
        _sign_in(config)
        make_key(config)
        return Site(folder, path, config, sources, kafka, azurite, up.pop_all())
    raise AssertionError  # for the type checker: ExitStack could swallow exceptions, ours never does


def simulate(up: contextlib.ExitStack, folder: Path, role: Role, now_iso: str) -> Simulated:
    """Start a simulated source that ends with `up`, at its usual port where that can be had; ProcessError."""
    # Addresses stand in the raw events, so the usual port, where it is free, gives the same bytes in every run.
    if is_free(role.port):
        try:
            return _simulated(up, folder, role, role.port, now_iso)
        except ProcessError:
            if is_free(role.port):
                raise  # else somebody took it since we looked
    return _simulated(up, folder, role, 0, now_iso)


def _simulated(up: contextlib.ExitStack, folder: Path, role: Role, port: int, now_iso: str) -> Simulated:
    log, ledger = folder / "logs" / f"simulated-{role.kind}.log", folder / f"ledger-{role.kind}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", f"sandbox.{role.kind}", "--port", str(port), "--ledger", str(ledger),
        "--scale", str(role.scale), "--now", now_iso,
    ]  # fmt: skip
    process = up.enter_context(start_process(command, log=log, name=f"simulated {role.kind}"))
    return Simulated(role.uid, _address(process, log), ledger, process, command)


def _address(process: ManagedProcess, log: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.running:
        found = LISTENING.search(log.read_bytes() if log.exists() else b"")
        if found:
            return found.group(1).decode()
        time.sleep(0.05)
    msg = f"{process.name} did not start: {tail(log)}"
    raise ProcessError(msg)


def _sign_in(config: Config) -> None:
    """The simulated Webex consents at once, as an officer would in the browser."""
    for connector in config.connector:
        if isinstance(connector, WebexSettings):
            login(connector, lambda address: requests.get(address, timeout=20))


def _secret_file(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text + "\n")
    return json.dumps(str(path))


def _write_config(folder: Path, bootstrap: str, azurite: Azurite | None, sources: list[Simulated]) -> Path:
    folder = folder.resolve()
    liveperson, webex = sources
    text = f"""# Written by `chatledger demo`; everything in it is made up.
state_dir = {json.dumps(str(folder / "state"))}

[kafka]
bootstrap = "{bootstrap}"

[store]
{_store(folder, azurite)}

[mapping]
domains = ["{DOMAIN}"]
file = {json.dumps(str(mapping_file(folder)))}

[evidence]
key_file = {json.dumps(str(folder / "secrets" / "evidence.key"))}

{_liveperson(folder / "secrets", liveperson)}

{_webex(folder, webex)}
"""
    path = folder / CONFIG
    for one in (path, folder / WRITTEN):
        one.write_text(text, encoding="utf-8")
    return path


def put_aside(folder: Path) -> str:
    """Keep a configuration that a person changed, since the demo writes its own anew. A sentence, or "". OSError."""
    path, written = folder / CONFIG, folder / WRITTEN
    if not path.exists() or (written.exists() and path.read_bytes() == written.read_bytes()):
        return ""
    names = (f"{CONFIG}.yours{number or ''}" for number in itertools.count())
    yours = next(folder / name for name in names if not (folder / name).exists())
    path.rename(yours)
    return f"{path} is not as the demo wrote it: yours is {yours} now, and the demo writes its own anew"


def _store(folder: Path, azurite: Azurite | None) -> str:
    if azurite is None:
        return f'kind = "folder"\npath = {json.dumps(str(folder / "archive"))}\ndurable = false'
    string = _secret_file(folder / "secrets" / "azurite", azurite.connection_string)
    return (
        f'kind = "azure"\ncontainer = "chats"\nconnection_string_file = {string}\napi_version = "2026-06-06"'
    )


def _liveperson(secrets: Path, simulated: Simulated) -> str:
    keys = Credentials()
    secret, files = (
        _secret_file(secrets / "lp", keys.client_secret),
        _secret_file(secrets / "lp-files", keys.file_key),
    )
    return f"""[[connector]]
kind = "liveperson"
uid = "{simulated.uid}"
name = "LivePerson (simulated)"
account_id = "70012345"
domain_url = "{simulated.url}"
auth = {{ method = "oauth2", client_id = "{keys.client_id}", client_secret = {{ file = {secret} }} }}
files = {{ user = "{keys.file_user}", key = {{ file = {files} }} }}
{COLLECT}"""


def _webex(folder: Path, simulated: Simulated) -> str:
    return f"""[[connector]]
kind = "webex"
uid = "{simulated.uid}"
name = "Webex Teams (simulated)"
base_url = "{simulated.url}/v1"
client_id = "{CLIENT_ID}"
client_secret = {{ file = {_secret_file(folder / "secrets" / "webex", CLIENT_SECRET)} }}
redirect_uri = "http://127.0.0.1:0/callback"
token_file = {json.dumps(str(folder / "state" / "webex.token"))}
{COLLECT}"""


def mapping_file(folder: Path) -> Path:
    """A user mapping with nobody in it, to begin with; lines that somebody put there stay."""
    path = folder / "users.csv"
    if not path.exists():
        path.write_text("ExternalUserId,O365UserMailbox\n", encoding="utf-8")
    return path
