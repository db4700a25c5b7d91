"""TLS with a real Dovecot: only a server whose certificate can be trusted gets a password."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from consumers.importing.opening import open_target
from consumers.importing.settings import ImportSettings
from consumers.importing.troubles import HostError
from sandbox.ports import free_port
from tests.certificates import Authority
from tests.consumers.importing.office import Office, id_of, mailbox_of, settings_of, until
from tests.dovecot import PASSWORD, Dovecot, binary

pytestmark = pytest.mark.imap
ANA = "ana@bank.example"
NAME = "localhost"  # what the certificate says; 127.0.0.1 is the same server by another name
LISTENER = "{\n  inet_listener imaps {\n    port=%d\n    ssl=yes\n  }\n}"


@dataclass(frozen=True)
class Secured:
    """A server, its port for TLS from the first byte, and who signed its certificate."""

    server: Dovecot
    tls_port: int
    authority: Path

    def settings(self, tls: str, **changes: object) -> ImportSettings:
        """An import into it, by the right name, trusting the right authority."""
        port = self.tls_port if tls == "implicit" else self.server.port
        target = {"host": NAME, "tls": tls, "port": port, "ca_file": self.authority} | changes
        return settings_of(target={name: value for name, value in target.items() if value is not None})


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    """Dovecot with both kinds of TLS."""
    if binary() is None:
        pytest.skip("no Dovecot on this machine: Debian: apt install dovecot-imapd")
    port = free_port()
    server = Dovecot(
        {
            "ssl": "yes",
            "ssl_cert": "<%HOME%/server.pem",
            "ssl_key": "<%HOME%/server.key",
            "service imap-login": LISTENER % port,
        }
    )
    authority = Authority(server.folder)
    authority.issue(server.folder, NAME)
    with server:
        server.add(ANA)
        yield Secured(server, port, authority.file)


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the settings want it."""
    monkeypatch.setenv("CHATLEDGER_TEST_PASSWORD", PASSWORD)


@pytest.mark.kafka
def test_a_private_authority_that_is_named_is_trusted(office: Office, secured: Secured) -> None:
    """The mail gets there, whole; with another name the same server is waited for, and status has the sentence."""
    box = secured.server.add("whole@bank.example")
    office.file(1, [box])
    with office.importing(secured.settings("implicit", host="127.0.0.1")):
        until(lambda: any("certificate not accepted" in one for one in office.told("waiting")))
        assert office.receipts() == []
    newest = office.imported(secured.settings("implicit"))
    assert newest[id_of(1), box]["outcome"] == "ok"
    assert [one.message_id for one in mailbox_of(secured.server, box)] == [id_of(1)]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_the_right_name_and_authority_open_a_mailbox(secured: Secured, tls: str) -> None:
    """IMAPS and STARTTLS: what the refusals below are measured by, with nothing changed but what they change."""
    before = secured.server.log().count("TLS")
    target = open_target(secured.settings(tls))
    target.check()
    session = target.open(ANA)
    assert session.place("Webex Teams") == '"INBOX.Webex Teams"'
    session.close()
    until(lambda: secured.server.log().count("TLS") > before)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"host": "127.0.0.1"}, "host has to be a name that stands in the certificate"),
        ({"ca_file": "another"}, "ca_file names a private authority"),
        ({"ca_file": None}, "ca_file names a private authority"),
    ],
)
def test_who_cannot_be_trusted_gets_no_password(
    secured: Secured, tmp_path: Path, tls: str, changes: dict[str, object], said: str
) -> None:
    """Another name, an authority that nobody named: refused for all mailboxes, in a sentence with what to do."""
    if changes.get("ca_file") == "another":
        changes = {"ca_file": Authority(tmp_path, "another").file}
    before = secured.server.log().count("Login: user=")
    target = open_target(secured.settings(tls, **changes))
    with pytest.raises(HostError) as refused:
        target.open(ANA)
    host = str(changes.get("host", NAME))
    assert str(refused.value).startswith(f"certificate not accepted: {host}:")
    assert said in str(refused.value)
    assert secured.server.log().count("Login: user=") == before
    with pytest.raises(HostError, match="certificate not accepted"):
        target.check()


def test_a_server_without_starttls_gets_no_password(dovecot: Dovecot) -> None:
    """Whoever strips the offer from the greeting learns nothing: nothing goes on in clear."""
    target = open_target(settings_of(dovecot, target={"tls": "starttls", "host": NAME}))
    with pytest.raises(HostError, match=r"server not reached: .*TLS not supported by server"):
        target.open(ANA)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path, content: str | None) -> None:
    """It is missing, or has no certificate in it: one sentence that names the file."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=r"ca_file .*ca\.pem has no certificates \(PEM\): "):
        open_target(settings_of(target={"tls": "implicit", "ca_file": path}))


@pytest.mark.parametrize("host", ["mail.bank.example", "10.0.0.1", "::2", "localhost.bank.example"])
def test_plain_connections_do_not_leave_this_machine(host: str) -> None:
    """Passwords would be readable on the way."""
    with pytest.raises(ValueError, match='tls = "none" is for a server on this machine'):
        settings_of(target={"host": host})
