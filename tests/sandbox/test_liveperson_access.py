"""The simulated LivePerson: domain lookup, OAuth 1, OAuth 2, login."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from authlib.integrations.requests_client import OAuth1Auth

from sandbox.liveperson.model import ACCOUNT
from tests.sandbox.liveperson_client import HISTORY, OWN, USERS, WEEK, Client, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator

_CSDS = f"/api/account/{ACCOUNT}/service"


@pytest.fixture(scope="module")
def lp() -> Iterator[Client]:
    """Run one simulated LivePerson for the module."""
    with simulated() as client:
        yield client


@pytest.fixture(autouse=True)
def _no_faults(lp: Client) -> None:
    lp.faults()


def _signed(**changes: str) -> OAuth1Auth:
    keys = {
        "client_id": OWN.app_key,
        "client_secret": OWN.app_secret,
        "token": OWN.access_token,
        "token_secret": OWN.access_token_secret,
    }
    return OAuth1Auth(**(keys | changes), force_include_body=False)


def _search_signed(
    lp: Client, auth: OAuth1Auth, query: str = "?limit=10&source=a%20b%2Bc"
) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(lp.url + HISTORY + "/search" + query, json={"start": WEEK}, auth=auth, timeout=10)


def test_one_service_is_a_bare_host(lp: Client) -> None:
    """The lookup gives host and port without scheme, in one flat object."""
    body = lp.get(f"{_CSDS}/msgHist/baseURI.json?version=1.0").json()
    assert body == {"service": "msgHist", "account": ACCOUNT, "baseURI": lp.url.removeprefix("http://")}


def test_all_services(lp: Client) -> None:
    """The lookup without a service lists those that an archiver needs."""
    listed = lp.get(f"{_CSDS}/baseURI.json?version=1.0").json()["baseURIs"]
    assert {"msgHist", "accountConfigReadOnly", "sentinel", "swift", "agentVep"} <= {
        each["service"] for each in listed
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [(f"{_CSDS}/msghist/baseURI.json", 400), ("/api/account/999/service/msgHist/baseURI.json", 401)],
)
def test_lookup_refuses(lp: Client, path: str, status: int) -> None:
    """Service names are case-sensitive, and an unknown account is an invalid site."""
    assert lp.get(path).status_code == status


def test_lookup_as_a_proxy_answers_for_the_real_host(lp: Client) -> None:
    """A client that asks the real host through us as its HTTP proxy is sent to localhost."""
    url = f"http://api.liveperson.net{_CSDS}/msgHist/baseURI.json?version=1.0"
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, proxies={"http": lp.url}, timeout=5)
    assert answer.json()["baseURI"] == lp.url.replace("http://127.0.0.1", "localhost")


def test_data_need_credentials(lp: Client) -> None:
    """Without or with an unknown token nothing is shown, in LivePerson's error shape."""
    for header in ({}, {"Authorization": "Bearer bearer-0"}, {"Authorization": "Basic eA=="}):
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(lp.url + USERS, headers=header, timeout=5)
        assert (answer.status_code, answer.json()["error"]["internalCode"]) == (401, 28)


def test_token_answer_has_a_textual_lifetime(lp: Client) -> None:
    """OAuth 2 gives a bearer token whose expires_in is text, or a number when switched."""
    assert lp.token().json().items() >= {"token_type": "Bearer", "expires_in": "3600"}.items()
    lp.faults(expires_in_as_text=False)
    assert lp.token().json()["expires_in"] == 3600


def test_wrong_client_secret(lp: Client) -> None:
    """A wrong secret gets no token."""
    assert (lp.token("guess").status_code, lp.token("guess").json()) == (401, {"error": "invalid_client"})


def test_expired_token(lp: Client) -> None:
    """An expired token answers 401 until a new one is fetched."""
    assert lp.search().status_code == 200
    lp.faults(token_lifetime_s=0)
    assert lp.search().status_code == 401


def test_oauth1_signature_is_accepted(lp: Client) -> None:
    """A request signed by an independent library is let in, with a query that needs encoding."""
    assert _search_signed(lp, _signed()).status_code == 200


@pytest.mark.parametrize("wrong", ["client_id", "client_secret", "token", "token_secret"])
def test_oauth1_needs_all_four_values(lp: Client, wrong: str) -> None:
    """Each of the four values counts."""
    assert _search_signed(lp, _signed(**{wrong: "guess"})).status_code == 401


def test_oauth1_refuses_plaintext(lp: Client) -> None:
    """Only HMAC-SHA1 is accepted."""
    assert _search_signed(lp, _signed(signature_method="PLAINTEXT")).status_code == 401


def test_oauth1_covers_the_query(lp: Client) -> None:
    """A header signed for one query does not open another, and none opens twice."""
    with requests.Session() as session:
        session.trust_env = False
        given = {"url": lp.url + HISTORY + "/search?limit=1", "json": {"start": WEEK}}
        prepared = session.prepare_request(requests.Request("POST", **given, auth=_signed()))
        assert session.send(prepared, timeout=5).status_code == 200
        assert "nonce" in session.send(prepared, timeout=5).text
        prepared.url = lp.url + HISTORY + "/search?limit=2"
        assert "wrong signature" in session.send(prepared, timeout=5).text


def test_oauth1_refuses_an_old_timestamp(lp: Client) -> None:
    """A timestamp outside of the window is refused."""
    lp.faults(oauth1_window_s=-1)
    assert "timestamp" in _search_signed(lp, _signed()).text


def test_user_login_gives_a_bearer(lp: Client) -> None:
    """Login v1.3 gives a bearer for the data, until logout."""
    login = {"username": OWN.username, "password": OWN.password}
    answer = lp.post(f"/api/account/{ACCOUNT}/login?v=1.3", json=login).json()
    header = {"Authorization": f"Bearer {answer['bearer']}"}
    assert answer["csdsCollectionResponse"]["baseURIs"]
    assert lp.get(USERS, headers=header).status_code == 200
    lp.post(f"/api/account/{ACCOUNT}/logout", headers=header, json={"csrf": answer["csrf"]})
    assert lp.get(USERS, headers=header).status_code == 401


def test_wrong_login(lp: Client) -> None:
    """A wrong password is refused."""
    login = {"username": OWN.username, "password": "guess"}
    assert lp.post(f"/api/account/{ACCOUNT}/login?v=1.3", json=login).status_code == 401


@pytest.mark.parametrize(("shape", "content_type"), [("flat", "application/json"), ("text", "text/html")])
def test_error_shapes(lp: Client, shape: str, content_type: str) -> None:
    """Errors come flat or as a page when switched."""
    lp.faults(error_shape=shape)
    answer = lp.search("limit=0")
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (400, content_type)
