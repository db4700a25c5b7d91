"""What the demo starts around the product: Kafka, the store, two simulated sources, and the configuration that joins them."""

import contextlib
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import requests

from cli.config import Config, load
from producers.webex.login import login
from producers.webex.settings import WebexSettings
from sandbox.azurite import Azurite
from sandbox.kafka import KafkaServer
from sandbox.liveperson.auth import Credentials
from sandbox.processes import ManagedProcess, ProcessError, start_process, tail
from sandbox.webex.tokens import CLIENT_ID, CLIENT_SECRET

StoreKind = Literal["folder", "azurite"]
DOMAIN = "bank.example"
SINCE = "2026-03-02"
LISTENING = re.compile(rb"listening on (http://\S+)")


@dataclass
class Simulated:
    """A simulated source that runs as a process of its own."""

    uid: str
    url: str
    ledger: Path
    process: ManagedProcess

    def ledgers(self) -> list[Path]:
        """What it has served, in this run and in earlier ones."""
        return [path for path in (self.ledger, _earlier(self.ledger)) if path.exists()]

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
    up: contextlib.ExitStack

    def close(self) -> None:
        """Stop every process."""
        self.up.close()


def open_site(folder: Path, store: StoreKind, *, scale: int, now_iso: str) -> Site:
    """Start what the demo needs below `folder`; whatever fails, nothing stays behind."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as up:
        kafka = up.enter_context(KafkaServer(folder / "kafka"))
        azurite = up.enter_context(Azurite(folder / "azurite")) if store == "azurite" else None
        sources = [
            _simulate(up, folder, "lp-demo", "liveperson", scale, now_iso),
            _simulate(
                up, folder, "webex-demo", "webex", scale + 1, now_iso
            ),  # 1: with its space of 3,000 messages
        ]
        path = _write_config(folder, kafka.bootstrap, azurite, sources)
        config = load(path)
        _sign_in(config)
        return Site(folder, path, config, sources, up.pop_all())
    raise AssertionError  # for the type checker: ExitStack could swallow exceptions, ours never does


def _simulate(
    up: contextlib.ExitStack, folder: Path, uid: str, kind: str, scale: int, now_iso: str
) -> Simulated:
    log, ledger = folder / "logs" / f"simulated-{kind}.log", folder / f"ledger-{kind}.jsonl"
    # Simulators write a ledger from its beginning at every start; what earlier runs were served is kept apart.
    _keep(ledger)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", f"sandbox.{kind}", "--port", "0", "--ledger", str(ledger), "--scale", str(scale), "--now", now_iso
    ]  # fmt: skip
    process = up.enter_context(start_process(command, log=log, name=f"simulated {kind}"))
    return Simulated(uid, _address(process, log), ledger, process)


def _earlier(ledger: Path) -> Path:
    return ledger.with_suffix(".earlier.jsonl")


def _keep(ledger: Path) -> None:
    earlier = _earlier(ledger)
    if ledger.exists():
        with earlier.open("ab") as kept:
            kept.write(ledger.read_bytes())
        ledger.unlink()


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
    keys, secrets = Credentials(), folder / "secrets"
    liveperson, webex = sources
    if azurite is None:
        store = f'kind = "folder"\npath = {json.dumps(str(folder / "archive"))}\ndurable = false'
    else:
        string = _secret_file(secrets / "azurite", azurite.connection_string)
        store = f'kind = "azure"\ncontainer = "chats"\nconnection_string_file = {string}\napi_version = "2026-06-06"'
    lp_secret = _secret_file(secrets / "lp", keys.client_secret)
    lp_files = _secret_file(secrets / "lp-files", keys.file_key)
    collect = f"collect = {{ since = {SINCE}, poll_seconds = 0.3, window_hours = 24 }}"
    text = f"""# Written by `chatledger demo`; everything in it is made up.
state_dir = {json.dumps(str(folder / "state"))}

[kafka]
bootstrap = "{bootstrap}"

[store]
{store}

[mapping]
domains = ["{DOMAIN}"]
file = {json.dumps(str(_mapping_file(folder)))}

[[connector]]
kind = "liveperson"
uid = "{liveperson.uid}"
name = "LivePerson (simulated)"
account_id = "70012345"
domain_url = "{liveperson.url}"
auth = {{ method = "oauth2", client_id = "{keys.client_id}", client_secret = {{ file = {lp_secret} }} }}
files = {{ user = "{keys.file_user}", key = {{ file = {lp_files} }} }}
{collect}

[[connector]]
kind = "webex"
uid = "{webex.uid}"
name = "Webex Teams (simulated)"
base_url = "{webex.url}/v1"
client_id = "{CLIENT_ID}"
client_secret = {{ file = {_secret_file(secrets / "webex", CLIENT_SECRET)} }}
redirect_uri = "http://127.0.0.1:0/callback"
token_file = {json.dumps(str(folder / "state" / "webex-demo.token"))}
{collect}
"""
    path = folder / "chatledger.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _mapping_file(folder: Path) -> Path:
    """One person whose mailbox is not at the address that the source knows."""
    path = folder / "users.csv"
    path.write_text("ExternalUserId,O365UserMailbox\n", encoding="utf-8")
    return path
