"""Copies that an order has disposed of end as skipped; one that is gone without an order waits, and is a fault."""

import uuid
from pathlib import Path

import pytest

from consumers.importing import disposed
from consumers.importing.again import copies_to_look_for
from consumers.importing.copies import MISSING
from consumers.importing.disposed import Disposed
from consumers.importing.telling import waiting_sentence
from consumers.orders import audit, say
from consumers.writing import new_producer
from schemas.records import Delivery
from schemas.topics import AUDIT
from tests.consumers.importing.office import Office, id_of, mailbox_of, settings_of, until
from tests.consumers.importing.test_files import ANA, settings
from tests.dovecot import Dovecot

pytestmark = pytest.mark.kafka
BEN = "ben@bank.example"


def order(office: Office, *mails: Delivery) -> str:
    """Put on record that these are disposed of, as `chatledger dispose` does before it removes them; the order's name."""
    name = uuid.uuid4().hex
    ids = b"".join(one["mail_id"] for one in mails)
    say(office.kafka, office.codec, [audit(name, "disposed", at_ms=1, connector_uid="webex-main", mails=ids)])
    return name


def remove(office: Office, mail: Delivery) -> None:
    """Take the copies out of the archive."""
    for copy in mail["copies"]:
        (office.archive / (copy["path"] or "")).unlink()


def test_what_was_disposed_of_before_it_was_imported_is_skipped(office: Office, tmp_path: Path) -> None:
    """Both copies end, with the order's name; the mail beside them is imported, and nobody is told of a fault."""
    gone, there = office.file(1, [ANA, BEN]), office.file(2, [ANA])
    name = order(office, gone)
    remove(office, gone)
    newest = office.imported(settings("maildir", tmp_path / "box"))
    for box in (ANA, BEN):
        one = newest[id_of(1), box]
        assert (one["outcome"], one["reason"]) == ("skipped", f"disposed of: order {name}")
        assert (one["how"], one["item"], one["imported_sha256"]) == ("", "", None)
    assert newest[there["message_id"], ANA]["outcome"] == "ok"
    assert sorted(one["outcome"] for one in office.receipts()) == [
        "ok",
        "skipped",
        "skipped",
    ]  # and none waited before
    assert office.told("stopped") == []


def test_what_is_missing_without_an_order_waits_and_is_a_fault(office: Office, tmp_path: Path) -> None:
    """It is told as one of the archive; an order that comes later ends it, a copy that comes back is imported."""
    lost, back = office.file(1, [ANA]), office.file(2, [BEN])
    data = (office.archive / (back["copies"][0]["path"] or "")).read_bytes()
    remove(office, lost)
    remove(office, back)
    with office.importing(settings("maildir", tmp_path / "box")):
        until(lambda: office.outcomes() == {(id_of(1), ANA): "waiting", (id_of(2), BEN): "waiting"})
        assert (office.newest()[id_of(1), ANA]["reason"] or "").startswith(f"{MISSING}: ")
        until(lambda: any("the archive lacks" in one for one in office.told("idle")))
        order(office, lost)
        until(lambda: office.outcomes()[id_of(1), ANA] == "skipped")
        (office.archive / (back["copies"][0]["path"] or "")).write_bytes(data)
        until(lambda: office.outcomes()[id_of(2), BEN] == "ok")
    assert office.told("stopped") == []


@pytest.mark.imap
def test_what_waits_for_a_mailbox_that_refuses_ends_too(
    office: Office, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looks for its copy any more, since nobody can sign in there: the order alone ends it, and no other copy."""
    monkeypatch.setattr(disposed, "LOOK_S", 0.2)
    locked = dovecot.add(f"{uuid.uuid4().hex[:8]}@bank.example", password="other")
    first, second = office.file(1, [locked]), office.file(2, [locked])
    with office.importing(
        settings_of(dovecot, patience_seconds=0, retry_seconds=600, longest_retry_seconds=600)
    ):
        until(lambda: list(office.outcomes().values()) == ["waiting", "waiting"])
        order(office, first)
        until(lambda: office.outcomes()[id_of(1), locked] == "skipped")
        assert office.outcomes()[second["message_id"], locked] == "waiting"
    dovecot.add(locked)
    assert mailbox_of(dovecot, locked) == []


def test_a_replay_into_mailboxes_looks_for_nothing_that_was_disposed_of(office: Office) -> None:
    """It is neither missing nor to be put anew."""
    gone, there = office.file(1, [ANA]), office.file(2, [ANA])
    order(office, gone)
    for what in ("missing", "again"):
        wanted = copies_to_look_for(office.kafka, office.codec, lambda *_: True, "x", what)
        assert [one["mail_id"] for _, one in wanted] == [there["mail_id"]]


def test_the_topic_is_read_on_where_it_was_left(office: Office) -> None:
    """What comes later is found, the first order of a mail counts, and a record that nobody can read hides no other."""
    one, two = office.file(1, [ANA]), office.file(2, [ANA])
    found = Disposed(office.kafka, office.codec)
    wanted = copies_to_look_for(office.kafka, office.codec, lambda *_: True, "x", "missing")
    receipts = {receipt["mail_id"]: receipt for _, receipt in wanted}
    first = order(office, one)
    found.catch_up()
    assert found.reason(receipts[one["mail_id"]]) == f"disposed of: order {first}"
    assert found.reason(receipts[two["mail_id"]]) is None
    with new_producer(office.kafka) as producer:
        producer.send(office.kafka.topic(AUDIT.name), value=b"garbage").get(timeout=20)
    second = order(office, one, two)
    found.catch_up()
    assert found.reason(receipts[one["mail_id"]]) == f"disposed of: order {first}"
    assert found.reason(receipts[two["mail_id"]]) == f"disposed of: order {second}"
    assert found.position == 3
    found.close()


def test_faults_of_the_archive_are_told_apart_from_mailboxes() -> None:
    """Two sentences, the second with what to do."""
    said = waiting_sentence("wx", [("wx", "ana@b", "mailbox full", 2), ("wx", "ben@b", MISSING, 1)])
    assert said == (
        "2 copies wait for ana@b (mailbox full); the archive lacks 1 copy that no order disposed of, or has other bytes: "
        "ben@b (the copy is missing in the store); `chatledger replay --into compare` names each, `--into store` makes again "
        "what is missing"
    )
