"""Tokens: login, rotation, the file that holds them, and where they never appear."""

import contextlib
import json
import logging
import stat
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from producers.source import SourceError, SourceRefusedError, SourceUnavailableError
from producers.webex.auth import Authority, BearerAuth
from producers.webex.login import login
from producers.webex.settings import WebexSettings
from producers.webex.tokens import TokenFile, Tokens
from sandbox.webex.tokens import CLIENT_SECRET, OFFICER_TOKEN
from tests.producers.webex_rig import Rig, rig, settings

NOW = 1_773_014_400.0  # 2026-03-09, the simulation's


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Rig]:
    """A simulation whose clock stands still."""
    with rig(tmp_path) as each:
        yield each


def browser(url: str) -> None:
    """Go where the service sends us, as a browser would."""
    requests.get(url, timeout=10)


def test_login_without_a_screen(made: Rig) -> None:
    """Consent, code, tokens in a file of mode 0600 that work at once."""
    scope = login(made.settings, browser, timeout_s=10)
    assert scope == " ".join(made.settings.scopes)
    assert stat.S_IMODE(made.settings.token_file.stat().st_mode) == 0o600
    with contextlib.closing(made.source()) as source:
        assert all(each.ok for each in source.check())


def test_login_believes_no_other_state(made: Rig) -> None:
    """An answer with a wrong state is turned away, and the right one still counts."""

    def forged(url: str) -> None:
        query = parse_qs(urlsplit(url).query)
        forgery = requests.get(f"{query['redirect_uri'][0]}?code=evil&state=guess", timeout=10)
        assert forgery.status_code == 400
        browser(url)

    assert login(made.settings, forged, timeout_s=10)


def test_login_that_is_refused_or_forgotten(made: Rig) -> None:
    """No consent and no answer are said in a sentence."""

    def deny(url: str) -> None:
        query = parse_qs(urlsplit(url).query)
        back = f"{query['redirect_uri'][0]}?error=access_denied&state={query['state'][0]}"
        requests.get(back, timeout=10)

    with pytest.raises(SourceRefusedError, match="access_denied"):
        login(made.settings, deny, timeout_s=10)
    with pytest.raises(SourceRefusedError, match="nobody came back"):
        login(made.settings, lambda url: None, timeout_s=0.1)


def test_refresh_rotates_on_disk(made: Rig) -> None:
    """Each refresh token is used once; the next is in the file before the access token is used."""
    clock = [NOW]
    authority = Authority(made.settings, lambda: clock[0])
    first = authority.token()
    kept = TokenFile(made.settings.token_file).load()
    assert (kept.access_token, bool(kept.refresh_token)) == (first, True)
    assert authority.token() == first
    clock[0] += 13 * 86_400  # the access token has a day left
    second = authority.token()
    assert second != first
    assert TokenFile(made.settings.token_file).load().refresh_token != kept.refresh_token


def test_refresh_once_for_many_threads(made: Rig) -> None:
    """Threads and processes that see the same refusal cause one refresh."""
    one, other = Authority(made.settings, lambda: NOW), Authority(made.settings, lambda: NOW)
    token = one.token()
    assert other.token() == token
    threads = [threading.Thread(target=each.refused, args=(token,)) for each in (one, other) * 4]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert one.token() == other.token() != token
    posts = [each for each in made.sim("requests") if each["path"] == "/v1/access_token"]
    assert len(posts) == 2


def test_refused_refresh_needs_a_person(made: Rig) -> None:
    """A used-up refresh token names the command that helps; the old file stays."""
    TokenFile(made.settings.token_file).save(Tokens(refresh_token="worn-out-token"))
    with pytest.raises(SourceRefusedError, match="chatledger login") as caught:
        Authority(made.settings, lambda: NOW).token()
    assert "worn-out-token" not in str(caught.value)
    assert TokenFile(made.settings.token_file).load().refresh_token == "worn-out-token"


def test_personal_token_is_enough(made: Rig) -> None:
    """An access token alone works until it is refused."""
    TokenFile(made.settings.token_file).save(Tokens(access_token=OFFICER_TOKEN))
    authority = Authority(made.settings, lambda: NOW)
    assert authority.token() == OFFICER_TOKEN
    with pytest.raises(SourceRefusedError, match="no refresh token"):
        authority.refused(OFFICER_TOKEN)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_file_that_others_can_read(tmp_path: Path, mode: int) -> None:
    """A token file that is not ours alone is refused, with the command that mends it."""
    path = tmp_path / "tokens.json"
    TokenFile(path).save(Tokens(refresh_token="r"))
    path.chmod(mode)
    with pytest.raises(SourceRefusedError, match="chmod 600"):
        TokenFile(path).load()


@pytest.mark.parametrize(
    "content", ["", "no json", "[]", "{}", '{"refresh_token": 7}', '{"access_token": "secret-x']
)
def test_file_without_tokens(tmp_path: Path, content: str) -> None:
    """A broken or empty file is named; nothing of what it holds is."""
    path = tmp_path / "tokens.json"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(SourceRefusedError, match="login") as caught:
        TokenFile(path).load()
    assert "secret-x" not in "".join(traceback.format_exception(caught.value))


def test_missing_file(tmp_path: Path) -> None:
    """Before the first login the message says what to do."""
    with pytest.raises(SourceRefusedError, match="chatledger login"):
        TokenFile(tmp_path / "none").load()


def test_old_tokens_survive_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that dies half-way leaves the tokens as they were."""
    kept = TokenFile(tmp_path / "tokens.json")
    kept.save(Tokens(refresh_token="old"))

    def full(*_args: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        kept.save(Tokens(refresh_token="new"))
    assert kept.load().refresh_token == "old"


def test_token_goes_to_the_configured_host_only(made: Rig) -> None:
    """Other hosts, ports and schemes get no header."""
    auth = BearerAuth(made.settings.base_url, Authority(made.settings, lambda: NOW))
    own = requests.Request("GET", f"{made.settings.base_url}/events").prepare()
    assert "Authorization" in auth(own).headers
    for url in (
        "http://127.0.0.1:9/v1/events",
        made.settings.base_url.replace("http:", "https:"),
        "http://x.example/",
    ):
        assert "Authorization" not in auth(requests.Request("GET", url).prepare()).headers


def test_secrets_are_nowhere(made: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """No token and no secret in logs, exceptions or representations, whatever fails."""
    caplog.set_level(logging.DEBUG)
    said = []
    with contextlib.closing(made.source()) as source:
        source.check()
        for do in ({"status": 401}, {"drop": True}, {"status": 500}, {"status": 200, "body": "x"}):
            made.sim("faults", [{"match": {"path": "/events|/access_token"}, "times": None, "do": do}])
            with pytest.raises(SourceError) as caught:
                made.take(source)
            said.append("".join(traceback.format_exception(caught.value)))
    kept = json.loads(made.settings.token_file.read_text())
    text = "\n".join(
        [caplog.text, *said, repr(made.settings), repr(TokenFile(made.settings.token_file).load())]
    )
    for secret in (kept["access_token"], kept["refresh_token"], CLIENT_SECRET, "first-refresh"):
        assert secret not in text


def test_down_is_not_refused(tmp_path: Path) -> None:
    """A service that can't be reached is waited for, in one sentence."""
    nowhere = settings("http://127.0.0.1:9", tmp_path)
    TokenFile(nowhere.token_file).save(Tokens(refresh_token="r"))
    with pytest.raises(SourceUnavailableError, match="cannot reach Webex"):
        Authority(nowhere, lambda: NOW).token()


@pytest.mark.parametrize(
    "more",
    [{"redirect_uri": "http://evil.example/x"}, {"base_url": "ftp://x"}, {"base_url": "webexapis.com"}],
)
def test_settings_say_no(tmp_path: Path, more: dict[str, str]) -> None:
    """Addresses that can't be right are refused when the configuration is read."""
    with pytest.raises(ValueError, match="must be"):
        settings("http://127.0.0.1:1", tmp_path, **more)
    assert WebexSettings.model_fields["base_url"].default == "https://webexapis.com/v1"
