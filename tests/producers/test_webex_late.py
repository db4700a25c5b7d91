"""Files that could not be had when their message was archived: an event of their own when they turn up."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from producers.owed import PAUSES_S, Owed, OwedFiles
from producers.source import Captured, Slice, Source, Window
from producers.webex.cache import Cache
from schemas.records import Attachment, Event, event
from tests.producers.webex_rig import DAY_MS, Rig, events_of, rig

SCANNING = {"match": {"path": "/contents/"}, "do": {"status": 423, "headers": {"Retry-After": "900"}}}
UNSCANNABLE = {"match": {"path": "/contents/"}, "do": {"status": 428}}
DOWN = {"match": {"path": "/contents/"}, "do": {"status": 503}}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Rig]:
    """A simulation in which nothing of a file can be had: the scan never ends."""
    with rig(tmp_path, rules=[SCANNING], file_seconds=60, retry_seconds=1) as each:
        yield each


def wait(made: Rig, seconds: float) -> None:
    """Let simulated time go by; and a second of ours, after which a source asks what time it is."""
    made.sim("clock", {"advance_ms": int(seconds * 1000)})
    time.sleep(1.05)


def asked(made: Rig) -> int:
    """How often files were asked for."""
    return sum("/contents/" in each["path"] for each in made.sim("requests"))


def late(events: list[Event]) -> dict[str, Event]:
    """The events of files that turned up, by the file's key."""
    return {each["attachments"][0]["source_key"]: each for each in events if each["kind"] == "file"}


def owed(events: list[Event]) -> dict[str, Event]:
    """The message of each file that was not to be had; a message, where an edit or deletion names it too."""
    told = sorted(events, key=lambda each: each["kind"] != "message", reverse=True)
    return {
        file["source_key"]: each for each in told for file in each["attachments"] if file["content"] is None
    }


def windows(made: Rig, source: Source) -> list[Captured]:
    """One poll, not confirmed."""
    now = source.now_ms()
    return [each for each in source.poll(Window("live", now - DAY_MS, now)) if isinstance(each, Captured)]


def test_bytes_that_turn_up_are_an_event_in_the_slice_of_their_message(made: Rig) -> None:
    """Its time, its people, its day: who could read the message gets the file; and it is told once."""
    source = made.source()
    first = owed(made.take(source))
    assert {file["outcome"] for each in first.values() for file in each["attachments"]} == {"too_slow"}
    made.sim("faults", [])
    wait(made, PAUSES_S[0])
    found = late(made.take(source))
    while more := late(made.take(source)):
        found |= more
    bodies = {made.shelf.kept[each["attachments"][0]["content"]["sha256"]] for each in found.values()}  # type: ignore[index]  # stored ones have content
    assert len(bodies) > 10
    days = {
        each["id"]: item.slice for item in made.items if isinstance(item, Captured) for each in item.events
    }
    for key, each in found.items():
        message = first[key]
        assert each["target"] in {message["source_key"], message["target"]}
        assert (each["at_ms"], each["attachments"][0]["outcome"]) == (message["at_ms"], "stored")
        assert days[each["id"]] == days[message["id"]]
        assert "too_slow" in each["details"]["note"]
    assert {"report.pdf", "halves.png"} <= {each["attachments"][0]["name"] for each in found.values()}
    source.close()


def test_nobody_is_asked_before_the_time_has_come_and_ever_more_seldom(made: Rig) -> None:
    """A file that is never to be had costs a few requests, and none in the end."""
    source = made.source()
    made.take(source)
    before = asked(made)
    made.take(source, days=0.01)
    assert asked(made) == before
    made.sim("faults", [UNSCANNABLE])
    for _ in range(7 * 24):
        made.sim("clock", {"advance_ms": 3_600_000})
        made.take(source, days=0.01)
    files = len({each["path"] for each in made.sim("requests") if "/contents/" in each["path"]})
    assert 7 * files <= asked(made) - before <= 12 * files
    end = asked(made)
    wait(made, 2 * 86_400)
    made.take(source, days=0.01)
    assert asked(made) == end
    source.close()


def test_what_was_not_confirmed_is_told_again_with_the_same_ids(made: Rig) -> None:
    """A poll that fails behind a late file loses it as little as any other event."""
    source = made.source()
    made.take(source)
    made.sim("faults", [])
    wait(made, PAUSES_S[0])
    once = late(events_of(windows(made, source)))
    source.close()
    again_source = made.source()
    again = late(events_of(windows(made, again_source)))
    again_source.close()
    assert len(once) > 10
    assert {each["id"] for each in once.values()} <= {each["id"] for each in again.values()}


def test_a_source_that_is_down_holds_up_nothing_behind_a_late_file(made: Rig) -> None:
    """The poll goes on and the file is asked for later: what was said of it stands in the log already."""
    source = made.source()
    made.take(source)
    made.sim("faults", [DOWN])
    wait(made, PAUSES_S[0])
    assert late(made.take(source, days=0.01)) == {}
    made.sim("faults", [])
    wait(made, PAUSES_S[0])
    assert late(made.take(source, days=0.01))
    source.close()


def test_another_policy_brings_what_was_withheld(tmp_path: Path) -> None:
    """Whoever decides to take unscannable files gets those of the last days too."""
    with rig(tmp_path) as made:
        source = made.source()
        withheld = {key for key, each in owed(made.take(source)).items() if "locked" in str(each["text"])}
        source.close()
        made.settings = made.settings.model_copy(update={"unscannable": "fetch"})
        wait(made, PAUSES_S[0])
        source = made.source()
        found = late(made.take(source, days=0.01))
        source.close()
    assert set(found) == withheld
    assert len(withheld) == 1


def test_one_file_in_two_spaces_is_owed_to_each(made: Rig) -> None:
    """A file that was shared in another space too turns up there as well, as an event of its own, in that slice."""
    source = made.source()
    made.take(source)
    source.close()
    with closing(Cache(made.folder, "wx")) as cache:
        owing = OwedFiles(cache.database)
        one = next(owing.due(10**15, 1))
        file: Attachment = {
            "source_key": one.key, "name": None, "content_type": None, "content": None, "outcome": "too_slow", "reason": "",
        }  # fmt: skip
        there = replace(one.day, conversation="another space")
        owing.note(there, event(b"x", "a message there", "message", one.at_ms), one.url, file, one.since_ms)
    made.sim("faults", [])
    wait(made, PAUSES_S[0])
    source = made.source()
    found = [each for each in windows(made, source) if _is_late(each, one.key)]
    source.close()
    assert {each.slice.conversation for each in found} == {one.day.conversation, "another space"}
    assert {each.events[0]["target"] for each in found} == {one.message, "a message there"}
    assert len({each.events[0]["id"] for each in found}) == 2


def _is_late(captured: Captured, key: str) -> bool:
    first = captured.events[0]
    return first["kind"] == "file" and first["attachments"][0]["source_key"] == key


@pytest.mark.parametrize("table", ["owed", "owing"])
def test_what_an_earlier_version_owed_is_still_owed(tmp_path: Path, table: str) -> None:
    """Its table had another name and fewer columns; the rows are taken over, once."""
    day, key = Slice("R", "2026-03-02", 0, DAY_MS), "F"
    with closing(Cache(tmp_path, "wx")) as cache:
        cache.clear_spool()
        cache.database.execute(f"create table {table} (key text primary key, url, room, label, start_ms, end_ms, at_ms,"
            " suspect, message, actor, reason, since_ms, tries, due_ms)")  # fmt: skip
        row = (key, "u", "R", day.label, 0, DAY_MS, 5, 0, "m", "null", "too_slow: scan", 1, 2, 3)
        cache.database.execute(f"insert into {table} values ({', '.join('?' * len(row))})", row)  # noqa: S608 - one of two names
        for _ in range(2):
            assert list(OwedFiles(cache.database).due(9, 20)) == [
                Owed(key, "u", day, 5, False, "m", None, "too_slow: scan", 1, 2)
            ]
        OwedFiles(cache.database).settle(next(OwedFiles(cache.database).due(9, 20)))
        assert not list(OwedFiles(cache.database).due(9, 20))
