"""`chatledger login` on a machine without a browser, against the simulated Webex."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from cli.demonstration.site import Site
from cli.login import elsewhere
from tests.cli.playground import environment, install

pytestmark = pytest.mark.kafka


def test_headless_login_stores_tokens_that_work(site: Site, tmp_path: Path) -> None:
    """The address is printed; who opens it consents; tokens go to a file of mode 0600 and nowhere else; `check` is well."""
    token = tmp_path / "new" / "webex.token"
    old = f'"{site.folder.resolve() / "state" / "webex.token"}"'
    made = install(site, tmp_path / "login", only="webex", changes={old: f'"{token}"'})
    command = [sys.executable, "-m", "cli.main", "login", "webex", "--no-browser", "-c", str(made.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        address = next(line for line in process.stdout if line.startswith("http")).strip()
        stranger = re.sub("state=[^&]+", "state=guessed", address)
        assert requests.get(stranger, timeout=20).status_code == 400
        assert requests.get(address, timeout=20).status_code == 200
        said = process.stdout.read()
        assert process.wait(20) == 0
    assert f"signed in, tokens are in {token}" in said
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    kept = json.loads(token.read_text(encoding="utf-8"))
    assert kept["access_token"] not in said
    assert kept["refresh_token"] not in said
    made.chatledger("topics", "create")
    assert "FAIL" not in made.chatledger("check").stdout


def test_a_login_that_can_open_no_browser_says_what_to_do() -> None:
    """At once: the tunnel for the way back, with the port of the redirect address."""
    address = "https://webex.example/authorize?redirect_uri=http%3A%2F%2F127.0.0.1%3A8484%2Fcallback&state=x"
    assert "no browser could be opened here; " in elsewhere(address, failed=True)
    assert "no browser" not in elsewhere(address, failed=False)
    assert "`ssh -L 8484:127.0.0.1:8484 " in elsewhere(address, failed=False)


def test_a_browser_that_does_not_open_is_noticed(site: Site, tmp_path: Path) -> None:
    """Without --no-browser, on a machine whose only browser fails."""
    made = install(site, tmp_path / "headless", only="webex")
    command = [sys.executable, "-m", "cli.main", "login", "webex", "-c", str(made.path)]
    none = {**environment(), "BROWSER": "/bin/false %s"}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=none
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.kill()
    assert "no browser could be opened here; " in said
