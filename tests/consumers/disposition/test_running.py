"""Orders day after day: what they read, what they find again, what a hold still stops, what is in mailboxes."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest

from cli.parts.disposing import shown
from consumers.disposition.books import DispositionError
from consumers.disposition.filling import fill
from consumers.disposition.giving import put_in_force, read_books
from consumers.disposition.index import Index
from consumers.disposition.job import again, carry_out
from consumers.orders import audit, said, say
from consumers.writing import new_producer
from schemas import codec
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.dispositions import Scope, mails_of
from schemas.records import Delivery
from schemas.topics import IMPORTS
from tests.consumers.disposition.office import Office, now_ms, office, raw, with_file
from tests.schemas.test_formats import example
from tests.servers import Servers, wanted_way
from tests.streams.feeding import BASE_MS, DAY_MS, UID, text
from tests.streams.replay.rig import replay
from tests.streams.worker_rig import deliveries

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def one(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A worker on a log of one partition, for all of them: each test has rooms and days of its own."""
    kafka = KafkaSettings(
        bootstrap=servers.broker(wanted_way()).bootstrap,
        partitions=1,
        topic_prefix=f"t{uuid.uuid4().hex[:8]}-",
    )
    create_topics(kafka)
    with office(kafka, tmp_path_factory.mktemp("orders")) as made:
        yield made


def made_of(one: Office, room: int) -> Delivery:
    """The only mail of a room."""
    (made,) = [each for each in deliveries(one.means.kafka) if each["conversation"] == f"room{room}"]
    return cast("Delivery", made)


def test_a_second_order_reads_and_names_only_what_is_new(one: Office) -> None:
    """Retention runs every day: what former orders named is neither on record again nor read again."""
    one.feeder.say_all([(number, 0, tuple(range(5))) for number in range(40)])
    one.feeder.watermark(1)
    one.rig.drained()
    assert one.carry_out(one.give(Scope(UID, before_ms=BASE_MS + DAY_MS)))["mails"] == "40"
    whole = asyncio.run(fill(Index(), one.means.kafka, one.means.codec, one.means.store))
    one.index().db.close()
    one.feeder.say(0, 1, 0)
    one.feeder.watermark(2)
    one.rig.drained()
    new = asyncio.run(
        fill(index := Index(one.means.index), one.means.kafka, one.means.codec, one.means.store)
    )
    assert new < 15
    assert whole > 150
    index.db.close()
    assert one.carry_out(one.give(Scope(UID, before_ms=BASE_MS + 2 * DAY_MS)))["mails"] == "1"
    named = [
        mail
        for each in said(one.means.kafka, one.means.codec)
        if each["kind"] == "disposed"
        for mail in mails_of(each)
    ]
    assert len(named) == len(set(named)) == 41
    assert not list((one.rig.archive / "_mails").rglob("*.eml"))


def test_an_index_that_is_lost_or_of_other_topics_is_made_anew(one: Office) -> None:
    """Then everything is read once; nothing is named twice and nothing stays."""
    one.feeder.say(50, 2, 0)
    one.feeder.watermark(3)
    one.rig.drained()
    one.ordered("room50")
    with one.index() as index:
        known = [mail.id for mail in index.gone()]
        with index.together():
            index.read_up_to("raw-events", {0: 10_000})
            index.db.execute("DELETE FROM gone")
            index.db.execute("DELETE FROM mail")
    with one.index() as index:
        assert [mail.id for mail in index.gone()] == known
    (one.rig.folder / "index.sqlite").unlink()
    assert one.carry_out(one.give(Scope(UID)))["mails"] == "0"


def test_strays_of_the_last_week_are_found_by_the_daily_run(one: Office) -> None:
    """A process that was stopped during an order goes on and writes what it had in its hands: mail, copy and file."""
    ref = one.put(b"hello file")
    one.say(with_file(raw(60, 3, 0), ref))
    one.feeder.watermark(4)
    one.rig.drained()
    made = made_of(one, 60)
    one.ordered("room60")
    for _ in range(2):
        for path in [made["path"], str(made["copies"][0]["path"])]:
            (one.rig.archive / path).parent.mkdir(parents=True, exist_ok=True)
            (one.rig.archive / path).write_bytes(b"late")
        one.put(b"hello file")
        done = asyncio.run(again(one.means, everything=False))
        assert (done.mails, done.copies, done.files) == (1, 1, 1)
    with one.index() as index:
        assert not list(index.gone(since_ms=now_ms() + 1))
        index.add_delivery(made)  # told again, by whoever it was
        assert [mail.id for mail in index.gone(since_ms=now_ms() + 1)] == [made["mail_id"]]


def test_what_replays_made_below_prefixes_goes_too(one: Office) -> None:
    """Whatever the prefix is called; what was not named stays there."""
    one.feeder.say(70, 4, 0)
    one.feeder.say(71, 4, 0)
    one.feeder.watermark(5)
    one.rig.drained()
    for name in ("july", "of/2026"):
        replay(one.rig, "--into", f"_replay/{name}")
    assert one.carry_out(one.give(Scope(UID, "room70")))["replayed"] == "4"
    said_by = [path.read_bytes() for path in one.rig.archive.rglob("*.eml")]
    assert [text(70, 4, 0).encode() in mail for mail in said_by].count(True) == 0
    assert [text(71, 4, 0).encode() in mail for mail in said_by].count(True) == 6


@pytest.mark.parametrize("in_force", [False, True])
def test_a_hold_that_comes_before_anything_is_removed_wins(one: Office, in_force: bool) -> None:
    """Whoever gave the order: it is withdrawn, and nothing that was archived is removed."""
    day = 6 + in_force
    one.feeder.say(80 + day, day, 0)
    one.feeder.watermark(day + 1)
    one.rig.drained()
    order = one.give(Scope(UID, f"room{80 + day}"))
    if in_force:
        put_in_force(one.means.kafka, one.means.codec, order)
    hold = audit(
        "h",
        "hold",
        at_ms=now_ms(),
        connector_uid=UID,
        conversation=f"room{80 + day}",
        by="legal",
        reason="case 7",
    )
    say(one.means.kafka, one.means.codec, [hold])
    with pytest.raises(DispositionError, match=r"on hold by legal \(case 7\)"):
        one.carry_out(order)
    assert text(80 + day, day, 0) in one.texts()
    found = read_books(one.means.kafka, one.means.codec).orders[order.name]
    assert (found.withdrawn, bool(found.positions)) == (True, in_force)
    assert shown(found).endswith("(withdrawn: a legal hold stands before it)")
    say(one.means.kafka, one.means.codec, [audit("h", "released", at_ms=now_ms())])
    one.ordered(f"room{80 + day}")
    assert text(80 + day, day, 0) not in one.texts()


def test_what_is_in_a_mailbox_is_listed_also_what_came_there_later(one: Office) -> None:
    """We can't remove it there; an order says where importers are behind, and who asks later gets the whole list."""
    one.feeder.say(90, 10, 0)
    one.feeder.watermark(11)
    one.rig.drained()
    made = made_of(one, 90)
    means = replace(one.means, importers="importers")
    order = one.give(Scope(UID, "room90"))
    assert asyncio.run(carry_out(means, order))["importers"] == "behind"
    receipt = {
        **example("Receipt"),
        "mail_id": made["mail_id"],
        "mailbox": "ana@bank.example",
        "outcome": "ok",
    }
    with new_producer(one.means.kafka) as producer:
        topic = one.means.kafka.topic(IMPORTS.name)
        for item in ("1/7", "1/8"):  # somebody deleted it, and a replay put it there again
            value = codec.encode("Receipt", {**receipt, "item": item})
            producer.send(topic, key=b"x", value=value).get(timeout=30)
    with one.index() as index:
        assert [each.mailbox for each in index.imported()] == ["ana@bank.example"]
        assert [each.mailbox for each in index.imported(order.name)] == ["ana@bank.example"]
        assert not list(index.imported("another"))
