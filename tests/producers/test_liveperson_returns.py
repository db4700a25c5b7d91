"""Messages that are changed and changed back, and pages that lag behind and only look like it (decision 21)."""

import json
import shutil
import sqlite3
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.liveperson.cache import Cache, Sent
from producers.liveperson.collector import LivePersonSource
from producers.liveperson.events import DOUBT_MS, Known, News, news_of
from producers.source import Captured, Slice, Window
from tests.producers.liveperson_rig import (
    DAY_MS,
    HOUR_MS,
    SECRETS,
    START_MS,
    Account,
    Collected,
    account,
    body_of,
    record,
    row_of,
    said,
)
from tests.producers.liveperson_told import CAPTURE, told
from tests.producers.small_source import made_event

MINUTE_MS = 60_000
KEY = said(1, "")["messageId"]


class Log:
    """The log of one conversation, with a collector whose memory is made from it alone."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self.known: dict[str, Known] = {}

    def poll(self, *texts: str, at_ms: int = START_MS) -> list[News]:
        """What a poll at this time says of a row in which message 1 has these texts; it is sent."""
        row = row_of(record(*(said(1, text) for text in texts)))
        found = list(news_of(told(row), self.known, replace(CAPTURE, captured_ms=at_ms)))
        fresh = [each for each in found if each.believed]
        for each in fresh:
            before = self.known.get(each.draft.source_key)
            ids = (*(before.ids if before else ()), each.id)
            self.known[each.draft.source_key] = Known(ids, each.draft.text, at_ms)
        self.news += [each for each in fresh if each.draft.source_key == KEY]
        return [each for each in found if not each.believed]

    def texts(self) -> list[str | None]:
        """What the log says that was there, one after the other."""
        return [each.draft.text for each in self.news]


@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=10))
def test_every_change_is_one_event_of_its_own(contents: list[str]) -> None:
    """Whatever is written and written back, polled once or twice: one id for each change, with the text before."""
    log = Log()
    for number, text in enumerate(contents):
        for poll in range(2):
            log.poll(text, at_ms=START_MS + number * 2 * DAY_MS + poll)
    assert log.texts() == [text for text, _ in groupby(contents)]
    assert len({each.id for each in log.news}) == len(log.news)
    assert [each.former_text for each in log.news] == [None, *log.texts()[:-1]]
    assert [each.changed for each in log.news] == [False] + [True] * (len(log.news) - 1)


def test_ids_of_what_was_never_there_before_are_as_they_always_were() -> None:
    """Only a return has an id that covers the one it follows; two collectors give it the same."""
    one, other = Log(), Log()
    for log in (one, other):
        for number, text in enumerate("ABCA"):
            log.poll(text, at_ms=START_MS + number * DAY_MS)
    alone = Log()
    alone.poll("C")
    assert one.news[2].id == alone.news[0].id
    assert one.news[3].id != one.news[0].id
    assert [each.id for each in one.news] == [each.id for each in other.news]


def test_a_page_that_lags_behind_is_no_change_back() -> None:
    """Within the delay of LivePerson what stood there before is not believed; after it, still shown, it is."""
    log = Log()
    log.poll("A")
    log.poll("B", at_ms=START_MS + HOUR_MS)
    assert log.poll("A", at_ms=START_MS + HOUR_MS + DOUBT_MS - 1), "to be looked at again"
    assert log.texts() == ["A", "B"]
    assert not log.poll("B", at_ms=START_MS + HOUR_MS + DOUBT_MS)
    assert log.texts() == ["A", "B"]
    log.poll("A", at_ms=START_MS + HOUR_MS + DOUBT_MS)
    assert log.texts() == ["A", "B", "A"]


def test_a_replica_that_never_catches_up_makes_no_endless_events() -> None:
    """Old and new in turns, each minute for ten days: the doubt doubles, so a handful of events and then one a day."""
    log = Log()
    for minute in range(10 * 24 * 60):
        log.poll("AB"[minute % 2], at_ms=START_MS + minute * MINUTE_MS)
    assert len(log.news) <= 2 + 9 + 10


def test_several_contents_of_one_key_in_one_row_are_no_changes_back() -> None:
    """As long as the latest is among them, whatever the order; the day it is gone is a change."""
    log = Log()
    for day in range(5):
        log.poll("A", "B", at_ms=START_MS + 2 * day * DAY_MS)
        log.poll("B", "A", at_ms=START_MS + (2 * day + 1) * DAY_MS)
    assert log.texts() == ["A", "B"]
    log.poll("A", at_ms=START_MS + 30 * DAY_MS)
    assert log.texts() == ["A", "B", "A"]


def test_a_return_that_another_collector_cut_in_on_is_known_as_the_latest() -> None:
    """It names what it followed, which another's event may have been put behind since."""
    log = Log()
    for number, text in enumerate("ABA"):
        log.poll(text, at_ms=START_MS + number * DAY_MS)
    first, second, third = log.known[KEY].ids
    log.known[KEY] = Known((first, second, b"another collector", third), "A", START_MS)
    assert not log.poll("A", at_ms=START_MS + 9 * DAY_MS)
    assert log.texts() == ["A", "B", "A"]


def test_memory_has_the_order_of_the_log(tmp_path: Path) -> None:
    """What we confirmed moves behind what another collector wrote before it; repeats in the log move nothing."""
    cache = Cache(tmp_path / "c.sqlite3")
    cache.recall([_back(1)], [1])
    ours, theirs = _back(3), _back(2)
    cache.begin()
    cache.add([_sent(ours)])
    cache.confirm()
    cache.recall([theirs, ours, _back(1)], [4])
    assert cache.known("c")["k"].ids == tuple(each.events[0]["id"] for each in (_back(1), theirs, ours))
    assert cache.known("c")["k"].captured_ms == 5, "as LivePerson's clock had it, where we know it"
    cache.close()


def test_a_memory_of_an_older_layout_is_forgotten(tmp_path: Path) -> None:
    """Its generation goes with it, so that the log is read back; nothing fails."""
    path = tmp_path / "c.sqlite3"
    database = sqlite3.connect(path)
    database.executescript(
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL); INSERT INTO meta VALUES ('generation', 'g');"
        "CREATE TABLE logged(conversation TEXT, source_key TEXT, id BLOB, text TEXT, number INTEGER PRIMARY KEY);"
    )
    database.close()
    cache = Cache(path)
    assert not cache.trust("g")
    cache.recall([_back(1)], [1])
    assert len(cache.known("c")["k"].ids) == 1
    cache.close()


def test_a_doubtful_change_is_looked_at_again_until_it_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a conversation that ended long ago, and if no search shows it any more; then nothing more is asked."""
    monkeypatch.setenv("TEST_LP_SECRET", SECRETS["TEST_LP_SECRET"])
    with account(tmp_path) as sim, sim.source() as source:
        sim.advance(8 * DAY_MS)
        found = Collected()
        for text, minutes in (("A", 60), ("B", 60), ("A", 1)):
            _show(sim, _ended(text))
            sim.advance(minutes * MINUTE_MS)
            _poll(source, found)
        assert _texts(found) == ["A", "B"]
        _show(sim, _ended("A"), searched=False)
        for _ in range(5):
            sim.advance(MINUTE_MS)
            _poll(source, found)
        assert _texts(found) == ["A", "B", "A"]
        asked = len(sim.requests("conversation/search"))
        sim.advance(MINUTE_MS)
        _poll(source, found)
        assert len(sim.requests("conversation/search")) == asked


@pytest.mark.parametrize("loss", ["none", "all", "older copy"])
def test_a_doubt_outlives_the_loss_of_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    """Longer than windows overlap, and while no collector ran: the log names what may have been doubted."""
    monkeypatch.setenv("TEST_LP_SECRET", SECRETS["TEST_LP_SECRET"])
    copy = tmp_path / "copy"
    with account(tmp_path) as sim:
        sim.advance(8 * DAY_MS)
        found = Collected()
        with sim.source() as source:
            for text in ("A", "B", "A", "B"):
                _show(sim, _ended(text))
                sim.advance(HOUR_MS)
                _poll(source, found)
            state, log = source.state(), _log(found, source.now_ms())
        files = list(tmp_path.rglob("liveperson-*.sqlite3*"))
        copy.mkdir()
        for each in files:
            shutil.copy(each, copy)
        with sim.source(state) as source:
            _show(sim, _ended("A"))
            sim.advance(MINUTE_MS)
            _poll(source, found)
            reached = source.now_ms()
        assert _texts(found) == ["A", "B", "A", "B"], "it is not doubted"
        for each in files:
            if loss != "none":
                each.unlink()
            if loss == "older copy":
                shutil.copy(copy / each.name, each)
        sim.advance(3 * DAY_MS)
        _show(sim, _ended("A"), searched=False)
        with sim.source(state) as source:
            if loss == "all":
                source.recall(log, [len(log)])
            found.take(source.poll(Window("live", reached - 17 * MINUTE_MS, source.now_ms())))
            source.confirmed()
    assert _texts(found) == ["A", "B", "A", "B", "A"]


def _log(found: Collected, captured_ms: int) -> list[Captured]:
    """What stands in the log."""
    return [Captured(place, [event], captured_ms) for place, event in found.events]


def test_two_rows_of_one_conversation_do_not_flip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that has a conversation twice, with two contents, poll after poll: one of them changes it once."""
    monkeypatch.setenv("TEST_LP_SECRET", SECRETS["TEST_LP_SECRET"])
    with account(tmp_path) as sim, sim.source() as source:
        sim.advance(8 * DAY_MS)
        found = Collected()
        _show(sim, _ended("A"), _ended("B"))
        for _ in range(6):
            sim.advance(DAY_MS)
            _poll(source, found)
        assert _texts(found) == ["A", "B", "A"]


def _ended(text: str) -> dict[str, object]:
    return record(said(1, text), closed_at=START_MS + HOUR_MS)


def _show(sim: Account, *rows: dict[str, object], searched: bool = True) -> None:
    """From now on LivePerson answers by id, and in searches if `searched`, with these rows."""
    there, none = json.loads(body_of(*rows)), json.loads(body_of())
    sim.faults(
        {
            "match": {"path": "conversations/search"},
            "do": {"status": 200, "body": there if searched else none},
        },
        {"match": {"path": "conversation/search"}, "do": {"status": 200, "body": there}},
    )


def _poll(source: LivePersonSource, found: Collected) -> None:
    now_ms = source.now_ms()
    found.take(source.poll(Window("live", now_ms - HOUR_MS, now_ms)))
    source.confirmed()


def _texts(found: Collected) -> list[str | None]:
    return [event["text"] for _, event in found.events if event["source_key"] == KEY]


def _back(number: int) -> Captured:
    """Event `number` of one key of a conversation, as it is read back from the log."""
    event = made_event(number, START_MS)
    event["source_key"] = "k"
    return Captured(Slice("c", "1", 0, DAY_MS), [event], captured_ms=7)


def _sent(captured: Captured) -> Sent:
    (event,) = captured.events
    return Sent("c", event["source_key"], event["id"], event["text"], 5)
