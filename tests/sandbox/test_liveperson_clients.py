"""Unmodified third-party clients complete against the simulated LivePerson.

Both know only LivePerson's own host names: the simulator is their HTTP proxy for the domain lookup and sends
them to its HTTPS listener. Each runs in an environment of its own that uv makes, since their requirements are
not ours.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.liveperson.content import WRITTEN
from sandbox.liveperson.model import ACCOUNT
from sandbox.liveperson.server import Options, application
from sandbox.liveperson.tls import tls_context
from sandbox.simulation import Tls, background
from tests.sandbox.liveperson_client import NEXT_MONDAY_MS, OWN, WEEK, Client

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GENERATED = 130
WRAPPER = "CHATLEDGER_LP_API_WRAPPER"
READ_ALL = """
import json, sys
from lp_api_wrapper import MessagingInteractions, OAuthLogin, UserLogin
given = json.load(sys.stdin)
for auth in (OAuthLogin(*given["oauth"]), UserLogin(*given["user"])):
    client = MessagingInteractions(auth=auth)
    rows = client.conversations({"start": given["week"]}, raw_data=True)
    parsed = client.conversations({"start": given["week"]})
    one = client.get_conversation_by_conversation_id(rows[0]["info"]["conversationId"])
    print(json.dumps([rows, len(parsed.info), len(one.info)]))
"""
# The releases that it pins do not import on our versions of Python.
OVERRIDES = "requests>=2.32\nurllib3>=2\nidna>=3\nrequests-oauthlib>=2\ncertifi\n"


class Served:
    """A simulated LivePerson with HTTPS, and the environment in which a client finds it."""

    def __init__(self, url: str, certificate: Path) -> None:
        self.client = Client(url)
        self.environment = {
            **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
            "http_proxy": url,
            "no_proxy": "localhost,127.0.0.1",
            "REQUESTS_CA_BUNDLE": str(certificate),
        }

    def run(self, command: Sequence[str | Path], given: str = "", **environment: str) -> str:
        """Run a client to its end and give what it printed."""
        done = subprocess.run(
            command,
            env=self.environment | environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Run a simulated LivePerson after its week, with HTTPS."""
    certificate = tmp_path / "certificate.pem"
    tls = Tls(tls_context(certificate), 0)
    options = Options(now_ms=NEXT_MONDAY_MS, scale=GENERATED, tls=tls)
    with background(application(options), tls=tls) as url:
        served = Served(url, certificate)
        with served.client.session:
            yield served


def _environment(folder: Path, *requirements: str) -> Path:
    """Make an environment with the requirements and give its bin folder; skips where that can't be done."""
    uv = shutil.which("uv")
    if not uv:
        pytest.skip("uv is not installed")
    (folder / "overrides.txt").write_text(OVERRIDES)
    python = folder / "venv" / "bin" / "python"
    make: list[str | Path] = [uv, "venv", "-q", "--python", sys.executable, folder / "venv"]
    install: list[str | Path] = [uv, "pip", "install", "-q", "--python", python]
    install += ["--overrides", folder / "overrides.txt", *requirements]
    for command in (make, install):
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            pytest.skip(f"{requirements[0]} can't be installed here: {done.stderr[-300:]}")
    return python.parent


def _wrapper() -> Path:
    """Find the checkout of lp_api_wrapper, which no registry has."""
    if os.environ.get(WRAPPER):
        return Path(os.environ[WRAPPER])
    spec = importlib.util.find_spec("lp_api_wrapper")
    if not spec or not spec.origin:
        pytest.skip(f"lp_api_wrapper is not importable, and {WRAPPER} does not name a checkout of it")
    return Path(spec.origin).parent.parent


@pytest.mark.slow
def test_lp_api_wrapper_reads_everything(served: Served, tmp_path: Path) -> None:
    """lp_api_wrapper reads all rows over several pages with OAuth 1 and with a login, byte for byte ours."""
    checkout = _wrapper()
    python = _environment(tmp_path, "requests", "requests-oauthlib") / "python"
    keys = [ACCOUNT, OWN.app_key, OWN.app_secret, OWN.access_token, OWN.access_token_secret]
    given = {"oauth": keys, "user": [ACCOUNT, OWN.username, OWN.password], "week": WEEK}
    printed = served.run([python, "-c", READ_ALL], json.dumps(given), PYTHONPATH=str(checkout))
    served.client.authorize()
    ours = [row for offset in (0, 100) for row in served.client.rows(f"limit=100&offset={offset}")]
    total = len(WRITTEN) + GENERATED
    for line in printed.splitlines():
        rows, parsed, one = json.loads(line)
        assert (len(rows), parsed, one) == (total, total, 1)
        assert _by_id(rows) == _by_id(ours)


def _by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["info"]["conversationId"]: row for row in rows}


@pytest.mark.slow
def test_tap_liveperson_reads_everything(served: Served, tmp_path: Path) -> None:
    """The Singer tap, with OAuth 1 only, reads all conversations and users and ends well."""
    tap = _environment(tmp_path, "tap-liveperson==1.0.1", "setuptools") / "tap-liveperson"
    config = {
        "app_key": OWN.app_key,
        "app_secret": OWN.app_secret,
        "access_token": OWN.access_token,
        "access_token_secret": OWN.access_token_secret,
        "account_id": ACCOUNT,
        "start_date": "2026-03-02T00:00:00Z",
    }
    config_file, catalog_file = tmp_path / "config.json", tmp_path / "catalog.json"
    config_file.write_text(json.dumps(config))
    catalog = json.loads(served.run([tap, "-c", config_file, "--discover"]))
    wanted = {"messaging_interactions", "users", "skills", "agent_groups"}
    catalog_file.write_text(json.dumps(_selected(catalog, wanted)))
    lines = served.run([tap, "-c", config_file, "--catalog", catalog_file]).splitlines()
    records = [each for each in map(json.loads, lines) if each["type"] == "RECORD"]
    chats = [each["record"] for each in records if each["stream"] == "messaging_interactions"]
    assert {each["stream"] for each in records} == wanted
    assert len(_by_id(chats)) == len(chats) == len(WRITTEN) + GENERATED


def _selected(catalog: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
    for stream in catalog["streams"]:
        if stream["tap_stream_id"] in wanted:
            stream["schema"]["selected"] = True
            for each in stream["metadata"]:
                each["metadata"] |= {} if each["breadcrumb"] else {"selected": True}
    return catalog
