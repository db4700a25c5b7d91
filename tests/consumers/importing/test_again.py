"""Replay into mailboxes: what is gone comes back, what is there stays alone, and each item that is appended has a receipt."""

import imaplib
from contextlib import closing
from typing import Any

import pytest

from consumers.importing import again
from consumers.importing.desk import Desk
from consumers.importing.importer import pauses
from consumers.importing.opening import open_attempts, open_target
from consumers.importing.settings import ImportSettings
from tests.consumers.importing.office import Office, id_of, mailbox_of, settings_of
from tests.consumers.importing.proxy import Proxy
from tests.consumers.importing.test_kills import boxes_of
from tests.dovecot import PASSWORD, Dovecot

pytestmark = [pytest.mark.kafka, pytest.mark.imap]


def looked(office: Office, settings: ImportSettings, what: again.What, only: str = "") -> again.Looked:
    """As the command does it."""
    target = open_target(settings)
    wanted = again.copies_to_look_for(
        office.kafka, office.codec, lambda _, copy: only in (copy["mailbox"], ""), target.name, what
    )
    copies, attempts = open_attempts(settings, office.store, office.folder / "again")
    with closing(copies):
        desk = Desk(target, attempts.once, threads=2, pauses=pauses(settings))
        return again.look(office.kafka, office.codec, desk, wanted, what)


def delete(server: Dovecot, mailbox: str, message_id: str) -> None:
    """As the mailbox's owner does it."""
    wire = imaplib.IMAP4(server.host, server.port)
    wire.authenticate("PLAIN", lambda _: f"\0{mailbox}\0{PASSWORD}".encode())
    wire.select('"INBOX.Webex Teams"')
    number = wire.search(None, "HEADER", "Message-ID", message_id)[1][0].decode()
    wire.store(number, "+FLAGS", r"(\Deleted)")
    wire.expunge()
    wire.logout()


def test_what_is_gone_is_appended_and_nothing_else(office: Office, dovecot: Dovecot) -> None:
    """One of four was deleted: it comes back, with a receipt; asked once more, nothing is missing."""
    ana, ben = boxes_of(dovecot, 2)
    for number in (1, 2):
        office.file(number, [ana, ben])
    settings = settings_of(dovecot)
    office.imported(settings)
    delete(dovecot, ana, id_of(2))
    found = looked(office, settings, "missing")
    assert (found.selected, found.there, found.appended, found.refused) == (4, 3, 1, [])
    assert sorted(one.message_id for one in mailbox_of(dovecot, ana)) == sorted([id_of(1), id_of(2)])
    last = office.newest()[id_of(2), ana]
    assert (last["occasion"], last["outcome"], last["how"]) == ("missing", "ok", "appended")
    found = looked(office, settings, "missing")
    assert (found.there, found.appended) == (4, 0)
    assert len(office.receipts()) == 5


def test_again_appends_once_more_on_record(office: Office, dovecot: Dovecot) -> None:
    """Only in the mailbox that was named; the receipt says on which occasion."""
    ana, ben = boxes_of(dovecot, 2)
    office.file(1, [ana, ben])
    settings = settings_of(dovecot)
    office.imported(settings)
    found = looked(office, settings, "again", ana)
    assert (found.selected, found.appended) == (1, 1)
    assert [len(mailbox_of(dovecot, box)) for box in (ana, ben)] == [2, 1]
    assert [one["occasion"] for one in office.receipts() if one["mailbox"] == ana] == ["live", "again"]


@pytest.mark.parametrize(
    "trouble",
    [
        {"answers": ["NO [OVERQUOTA] full"]},
        {"cut_after": [-1]},
        {"cut_after": [100]},
    ],
    ids=["full", "answer lost", "cut"],
)
def test_again_takes_no_older_item_for_its_own(
    office: Office, dovecot: Dovecot, trouble: dict[str, Any]
) -> None:
    """Refused or lost at first: in the end there is one item more, neither none nor two, and a receipt that says so."""
    (ana,) = boxes_of(dovecot, 1)
    office.file(1, [ana])
    office.imported(settings_of(dovecot))
    with Proxy(dovecot.port, **trouble) as proxy:
        found = looked(office, settings_of(port=proxy.port), "again")
        assert not proxy.answers + proxy.hang_up + proxy.cut_after
    assert (found.appended, found.there, found.refused) == (1, 0, [])
    assert len(mailbox_of(dovecot, ana)) == 2
    assert [one["occasion"] for one in office.receipts()] == ["live", "again"]


def test_what_the_importer_has_not_finished_is_left_to_it(office: Office, dovecot: Dovecot) -> None:
    """Without a receipt, or waiting; and a mailbox that refuses is told, not waited for."""
    (ana,) = boxes_of(dovecot, 1)
    office.file(1, [ana, "nobody@bank.example"])
    settings = settings_of(dovecot, patience_seconds=0)
    target = open_target(settings)
    wanted = again.copies_to_look_for(office.kafka, office.codec, lambda *_: True, target.name, "missing")
    blanks = [one for _, one in wanted]
    assert len(again.unfinished(office.kafka, office.codec, blanks)) == 2
    office.imported(settings)
    assert len(again.unfinished(office.kafka, office.codec, blanks)) == 1
    found = looked(office, settings, "missing")
    assert (found.there, [box for _, box, _ in found.refused]) == (1, ["nobody@bank.example"])
