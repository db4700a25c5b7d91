"""The daily run over days that no lane collects: each is said, none holds up the next."""

import logging
import threading
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cli.parts.daily import Daily
from cli.parts.days import NotCollectedError, NotCoveredError, collected_until, covers, end_ms
from cli.parts.reconciling import tell
from cli.words.status import reconciled_lines
from consumers.reconciling.telling import Result
from consumers.status import read_status, views
from consumers.writing import new_producer
from producers.cursor import Saved, cursor_key, to_cursor
from producers.lanes import LIVE, Lane, back_fill
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.topics import CURSORS
from tests.cli.test_ready import configured


def at_ms(day: int) -> int:
    """Where this day of March 2026 begins (UTC), ms since 1970."""
    return int(datetime(2026, 3, day, tzinfo=UTC).timestamp() * 1000)


LOST = [back_fill(at_ms(1), at_ms(3)).moved(at_ms(3)), Lane(LIVE, at_ms(10), None, at_ms(10) + 1)]
"""Cursors were lost, and the lanes that followed leave 3 to 9 March out."""


class OneLook(threading.Event):
    """Nobody asks to stop, but after one look at everything it is over."""

    def wait(self, timeout: float | None = None) -> bool:
        """As if somebody had asked."""
        return True


@pytest.mark.parametrize(
    ("day", "found"),
    [(2, None), (3, NotCoveredError), (9, NotCoveredError), (10, None), (11, NotCollectedError)],
)
def test_a_day_is_not_covered_where_no_lane_has_any_of_it(day: int, found: type[Exception] | None) -> None:
    """What is still to come is another thing, and so is a day of a back-fill that has not come there."""
    wanted = date(2026, 3, day)
    if found is None:
        assert collected_until(LOST, wanted) == min(at_ms(day + 1), at_ms(10) + 2)
        return
    with pytest.raises(NotCollectedError) as caught:
        collected_until(LOST, wanted)
    assert caught.type is found


def test_a_day_that_lanes_have_in_part_is_as_whole_as_it_gets() -> None:
    """Else the daily run would wait for the rest of it for ever; that it is a part is said."""
    torn = [back_fill(at_ms(1), at_ms(3) + 5_000).moved(at_ms(3) + 5_000), LOST[1]]
    part, whole = date(2026, 3, 3), date(2026, 3, 2)
    assert (collected_until(torn, part), covers(torn, part)) == (at_ms(4), False)
    assert (collected_until(torn, whole), covers(torn, whole)) == (at_ms(3), True)
    half = [back_fill(at_ms(1), at_ms(4)).moved(at_ms(2) + 4_999), LOST[1]]
    assert (collected_until(half, whole), covers(half, whole)) == (at_ms(2) + 5_000, True)


def test_a_day_that_a_back_fill_has_yet_to_reach_is_awaited() -> None:
    """Its range has the day, so it will be collected."""
    filling = [back_fill(at_ms(1), at_ms(10)).moved(at_ms(2)), LOST[1]]
    with pytest.raises(NotCollectedError) as caught:
        collected_until(filling, date(2026, 3, 5))
    assert caught.type is NotCollectedError


@pytest.mark.kafka
def test_a_day_that_no_lane_covers_does_not_hold_the_daily_run(
    kafka: KafkaSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says which, status has them, and the daily run has gone on to the last whole day; it does not ask again."""
    config, path = configured(tmp_path, kafka, "")
    create_topics(kafka)
    codec, topic = Codec(), kafka.topic(CURSORS.name)
    with new_producer(kafka) as producer:
        for lane in LOST:
            value = codec.encode(topic, "Cursor", to_cursor("wx", Saved(lane), 1))
            producer.send(topic, key=cursor_key("wx", lane.name), value=value).get(timeout=20)
    tell(config, ("wx", "Webex", "webex"), Result(date(2026, 3, 6), end_ms(date(2026, 3, 6))))
    caplog.set_level(logging.WARNING, logger="cli.parts.daily")
    for _ in range(2):
        Daily(config, path, OneLook(), quick=True).run()

    said = [record.getMessage() for record in caplog.records if record.name == "cli.parts.daily"]
    assert said == [
        f"wx: 2026-03-{day:02d} is not collected: it lies in the range of no lane; going on with the next"
        for day in (7, 8, 9)
    ]
    (view,) = views(read_status(kafka))
    assert view.reconciled_up_to_ms == at_ms(10)
    assert list(reconciled_lines([view])) == [
        "reconciled wx: compared 2026-03-06; collected by no lane: 2026-03-07 to 2026-03-09"
    ]
