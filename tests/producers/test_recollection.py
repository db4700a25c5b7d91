"""Collecting again what is missing: those events and no others, in a lane of its own that is over when it returns."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import pytest

from producers import recollection
from producers import runner as runner_module
from producers.administer import Administrator
from producers.lanes import LIVE, Lane
from producers.orders import PausedError
from producers.recollection import (
    BackFillRunningError,
    NothingCollectedError,
    Recollection,
    Sparing,
    owning,
)
from producers.settings import ConnectorBase
from producers.source import Captured, Refused, Window
from producers.waiting import Waiting
from schemas.broker import KafkaSettings
from schemas.codec import Codec
from schemas.records import ContentRef
from stores.interface import StoreConflictError
from tests.producers.cursors import read_cursors
from tests.producers.log_reader import broken_promises, controls, event_ids, read_log
from tests.producers.small_source import BASE_MS, DAY_MS, UID, SmallSource, made_event
from tests.producers.test_runner_kafka import NOON_MS, SINCE, NoContents, a_runner

pytestmark = pytest.mark.kafka
TUESDAY_MS = BASE_MS + 2 * DAY_MS
LOST = frozenset(range(300, 310))
"""Numbers of events on that day."""


@dataclass
class Forgetful(SmallSource):
    """Does not show some events, as if they had been lost on their way."""

    hidden: frozenset[int] = LOST

    def _shown(self, number: int, now: int) -> bool:
        return number not in self.hidden and super()._shown(number, now)


def times() -> list[int]:
    """An event every ten minutes."""
    return list(range(BASE_MS, NOON_MS, 600_000))


def again(kafka: KafkaSettings) -> Recollection:
    """A recollection from a source that shows everything."""
    connector = ConnectorBase(uid=UID, name="Small", collect=SINCE)
    source = SmallSource(times(), NOON_MS)
    return Recollection(source, connector, kafka, Codec(), Sparing(NoContents()), Waiting(threading.Event()))


def test_what_is_missing_is_sent_in_a_lane_of_its_own(fresh: Callable[..., KafkaSettings]) -> None:
    """The missing events alone, once; the lane is opened, at live's watermark, and closed in every partition; no cursor moves."""
    kafka = fresh()
    assert a_runner(Forgetful(times(), NOON_MS), kafka).once()
    before, cursors = event_ids(read_log(kafka)), read_cursors(kafka, Codec(), UID)
    lost = frozenset(made_event(number, 0)["id"] for number in LOST)
    assert not lost & set(before)

    assert again(kafka).send(TUESDAY_MS, TUESDAY_MS + DAY_MS, lost) == len(LOST)
    log = read_log(kafka)
    assert sorted(event_ids(log)) == sorted([*before, *lost])
    assert broken_promises(log) == []
    for kind in ("lane_opened", "watermark", "lane_closed"):
        stated = controls(log, kind).values()
        assert {sum(one["lane"].startswith("again-") for one in found) for found in stated} == {1}, kind
    records = [entry.value for some in log.values() for entry in some if entry.name == "RawEvents"]
    lanes = {one["lane"] for one in records if lost & {event["id"] for event in one["events"]}}
    assert {lane.partition("-")[0] for lane in lanes} == {"again"}
    assert read_cursors(kafka, Codec(), UID) == cursors


def test_what_is_not_wanted_is_not_sent(fresh: Callable[..., KafkaSettings]) -> None:
    """Nothing is missing: the lane comes and goes, and no event with it."""
    kafka = fresh()
    assert a_runner(Forgetful(times(), NOON_MS), kafka).once()
    before = event_ids(read_log(kafka))
    assert again(kafka).send(TUESDAY_MS, TUESDAY_MS + DAY_MS, frozenset()) == 0
    assert event_ids(read_log(kafka)) == before


def test_a_connector_that_is_not_to_collect_does_not(fresh: Callable[..., KafkaSettings]) -> None:
    """Before its first start there is nothing to miss; while it is paused, only resuming brings anything."""
    kafka = fresh()
    with pytest.raises(NothingCollectedError):
        again(kafka).send(TUESDAY_MS, TUESDAY_MS + DAY_MS, frozenset())
    assert a_runner(Forgetful(times(), NOON_MS), kafka).once()
    connector = ConnectorBase(uid=UID, name="Small", collect=SINCE)
    Administrator(connector, "webex", kafka, Codec(), Waiting(threading.Event())).order("paused")
    with pytest.raises(PausedError):
        again(kafka).send(TUESDAY_MS, TUESDAY_MS + DAY_MS, frozenset())


@pytest.fixture
def half(fresh: Callable[..., KafkaSettings], monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    """A log in which a back-fill is in the middle of Tuesday."""
    monkeypatch.setattr(runner_module, "LOOK_S", 0.0)
    kafka, source = fresh(), Forgetful(times(), NOON_MS)
    poll = source.poll

    def stopping(window: Window) -> Iterator[Captured | Refused]:
        if window.lane != LIVE and window.to_ms > TUESDAY_MS + DAY_MS // 2:
            raise KeyboardInterrupt
        return poll(window)

    source.poll = stopping  # type: ignore[method-assign]  # so that it stops half-way
    with pytest.raises(KeyboardInterrupt):
        a_runner(source, kafka, SINCE.model_copy(update={"window_hours": 6})).once()
    return kafka


def test_days_that_a_back_fill_still_collects_are_refused(half: KafkaSettings) -> None:
    """Its slices are not torn: no record is written for them; days behind it can be collected again."""
    before = event_ids(read_log(half))
    lost = frozenset(made_event(number, 0)["id"] for number in LOST)
    with pytest.raises(BackFillRunningError, match=r"backfill-.* of small-1 still collects them"):
        again(half).send(TUESDAY_MS, TUESDAY_MS + DAY_MS, lost)
    log = read_log(half)
    assert event_ids(log) == before
    assert not [
        one for found in controls(log, "lane_opened").values() for one in found if "again" in one["lane"]
    ]


def test_a_back_fill_that_begins_meanwhile_is_not_torn(
    fresh: Callable[..., KafkaSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent waits for the back-fill: no watermark closes it, and the lane stays open."""
    kafka = fresh()
    assert a_runner(Forgetful(times(), NOON_MS), kafka).once()
    answers = iter([[], ["backfill-new"]])
    monkeypatch.setattr(recollection, "owning", lambda *_: next(answers))
    lost = frozenset(made_event(number, 0)["id"] for number in LOST)
    assert again(kafka).send(TUESDAY_MS, TUESDAY_MS + DAY_MS, lost) == len(LOST)
    log = read_log(kafka)
    for kind in ("watermark", "lane_closed"):
        assert not [
            one for found in controls(log, kind).values() for one in found if "again" in one["lane"]
        ], kind


def test_which_back_fills_own_slices_of_a_time() -> None:
    """Those that are open, with a day of margin behind them for slices that began before; the earliest owns all before it."""
    first, second = (
        Lane("a", BASE_MS, BASE_MS + 5 * DAY_MS),
        Lane("b", BASE_MS + 5 * DAY_MS, BASE_MS + 9 * DAY_MS),
    )
    lanes = [Lane(LIVE, BASE_MS + 9 * DAY_MS), first, second]

    def on(day: int, *closed: str) -> list[str]:
        known = [replace(lane, closed=lane.name in closed) for lane in lanes]
        return owning(known, BASE_MS + day * DAY_MS, BASE_MS + (day + 1) * DAY_MS)

    assert [on(day) for day in (-2, 2, 5, 7, 10, 11)] == [["a"], ["a"], ["a", "b"], ["b"], ["b"], []]
    assert [on(day, "a") for day in (-2, 2, 5)] == [[], [], ["b"]]
    assert on(5, "a", "b") == []


def test_a_damaged_file_is_left_as_it_is() -> None:
    """The content store refuses to overwrite: the file is named by its hash, and goes into no event."""

    class Damaged:
        def put(self, chunks: Iterable[bytes], content_type: str) -> ContentRef:
            """Other bytes stand there."""
            b"".join(chunks)
            raise StoreConflictError("_content/x", expected="a", found="b")

        def has(self, content: ContentRef) -> bool:
            """It does."""
            return True

    sparing, digest = Sparing(Damaged()), hashlib.sha256(b"a file").digest()
    assert sparing.put([b"a ", b"file"], "text/plain") == {"sha256": digest, "size": 6}
    assert sparing.damaged == {digest}
