"""Orders beside a real worker: what was captured after an order stays, and what was captured within the term."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from consumers.disposition.books import Books
from consumers.disposition.giving import put_in_force
from consumers.disposition.removing import is_due
from consumers.disposition.retention import due
from consumers.reading import read_all
from schemas import codec
from schemas.broker import KafkaSettings
from schemas.dispositions import Scope
from schemas.topics import DEAD_LETTERS
from tests.consumers.disposition.office import Office, now_ms, office, raw, with_file
from tests.streams.feeding import DAY_MS, UID, text

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(200)]


@pytest.fixture
def one(new_kafka: Callable[..., KafkaSettings], tmp_path: Path) -> Iterator[Office]:
    """A worker on a log of one partition."""
    with office(new_kafka(1), tmp_path) as made:
        yield made


def test_what_was_captured_after_an_order_stays(one: Office) -> None:
    """However late its mails are removed: another day and a late event of the same day, both after the control record."""
    one.feeder.say(0, 0, 0, 1)
    one.feeder.watermark(1)
    order = one.give(Scope(UID, "room0"))
    put_in_force(one.means.kafka, one.means.codec, order)
    one.feeder.say(0, 0, 4)
    one.feeder.say(0, 5, 0)
    one.feeder.watermark(6)
    one.rig.drained()
    assert one.carry_out(order)["mails"] == "1"
    left = one.texts()
    assert text(0, 0, 4) in left
    assert text(0, 5, 0) in left
    assert text(0, 0, 0) not in left


def test_what_was_captured_within_the_term_is_not_past_it(one: Office) -> None:
    """Nobody back-fills, and a message of today says 1970: retention does not touch it, closed or open."""
    now = datetime.now(UTC)
    for number in (0, 1):
        record = raw(number, 0, 0)
        record.update({"slice_start_ms": 0, "slice_end_ms": DAY_MS, "captured_at_ms": now_ms()})
        one.say(record)
        if number == 0:
            one.feeder.watermark(1)
    one.rig.drained()
    scope = due(UID, timedelta(days=30), None, Books(), now)
    assert scope is not None
    assert not is_due(one.means.kafka, one.means.codec, scope, ())
    assert one.carry_out(one.give(scope))["mails"] == "0"
    one.feeder.watermark(1)
    one.rig.drained()
    assert text(0, 0, 0) in one.texts()
    assert text(1, 0, 0) in one.texts()
    later = due(UID, timedelta(days=30), None, Books(), now + timedelta(days=40))
    assert later is not None
    assert is_due(one.means.kafka, one.means.codec, later, ())


def test_a_file_that_is_gone_stops_nobody(one: Office) -> None:
    """A later event names a file that an order removed: a dead letter says so, and what is behind it is stored."""
    ref = one.put(b"hello file")
    one.say(with_file(raw(0, 0, 0), ref))
    one.feeder.watermark(1)
    one.rig.drained()
    one.ordered("room0")
    assert b"hello file" not in one.content()
    one.say(with_file(raw(0, 1, 0), ref))
    one.feeder.say(3, 5, 0)
    one.feeder.watermark(6)
    one.rig.drained()
    assert text(3, 5, 0) in one.texts()
    (letter,) = [
        codec.decode(record.value or b"").value for record in read_all(one.means.kafka, DEAD_LETTERS)
    ]
    assert "an order of disposition removed" in letter["reason"]
    one.put(b"hello file")
    one.ordered("room5")
    assert b"hello file" in one.content()


def test_rows_and_pieces_of_long_mails_go_too(one: Office) -> None:
    """What was put aside of a mail too large for a record, and the source's whole row; a roster that went aside stays."""
    for number in range(0, 120, 30):
        long = raw(0, 0, *range(number, number + 30))
        for event in long["events"]:
            event["text"] = f"{event['text']} {'secret words ' * 2000}"
        one.say(long)
    row, row_ref = b'{"row": "everything that was said"}', one.put(b'{"row": "everything that was said"}')
    closed = raw(0, 0, 500)
    closed["events"][0]["details"] = {"row_sha256": row_ref["sha256"].hex(), "row_size": str(len(row))}
    one.say(closed)
    one.feeder.watermark(1)
    one.rig.drained()
    assert any(b"secret words" in data or b"c2VjcmV0IHdvcmRz" in data for data in one.content())
    one.ordered("room0")
    assert one.content() == set()
