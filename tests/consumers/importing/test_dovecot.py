"""The import into a real Dovecot: what stands in the mailboxes, and what the receipts say."""

import hashlib
import time
import uuid
from contextlib import closing

import pytest

from consumers.importing.importer import pauses
from consumers.importing.settings import ImportSettings
from schemas.admin import create_topics
from tests.consumers.importing.office import Office, id_of, mail_bytes, mailbox_of, settings_of, until
from tests.consumers.importing.proxy import THROTTLED, Proxy
from tests.dovecot import Dovecot, DovecotContainer
from tests.servers import Servers, engine_trouble

pytestmark = [pytest.mark.kafka, pytest.mark.imap]
SLASH = "{\n  inbox=yes\n  separator=/\n}"


def new_box(server: Dovecot, **options: int | str) -> str:
    """A mailbox that no other test has."""
    return server.add(f"{uuid.uuid4().hex[:8]}@bank.example", **options)  # type: ignore[arg-type]  # quota or password


def ids_in(server: Dovecot, mailbox: str, place: str = '"INBOX.Webex Teams"') -> list[str]:
    """Message-IDs of what stands there, sorted."""
    return sorted(one.message_id for one in mailbox_of(server, mailbox, place))


def test_each_copy_is_in_its_mailbox_once(office: Office, dovecot: Dovecot) -> None:
    """Same bytes, unread, the conversation's date; the receipt says where, and its hash is that of the ledger."""
    ana, ben = new_box(dovecot), new_box(dovecot)
    data = mail_bytes(1)
    office.file(1, [ana, ben], data)
    office.file(2, [ben])

    newest = office.imported(settings_of(dovecot))

    assert [(one.message_id, one.data, one.flags) for one in mailbox_of(dovecot, ana)] == [
        (id_of(1), data, "")
    ]
    assert ids_in(dovecot, ben) == sorted([id_of(1), id_of(2)])
    assert mailbox_of(dovecot, ana)[0].date == "04-Mar-2026 14:02:12 +0000"
    receipt = newest[id_of(1), ana]
    assert (receipt["outcome"], receipt["how"], receipt["reason"]) == ("ok", "appended", None)
    assert receipt["imported_sha256"] == receipt["sha256"] == hashlib.sha256(data).digest()
    assert receipt["place"] == '"INBOX.Webex Teams"'
    assert receipt["item"].endswith("/1")
    assert receipt["target"] == "imap 127.0.0.1"


def test_a_slash_parts_the_levels_where_the_server_says_so(office: Office, servers: Servers) -> None:
    """The separator is asked for; levels of one's own go below the inbox, items are read where that is asked for."""
    server = servers.dovecot(**{"namespace inbox": SLASH})
    ana = new_box(server)
    office.file(1, [ana])

    office.imported(settings_of(server, folder="inbox/Archive & Co/{folder}", read=True))

    found = mailbox_of(server, ana, '"INBOX/Archive &- Co/Webex Teams"')
    assert [(one.message_id, one.flags) for one in found] == [(id_of(1), r"\Seen")]


def test_a_full_mailbox_waits_and_others_go_on(office: Office, dovecot: Dovecot) -> None:
    """Quota exceeded is recorded as waiting with its reason, once; with room again, the copy gets there by itself."""
    full, ana = new_box(dovecot, quota=3_000), new_box(dovecot)
    office.file(1, [full, ana], mail_bytes(1, ("big.pdf", 5_000)))
    office.file(2, [ana])

    with office.importing(settings_of(dovecot, patience_seconds=0)):
        until(lambda: office.outcomes().get((id_of(1), full)) == "waiting" and ids_in(dovecot, ana) != [])
        until(lambda: ids_in(dovecot, ana) == sorted([id_of(1), id_of(2)]))
        dovecot.add(full, quota=100_000)
        until(lambda: office.outcomes().get((id_of(1), full)) == "ok")

    told = [(one["outcome"], one["reason"]) for one in office.receipts() if one["mailbox"] == full]
    assert [outcome for outcome, _ in told] == ["waiting", "ok"]
    assert (told[0][1] or "").startswith("mailbox full: [OVERQUOTA]")
    assert ids_in(dovecot, full) == [id_of(1)]


def test_a_wrong_password_of_one_mailbox_stops_no_other(office: Office, dovecot: Dovecot) -> None:
    """Nine of ten are done while one waits; when its password is right, what waited goes there in one go."""
    boxes = [new_box(dovecot) for _ in range(9)]
    locked = new_box(dovecot, password="other")
    for number in range(5):
        office.file(number, [locked, *boxes])
    last = {(id_of(number), box): "ok" for number in range(5) for box in boxes}
    waiting = {(id_of(number), locked): "waiting" for number in range(5)}

    assert set(office.imported(settings_of(dovecot, patience_seconds=0), last | waiting)) == set(
        last | waiting
    )
    reasons = {one["reason"] for one in office.receipts() if one["mailbox"] == locked}
    assert all((reason or "").startswith("sign-in refused") for reason in reasons)
    dovecot.add(locked)
    office.imported(settings_of(dovecot), last | dict.fromkeys(waiting, "ok"))
    assert ids_in(dovecot, locked) == sorted(id_of(number) for number in range(5))


def test_a_connection_cut_in_a_literal_doubles_and_loses_nothing(office: Office, dovecot: Dovecot) -> None:
    """Cut at the first byte, in the middle, and behind the last before the answer: each mail is there once."""
    ana = new_box(dovecot)
    for number in range(4):
        office.file(number, [ana], mail_bytes(number, ("a.pdf", 200_000)))
    with Proxy(dovecot.port, cut_after=[0, 100_000, -1, 199_000]) as proxy:
        newest = office.imported(settings_of(port=proxy.port), {(id_of(n), ana): "ok" for n in range(4)})
    assert proxy.cut_after == []
    assert ids_in(dovecot, ana) == sorted(id_of(number) for number in range(4))
    assert sorted(one["how"] for one in newest.values()) == ["appended", "appended", "appended", "found"]


def test_throttling_is_waited_out_for_as_long_as_the_server_asks(office: Office, dovecot: Dovecot) -> None:
    """Exchange Online's answer, a coded one, and a BYE: nothing is recorded as waiting, nothing is lost."""
    ana = new_box(dovecot)
    office.file(1, [ana])
    with Proxy(
        dovecot.port,
        answers=[THROTTLED.format(ms=1500), "NO [INUSE] try later"],
        hang_up=["Request is throttled."],
    ) as proxy:
        began = time.monotonic()
        office.imported(settings_of(port=proxy.port))
        assert time.monotonic() - began > 1.5
    assert proxy.appends == 4
    assert ids_in(dovecot, ana) == [id_of(1)]
    assert [one["outcome"] for one in office.receipts()] == ["ok"]


def test_content_class_goes_before_the_hashed_original(office: Office, dovecot: Dovecot) -> None:
    """The item begins with the class and the original's hash; without these lines it is the original."""
    ana = new_box(dovecot)
    data = mail_bytes(1)
    office.file(1, [ana], data)

    receipt = office.imported(settings_of(dovecot, content_class="urn:content-class:custom.{source}"))[
        id_of(1), ana
    ]

    found = mailbox_of(dovecot, ana)[0].data
    digest = hashlib.sha256(data).hexdigest()
    before = f"Content-Class: urn:content-class:custom.webex\r\nX-Chatledger-Original-SHA256: {digest}\r\n"
    assert found == before.encode() + data
    assert receipt["sha256"] == hashlib.sha256(data).digest()
    assert receipt["imported_sha256"] == hashlib.sha256(found).digest()


@pytest.mark.parametrize("message_id", ['<a"b\\c@x>', "<%_*{7}@x>", "<ünï@x>", "<" + "l" * 150 + "@x>"])
def test_any_message_id_is_found_again(office: Office, dovecot: Dovecot, message_id: str) -> None:
    """What was appended by somebody whose receipt is lost is found, whatever is in its Message-ID."""
    ana = new_box(dovecot)
    office.file(1, [ana], message_id=message_id)
    office.imported(settings_of(dovecot))
    prefix = office.kafka.topic_prefix + "b-"  # topics without receipts and commits, another cache
    other = Office(office.kafka.model_copy(update={"topic_prefix": prefix}), office.folder)
    create_topics(other.kafka)
    with closing(other):
        other.say(office.ledger[0], 0)
        with other.importing(settings_of(dovecot), "other"):
            until(lambda: bool(other.receipts()))
        assert [one["how"] for one in other.receipts()] == ["found"]
    assert len(mailbox_of(dovecot, ana)) == 1


def test_nothing_is_begun_before_servers_have_settled(office: Office, dovecot: Dovecot) -> None:
    """An importer before may have cut off what a server still finishes: a search that comes too early finds nothing."""
    ana = new_box(dovecot)
    office.file(1, [ana])
    begin = time.monotonic()
    with Proxy(dovecot.port) as proxy, office.importing(settings_of(port=proxy.port, settle_seconds=4)):
        until(lambda: proxy.most > 0)
        assert time.monotonic() - begin > 4
        until(lambda: len(office.outcomes()) == 1)


def test_connections_are_bounded(office: Office, dovecot: Dovecot) -> None:
    """Twelve mailboxes, three connections at most at any moment."""
    boxes = [new_box(dovecot) for _ in range(12)]
    for number in range(3):
        office.file(number, boxes)
    with Proxy(dovecot.port) as proxy:
        office.imported(settings_of(port=proxy.port, target={"connections": 3}))
    assert proxy.most <= 3
    assert all(len(ids_in(dovecot, box)) == 3 for box in boxes)


def test_a_master_user_opens_every_mailbox(
    office: Office, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One password for all: the login's template names the master user."""
    ana = new_box(dovecot, password="nobody knows")
    monkeypatch.setenv("CHATLEDGER_TEST_PASSWORD", "master")
    office.file(1, [ana])
    auth = {
        "method": "password",
        "login": "{mailbox}*archive",
        "password": {"env": "CHATLEDGER_TEST_PASSWORD"},
    }
    newest = office.imported(settings_of(dovecot, target={"auth": auth}))
    assert newest[id_of(1), ana]["outcome"] == "ok"


def test_a_server_that_is_down_is_waited_for(office: Office, dovecot: Dovecot) -> None:
    """Nothing is recorded as refused while nobody answers; status says what is waited for; then all goes on."""
    ana = new_box(dovecot)
    office.file(1, [ana])
    dovecot.stop()
    try:
        with office.importing(settings_of(dovecot)):
            until(lambda: office.told("waiting") != [])
            assert office.receipts() == []
            dovecot.start()
            until(lambda: office.outcomes() == {(id_of(1), ana): "ok"})
    finally:
        dovecot.start()


def test_pauses_come_from_the_settings() -> None:
    """What a person configures is what is waited."""
    settings = ImportSettings.model_validate({"target": {"kind": "maildir", "path": "x"}, "retry_seconds": 7})
    assert pauses(settings).first_s == 7


@pytest.mark.docker
@pytest.mark.long
def test_the_same_in_a_container(office: Office) -> None:
    """Where Dovecot is not installed, it comes from an image; mail survives its restart."""
    trouble = engine_trouble()
    if trouble:
        pytest.skip(trouble)
    with DovecotContainer() as server:
        ana = new_box(server)
        office.file(1, [ana])
        office.imported(settings_of(server))
        server.stop()
        server.start()
        assert ids_in(server, ana) == [id_of(1)]


def test_a_sign_in_that_cannot_be_answered_for_now_is_tried_again(office: Office, servers: Servers) -> None:
    """The password is right, and the server can't look the mailbox up ([UNAVAILABLE]): nothing is recorded as refused."""
    server = servers.dovecot(passdb="{\n  driver=static\n  args=password=right\n  mechanisms=plain login\n}")
    ana = f"{uuid.uuid4().hex[:8]}@bank.example"
    office.file(1, [ana])
    with office.importing(settings_of(server)):
        until(lambda: server.log().count("user not found from userdb") >= 2)
        assert office.receipts() == []
        server.add(ana)
        until(lambda: office.outcomes() == {(id_of(1), ana): "ok"})
    assert len(office.receipts()) == 1
