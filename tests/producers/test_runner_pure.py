"""The parts of a collector that need no network: packing, lanes, cursors, what was seen, what is pending."""

import hashlib
import threading
import time
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.controls import to_settings
from producers.cursor import CursorError, Saved, from_cursor, to_cursor
from producers.lanes import (
    LIVE,
    Lane,
    back_fill,
    day_start_ms,
    final_watermark,
    is_done,
    next_window,
    owner,
    planned,
)
from producers.packing import Origin, UnencodableError, pack
from producers.pending import Outgoing, Pending
from producers.seen import Seen
from producers.settings import ConnectorBase
from producers.source import Captured, Slice
from producers.waiting import StoppedError, Waiting, backoff_s
from schemas.codec import encode, expect
from schemas.ids import settings_version
from schemas.records import ContentRef, Event
from tests.producers.small_source import BASE_MS, DAY_MS, made_event

ORIGIN = Origin("small-1", "webex", LIVE, BASE_MS)
PLACE = Slice("chat", "2026-03-01", BASE_MS, BASE_MS + DAY_MS)
NOON_MS = BASE_MS + 5 * DAY_MS + DAY_MS // 2


class Shelf:
    """A content store in memory."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}

    def put(self, data: bytes) -> ContentRef:
        """Keep bytes under their hash."""
        digest = hashlib.sha256(data).digest()
        self.kept[digest] = data
        return {"sha256": digest, "size": len(data)}


def restored(event: Event, shelf: Shelf) -> Event:
    """The event as it was before its content went into the store."""
    if event["overflow"] is None:
        return event
    whole: Event = expect("Event", shelf.kept[event["overflow"]["sha256"]])
    return whole


@given(sizes=st.lists(st.integers(0, 9_000), max_size=30), limit=st.integers(1_500, 6_000))
def test_packing_keeps_every_event_whole_and_in_order(sizes: list[int], limit: int) -> None:
    """Whatever their sizes: the records fit, and together they are the events that came."""
    events = [made_event(number, BASE_MS + number, size) for number, size in enumerate(sizes)]
    shelf = Shelf()
    records = list(pack(Captured(PLACE, events), ORIGIN, shelf.put, limit))
    assert all(len(encode("RawEvents", record)) <= limit for record in records)
    assert [restored(event, shelf) for record in records for event in record["events"]] == events
    assert all(record["events"] for record in records)


@given(sizes=st.lists(st.integers(0, 500), min_size=1, max_size=30))
def test_packing_fills_records(sizes: list[int]) -> None:
    """Two records that follow each other would not have fitted into one."""
    events = [made_event(number, BASE_MS + number, size) for number, size in enumerate(sizes)]
    records = list(pack(Captured(PLACE, events), ORIGIN, Shelf().put, 3_000))
    for first, second in pairwise(records):
        both = {**first, "events": [*first["events"], second["events"][0]]}
        assert len(encode("RawEvents", both)) > 3_000 - 64 - 8


def test_a_large_event_leaves_its_outline_in_the_record() -> None:
    """Text and raw bytes are in the store; id, time and who did it stay."""
    large = made_event(1, BASE_MS, 600_000)
    shelf = Shelf()
    (record,) = pack(Captured(PLACE, [large]), ORIGIN, shelf.put)
    (outline,) = record["events"]
    assert (outline["id"], outline["at_ms"], outline["source_key"]) == (large["id"], BASE_MS, "1")
    assert (outline["text"], outline["html"], outline["former_text"], outline["raw"]) == (
        None,
        None,
        None,
        b"",
    )
    assert restored(outline, shelf) == large


def test_an_event_with_a_huge_roster_fits_too() -> None:
    """What is too large may lie elsewhere than in the text."""
    crowd = made_event(1, BASE_MS)
    crowd["kind"] = "roster"
    crowd["people"] = [
        {"id": f"{n}" * 20, "name": "N" * 50, "email": None, "role": "x"} for n in range(9_000)
    ]
    crowd["source_key"] = "k" * 600_000
    shelf = Shelf()
    (record,) = pack(Captured(PLACE, [crowd]), ORIGIN, shelf.put)
    assert len(encode("RawEvents", record)) <= 500_000
    assert restored(record["events"][0], shelf) == crowd


def test_lone_surrogates_do_not_stop_the_flow() -> None:
    """They become U+FFFD in the text; the raw bytes still have them."""
    odd = made_event(1, BASE_MS)
    odd["text"] = "a\ud83d"
    odd["details"] = {"t\udc00": "\ud800"}
    place = Slice("chat\ud800", "2026-03-01", BASE_MS, BASE_MS + DAY_MS)
    (record,) = pack(Captured(place, [odd]), ORIGIN, Shelf().put)
    assert record["events"][0]["text"] == "a\ufffd"
    assert expect("RawEvents", encode("RawEvents", record))["conversation"] == "chat\ufffd"


def test_what_is_no_event_is_said_so() -> None:
    """A missing field is an error of its own, raised before any record is made."""
    broken: Any = made_event(2, BASE_MS)
    del broken["kind"]
    with pytest.raises(UnencodableError, match="'2'"):
        next(pack(Captured(PLACE, [made_event(1, BASE_MS), broken]), ORIGIN, Shelf().put))


def test_a_first_start_without_since_begins_now() -> None:
    """One lane, from the source's clock on."""
    assert planned([], NOON_MS, None, "UTC") == [Lane(LIVE, NOON_MS)]


def test_a_first_start_with_since_splits_at_the_local_day() -> None:
    """The back-fill ends where today begins in the connector's zone; live owns today."""
    zone = "Europe/Berlin"
    lanes = planned([], NOON_MS, date(2026, 3, 2), zone)
    today = day_start_ms(date(2026, 3, 6), zone)
    assert lanes == [back_fill(day_start_ms(date(2026, 3, 2), zone), today), Lane(LIVE, today)]
    assert today % DAY_MS == 23 * 3_600_000


@pytest.mark.parametrize(("since", "names"), [(date(2026, 3, 6), [LIVE]), (date(2026, 3, 7), [LIVE])])
def test_since_today_or_later_needs_no_back_fill(since: date, names: list[str]) -> None:
    """Today belongs to live as a whole; a day to come counts as no day."""
    lanes = planned([], NOON_MS, since, "UTC")
    assert [lane.name for lane in lanes] == names
    assert lanes[0].from_ms == (BASE_MS + 5 * DAY_MS if since == date(2026, 3, 6) else NOON_MS)


def test_known_lanes_stay_and_an_earlier_since_adds_one() -> None:
    """A restart plans nothing new; an earlier day adds the range before."""
    first = planned([], NOON_MS, date(2026, 3, 3), "UTC")
    assert planned(first, NOON_MS + DAY_MS, date(2026, 3, 3), "UTC") == first
    assert planned(first, NOON_MS, None, "UTC") == first
    more = planned(first, NOON_MS, date(2026, 3, 1), "UTC")
    assert more[1:] == first
    assert (more[0].from_ms, more[0].to_ms) == (BASE_MS, first[0].from_ms)


LANES = [back_fill(100, 200), back_fill(200, 300), Lane(LIVE, 300)]


@given(start=st.integers(-1000, 1000), closed=st.sets(st.sampled_from([0, 1])))
def test_every_slice_has_one_owner(start: int, closed: set[int]) -> None:
    """An open lane by its range, the earliest also before it, live for closed ranges and from its start on."""
    lanes = [replace(lane, closed=number in closed) for number, lane in enumerate(LANES)]
    place = 0 if start < 200 else 1 if start < 300 else 2
    assert owner(reversed(lanes), start) == (LIVE if place in closed else LANES[place].name)


@given(until=st.integers(0, 5_000), overlap=st.integers(0, 400), length=st.integers(1, 700))
def test_windows_cover_a_back_fill_without_gap(until: int, overlap: int, length: int) -> None:
    """Each window begins at or before the last one's end, and the last ends where it must."""
    lane = back_fill(1_000, 3_000)
    reached = lane.reached_ms
    while window := next_window(lane, until, overlap_ms=overlap, length_ms=length, floor_ms=1_000):
        assert window.from_ms <= reached < window.to_ms <= until
        assert window.from_ms >= 999
        reached = window.to_ms
        lane = lane.moved(reached)
    assert reached == max(999, min(until, 3_000))


def test_a_watermark_never_goes_back() -> None:
    """A clock that was set back moves nothing."""
    assert Lane(LIVE, 0, watermark_ms=50).moved(40).watermark_ms == 50
    assert next_window(Lane(LIVE, 0, watermark_ms=50), 40, overlap_ms=10, length_ms=100) is None


def test_a_back_fill_closes_when_the_lanes_behind_have_passed_it() -> None:
    """Its last watermark is what all of them have reached; before that it stays open."""
    done = Lane("b", 100, 200, 200)
    assert final_watermark(done, [done, Lane(LIVE, 200, None, 199)]) is None
    assert final_watermark(done, [done, Lane(LIVE, 200, None, 350)]) == 350
    between = back_fill(200, 300)
    assert final_watermark(done, [done, between, Lane(LIVE, 300, None, 350)]) is None
    assert final_watermark(Lane("b", 100, 200, 150), [Lane(LIVE, 200, None, 350)]) is None


def test_lanes_are_done_when_nothing_is_left_up_to_a_moment() -> None:
    """A back-fill that ends before it must be closed, live must have reached it."""
    assert not is_done(Lane("b", 100, 200, 200), 300)
    assert is_done(Lane("b", 100, 200, 200, closed=True), 300)
    assert is_done(Lane(LIVE, 200, None, 300), 300)
    assert not is_done(Lane(LIVE, 200, None, 299), 300)
    assert is_done(Lane(LIVE, 200), 100)


def test_progress_is_a_part_of_time() -> None:
    """From 0 to 1; live has none."""
    lane = back_fill(1_000, 3_000)
    assert [lane.progress, lane.moved(2_000).progress, lane.moved(3_500).progress] == [0.0, 0.5, 1.0]
    assert Lane(LIVE, 0).progress is None


@given(
    lane=st.builds(
        Lane,
        st.text(max_size=20),
        st.integers(0, 9),
        st.none() | st.integers(0, 9),
        st.integers(-1, 9),
        st.booleans(),
    ),
    source=st.text(max_size=50),
    events=st.integers(0, 99),
)
def test_a_cursor_gives_back_what_was_saved(lane: Lane, source: str, events: int) -> None:
    """Whatever the lane and the source's state."""
    saved = Saved(lane, opened=True, partitions=3, settings="v", counters={"events": events}, source=source)
    assert from_cursor(to_cursor("u", saved, 1)) == saved


def test_a_state_too_large_for_a_record_is_left_out() -> None:
    """Losing a cache costs duplicates; a cursor that can't be written would cost everything."""
    assert from_cursor(to_cursor("u", Saved(Lane(LIVE, 0), source="s" * 600_000), 1)).source == "{}"


def test_a_strange_cursor_stops_the_start() -> None:
    """Going on without it would leave a gap."""
    with pytest.raises(CursorError, match="u/live"):
        from_cursor(
            {"connector_uid": "u", "lane": LIVE, "watermark_ms": 1, "state": "{}", "updated_at_ms": 1}
        )


def test_settings_have_the_version_that_names_them() -> None:
    """Units are converted, the folder is the product's unless the configuration names one."""
    connector = ConnectorBase(uid="u", name="N", grace_minutes=2.5, headers={"X-Case": "7"})
    settings = to_settings(connector, "liveperson")
    assert settings["folder"] == "LivePerson Conversational Cloud DataParser"
    assert (settings["grace_ms"], settings["stall_ms"]) == (150_000, 172_800_000)
    assert settings["headers"] == [{"name": "X-Case", "value": "7"}]
    assert settings["version"] == settings_version(settings)
    assert to_settings(connector.model_copy(update={"folder": "F"}), "webex")["folder"] == "F"


def test_only_confirmed_events_count_as_seen() -> None:
    """What was not put on its way is fresh; what was counts once, with the next confirmation."""
    seen = Seen()
    events = [made_event(1, 10), made_event(2, 20)]
    assert seen.fresh([*events, made_event(1, 10)]) == events
    assert seen.fresh(events) == events
    seen.note(events)
    assert seen.fresh(events) == []
    assert seen.confirm() == 2
    assert seen.fresh(events) == []
    seen.forget_before(15)
    assert seen.fresh(events) == events[:1]


def test_the_memory_of_what_was_seen_is_bounded() -> None:
    """The oldest go first."""
    seen = Seen(most=2)
    events = [made_event(number, number) for number in range(3)]
    seen.note(events)
    seen.confirm()
    assert seen.fresh(events) == events[:1]


def test_pending_counts_bytes_until_they_are_confirmed() -> None:
    """A failure keeps them; only a confirmation lets go."""
    pending = Pending(10_000)
    record = Outgoing("t", b"k", b"v" * 3_999, 0)
    first, second = pending.add(record), pending.add(record)
    assert not pending.has_room(1)
    pending.fail(first, "lost")
    assert not pending.has_room(1)
    pending.done(second)
    assert pending.has_room(1)
    assert pending.take_failed() == [record]
    assert pending.empty()
    assert pending.bytes == 0


def test_late_answers_count_for_nothing() -> None:
    """A record that was handed out to be sent again is not confirmed by its former future."""
    pending = Pending(10_000)
    old = pending.add(Outgoing("t", None, b"v", 0))
    (record,) = pending.take_failed()
    pending.add(record)
    pending.done(old)
    assert not pending.empty()


def test_one_record_is_always_let_through() -> None:
    """Otherwise a record larger than the ceiling would wait for ever."""
    assert Pending(10).has_room(1_000_000)


def test_waiting_ends_at_once_when_asked_to_stop() -> None:
    """Also in the middle of a long pause."""
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(StoppedError):
        Waiting(stop).pause(30)
    assert time.monotonic() - began < 5


def test_a_trouble_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The same sentence again is no news, until things were fine."""
    waiting = Waiting(threading.Event())
    for _ in range(3):
        waiting.say("Kafka is down")
    waiting.fine()
    waiting.say("Kafka is down")
    assert [record.getMessage() for record in caplog.records] == ["Kafka is down"] * 2


@given(attempt=st.integers(0, 10_000))
def test_pauses_grow_to_a_ceiling(attempt: int) -> None:
    """Never longer than a minute, never shorter than half of what doubling gives."""
    ceiling = min(60.0, 0.5 * 2.0 ** min(attempt, 30))
    assert ceiling / 2 <= backoff_s(attempt) <= ceiling


def test_live_begins_where_the_back_fill_of_a_killed_first_start_ends() -> None:
    """Killed between the two cursors, and started again days later: no day falls between the lanes."""
    zone = "UTC"
    begun = planned([], BASE_MS + 4 * DAY_MS, date(2026, 3, 1), zone)
    left = [lane for lane in begun if lane.to_ms is not None]

    again = planned(left, BASE_MS + 6 * DAY_MS, date(2026, 3, 1), zone)

    assert again == begun
