"""XOAUTH2 as Dovecot checks it: tokens by client credentials from a token endpoint, looked up there by the server itself."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from consumers.importing import signin
from tests.consumers.importing.office import Office, id_of, mailbox_of, settings_of, until
from tests.dovecot import Dovecot, binary

pytestmark = [pytest.mark.kafka, pytest.mark.imap]
SECRET = "s3cret&/+"  # what must be encoded in a form
LOOKUP = """\
introspection_mode=post
introspection_url=http://127.0.0.1:{port}/introspect
active_attribute=active
active_value=yes
username_attribute=username
username_format=app
"""
"""Like Exchange's app-only tokens: one of the application opens whichever mailbox it asks for."""


class Provider(ThreadingHTTPServer):
    """A token endpoint and its introspection; tokens can be revoked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tokens: list[str] = []
        self.valid: set[str] = set()
        self.asked: list[dict[str, str]] = []
        self.silent, self.unanswered = False, 0


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Provider)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if self.path == "/token":
            self.server.asked.append(form)
            good = (form.get("client_id"), form.get("client_secret"), form.get("grant_type")) == (
                "app",
                SECRET,
                "client_credentials",
            )
            self._say(*self._token(self.server)) if good else self._say(401, {"error": "invalid_client"})
        elif self.server.silent:
            self.server.unanswered += 1
            self._say(503, {})
        else:
            active = form.get("token") in self.server.valid
            self._say(200, {"active": "yes" if active else "no", "username": "app"})

    def _token(self, server: Provider) -> tuple[int, dict[str, object]]:
        token = uuid.uuid4().hex
        server.tokens.append(token)
        server.valid.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}

    def _say(self, status: int, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Up for the test."""
    with Provider() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def trusting(provider: Provider) -> Iterator[Dovecot]:
    """A Dovecot that asks this provider."""
    if binary() is None:
        pytest.skip("the provider is on this machine, and Dovecot is not: Debian: apt install dovecot-imapd")
    section = "{\n  driver=oauth2\n  mechanisms=xoauth2\n  args=%HOME%/oauth2.conf\n}"
    server = Dovecot({"passdb": section})
    (server.folder / "oauth2.conf").write_text(LOOKUP.format(port=provider.server_port))
    with server:
        yield server


def auth(provider: Provider) -> dict[str, object]:
    """The configuration's `auth`."""
    return {
        "method": "xoauth2", "token_url": f"http://127.0.0.1:{provider.server_port}/token", "client_id": "app",
        "client_secret": {"env": "CHATLEDGER_TEST_SECRET"}, "scope": "https://mail.example/.default",
    }  # fmt: skip


def test_one_token_opens_all_mailboxes(
    office: Office, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dovecot takes it for each; a mailbox that is not there waits alone; the token is asked for once."""
    monkeypatch.setenv("CHATLEDGER_TEST_SECRET", SECRET)
    with trusting(provider) as server:
        ana, ben = server.add("ana@bank.example"), server.add("ben@bank.example")
        office.file(1, [ana, ben, "nobody@bank.example"])
        newest = office.imported(settings_of(server, patience_seconds=0, target={"auth": auth(provider)}))
        assert [newest[id_of(1), one]["outcome"] for one in (ana, ben, "nobody@bank.example")] == [
            "ok",
            "ok",
            "waiting",
        ]
        assert len(mailbox_of(server, ana)) == len(mailbox_of(server, ben)) == 1
    assert [one["scope"] for one in provider.asked] == ["https://mail.example/.default"]


def test_a_revoked_token_is_replaced(
    office: Office, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mailbox refuses the old one, and is opened with a new one."""
    monkeypatch.setattr(signin, "DOUBT_S", 0.1)
    monkeypatch.setenv("CHATLEDGER_TEST_SECRET", SECRET)
    with trusting(provider) as server:
        ana, ben = server.add("ana@bank.example"), server.add("ben@bank.example")
        with office.importing(settings_of(server, target={"auth": auth(provider)})):
            office.file(1, [ana])
            until(lambda: len(office.receipts()) == 1)
            provider.valid.clear()
            office.file(2, [ben])
            until(lambda: office.outcomes().get((id_of(2), ben)) == "ok")
    assert len(provider.tokens) == 2


def test_a_sign_in_that_cannot_be_checked_for_now_is_tried_again(
    office: Office, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`NO [UNAVAILABLE] Temporary authentication failure`: nothing is recorded as refused, and no other token is asked for."""
    monkeypatch.setenv("CHATLEDGER_TEST_SECRET", SECRET)
    with trusting(provider) as server:
        ana, provider.silent = server.add("ana@bank.example"), True
        office.file(1, [ana])
        with office.importing(settings_of(server, target={"auth": auth(provider)})):
            until(lambda: provider.unanswered >= 2)
            assert office.receipts() == []
            provider.silent = False
            until(lambda: office.outcomes() == {(id_of(1), ana): "ok"})
    assert len(office.receipts()) == len(provider.asked) == 1


def test_a_refused_secret_is_told_and_waited_for(
    office: Office, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No copy is recorded as refused for what concerns all; status says what is wrong, and not the secret."""
    monkeypatch.setenv("CHATLEDGER_TEST_SECRET", "wrong-secret")
    with trusting(provider) as server:
        office.file(1, [server.add("ana@bank.example")])
        with office.importing(settings_of(server, target={"auth": auth(provider)})):
            until(lambda: office.told("waiting") != [])
    assert office.receipts() == []
    assert all("invalid_client" in one and "wrong-secret" not in one for one in office.told("stopped"))
