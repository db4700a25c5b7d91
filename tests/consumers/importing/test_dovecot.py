"""The import into a real Dovecot: what stands in the mailboxes, and what the receipts say."""

import hashlib

import pytest

from tests.consumers.importing.office import Office, id_of, mail_bytes, mailbox_of, settings_of
from tests.dovecot import Dovecot

pytestmark = [pytest.mark.kafka, pytest.mark.imap]


def test_each_copy_is_in_its_mailbox_once(office: Office, dovecot: Dovecot) -> None:
    """Same bytes, unread, the conversation's date; the receipt says where, and its hash is that of the ledger."""
    ana, ben = dovecot.add("ana@bank.example"), dovecot.add("ben@bank.example")
    data = mail_bytes(1)
    office.file(1, [ana, ben], data)
    office.file(2, [ben])

    newest = office.imported(settings_of(dovecot))

    assert [(one.message_id, one.data, one.flags) for one in mailbox_of(dovecot, ana)] == [
        (id_of(1), data, "")
    ]
    assert {one.message_id for one in mailbox_of(dovecot, ben)} == {id_of(1), id_of(2)}
    assert mailbox_of(dovecot, ana)[0].date == "04-Mar-2026 14:02:12 +0000"
    receipt = newest[id_of(1), ana]
    assert (receipt["outcome"], receipt["how"], receipt["reason"]) == ("ok", "appended", None)
    assert receipt["imported_sha256"] == receipt["sha256"] == hashlib.sha256(data).digest()
    assert receipt["place"] == '"INBOX.Webex Teams"'
    assert receipt["item"].endswith("/1")
    assert receipt["target"] == "imap 127.0.0.1"
