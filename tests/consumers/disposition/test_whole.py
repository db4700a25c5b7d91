"""Orders beside a real worker: what was captured after an order stays, and what was captured within the term."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from consumers.disposition.books import Books
from consumers.disposition.giving import put_in_force
from consumers.disposition.removing import is_due
from consumers.disposition.retention import due
from schemas.broker import KafkaSettings
from schemas.dispositions import Scope
from tests.consumers.disposition.office import Office, now_ms, office, raw
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
