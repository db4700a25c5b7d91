"""Consent, tokens and their rotation at the simulated Webex."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.simulation import background
from sandbox.webex.server import make_app
from sandbox.webex.tokens import CLIENT_ID, CLIENT_SECRET, FIRST_REFRESH_TOKEN
from tests.sandbox.webex_client import Client

BACK = "http://127.0.0.1:9/callback"


@pytest.fixture
def url() -> Iterator[str]:
    """Serve the start of the week."""
    with background(make_app(scale=0)) as url:
        yield url


def authorize(url: str, **query: str) -> requests.Response:
    """Ask for consent without following the redirect."""
    known = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": BACK,
        "scope": "a b",
        "state": "s&1",
    }
    return requests.get(f"{url}/v1/authorize", params=known | query, allow_redirects=False, timeout=5)


def code(url: str) -> str:
    """Return a fresh code."""
    return parse_qs(urlsplit(authorize(url).headers["Location"]).query)["code"][0]


def token(url: str, **form: str) -> requests.Response:
    """Ask for tokens."""
    known = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uri": BACK}
    return requests.post(f"{url}/v1/access_token", data=known | form, timeout=5)


def test_consent_brings_code_and_state_back(url: str) -> None:
    """The browser is sent back at once, with the state untouched."""
    target = urlsplit(authorize(url).headers["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == BACK
    assert parse_qs(target.query)["state"] == ["s&1"]


def test_consent_can_be_a_page(url: str) -> None:
    """With the switch on, a person has a link to press."""
    Client(url).faults(switches={"consent_page": True})
    assert 'id="accept"' in authorize(url).text


def test_a_code_is_good_once_and_for_its_redirect_uri(url: str) -> None:
    """The code brings a pair of tokens with their lives; neither a second time nor for another URI."""
    fresh = code(url)
    body = token(url, grant_type="authorization_code", code=fresh).json()
    assert (body["expires_in"], body["refresh_token_expires_in"]) == (1_209_600, 7_776_000)
    assert body["scope"] == "a b"
    assert Client(url, body["access_token"]).get("/people/me").status_code == 200
    assert token(url, grant_type="authorization_code", code=fresh).status_code == 400
    other = token(url, grant_type="authorization_code", code=code(url), redirect_uri=BACK + "/x")
    assert other.status_code == 400


def test_a_refresh_kills_the_old_refresh_token(url: str) -> None:
    """Each refresh token is good once; the first one of the sandbox too."""
    one = token(url, grant_type="refresh_token", refresh_token=FIRST_REFRESH_TOKEN).json()
    two = token(url, grant_type="refresh_token", refresh_token=one["refresh_token"]).json()
    assert two["refresh_token"] != one["refresh_token"]
    for dead in (FIRST_REFRESH_TOKEN, one["refresh_token"]):
        answer = token(url, grant_type="refresh_token", refresh_token=dead)
        assert answer.status_code == 400
        assert "refresh token" in answer.json()["message"]


def test_rotation_can_be_switched_off(url: str) -> None:
    """Then the same refresh token comes back."""
    Client(url).faults(switches={"rotate_refresh": False})
    body = token(url, grant_type="refresh_token", refresh_token=FIRST_REFRESH_TOKEN).json()
    assert body["refresh_token"] == FIRST_REFRESH_TOKEN


def test_tokens_expire_by_the_clock(url: str) -> None:
    """After 14 days the access token is refused, after 90 the refresh token."""
    body = token(url, grant_type="refresh_token", refresh_token=FIRST_REFRESH_TOKEN).json()
    client = Client(url, body["access_token"])
    client.move(days=13)
    assert client.get("/people/me").status_code == 200
    client.move(days=1, minutes=1)
    assert client.get("/people/me").status_code == 401
    client.move(days=77)
    assert token(url, grant_type="refresh_token", refresh_token=body["refresh_token"]).status_code == 400


def test_strange_clients_and_grants_are_refused(url: str) -> None:
    """A wrong secret is a 401, an unknown grant or client a 400."""
    assert token(url, grant_type="refresh_token", client_secret="guess").status_code == 401
    assert token(url, grant_type="password").status_code == 400
    assert authorize(url, client_id="somebody").status_code == 400
