"""Mailboxes that take less than the mail has: a real Dovecot that announces its limit, and one that only refuses."""

import hashlib

import pytest

from tests.consumers.importing.office import Office, id_of, mail_bytes, mailbox_of, settings_of
from tests.consumers.importing.test_dovecot import ids_in, new_box
from tests.servers import Servers

pytestmark = [pytest.mark.kafka, pytest.mark.imap]
LIMIT = 6_000


def test_a_smaller_limit_gives_a_reduced_mail(office: Office, servers: Servers) -> None:
    """APPENDLIMIT is honoured: the largest file gives way to a sentence, the item is partial, and always the same."""
    server = servers.dovecot(imap_capability=f"+APPENDLIMIT={LIMIT}", **_enforced(LIMIT))
    ana, ben = new_box(server), new_box(server)
    data = mail_bytes(1, ("plan.pdf", 9_000), ("small.pdf", 500))
    office.file(1, [ana, ben], data)

    newest = office.imported(settings_of(server))

    receipt = newest[id_of(1), ana]
    assert (receipt["outcome"], receipt["limit"]) == ("partial", LIMIT)
    assert receipt["reason"] == f"the mailbox takes {LIMIT} bytes at most; left out: plan.pdf"
    found = mailbox_of(server, ana)[0]
    assert len(found.data) == receipt["imported_size"]
    assert len(found.data) <= LIMIT
    assert hashlib.sha256(found.data).digest() == receipt["imported_sha256"] != receipt["sha256"]
    assert b"small.pdf" in found.data
    assert hashlib.sha256(data).hexdigest().encode() in found.data


def _enforced(limit: int) -> dict[str, str]:
    return {"plugin": "{\n  quota_max_mail_size=" + str(limit) + "\n}"}


def test_a_limit_that_nobody_announced_is_found_by_trying(office: Office, servers: Servers) -> None:
    """The server refuses for the size and does not say how much it takes: smaller ones are tried, from a fixed list."""
    server = servers.dovecot(**_enforced(300_000))
    ana = new_box(server)
    office.file(1, [ana], mail_bytes(1, ("plan.pdf", 400_000), ("more.pdf", 350_000)))

    receipt = office.imported(settings_of(server))[id_of(1), ana]

    assert (receipt["outcome"], receipt["limit"]) == ("partial", 250_000)
    assert ids_in(server, ana) == [id_of(1)]
