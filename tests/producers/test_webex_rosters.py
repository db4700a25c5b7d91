"""Who is on a roster that was reconstructed while Webex still hid who had just left; and what a roster keeps verbatim."""

import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from producers.source import Captured, Slice, Source
from schemas.records import Event
from tests.producers.webex_rig import DAY_MS, Rig, rig

Found = list[tuple[Slice, Event]]


def polled(made: Rig, source: Source, days: float = 7) -> Found:
    """The events of one poll with their slices."""
    made.items.clear()
    made.take(source, days)
    return [(each.slice, event) for each in made.items if isinstance(each, Captured) for event in each.events]


def a_leave(folder: Path) -> tuple[str, str, int]:
    """Space, person and time of somebody who left a space and is, seen from later, on the roster of the day before."""
    with rig(folder) as made, contextlib.closing(made.source()) as source:
        found = polled(made, source)
    left = [
        (day, event["people"][0]["id"], event["at_ms"]) for day, event in found if event["kind"] == "left"
    ]
    return next(
        (day.conversation, who, at_ms)
        for day, who, at_ms in left
        if on_roster(found, day.conversation, at_ms // DAY_MS - 1, who)
    )


def test_who_left_unseen_is_on_the_rosters_of_the_days_before(tmp_path: Path) -> None:
    """The list of members lacks them already, the events do not tell it yet: they are added once Webex tells."""
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    room, person, at_ms = a_leave(tmp_path / "first")
    now = datetime.fromtimestamp(at_ms / 1000, UTC) + timedelta(minutes=1)
    with (
        rig(tmp_path / "second", now=now, switches={"event_delay_s": 300}) as made,
        contextlib.closing(made.source()) as source,
    ):
        first = polled(made, source, 3)
        assert [event for _, event in first if event["kind"] == "left" and event["at_ms"] == at_ms] == []
        before = at_ms // DAY_MS - 1
        assert not on_roster(first, room, before, person), "nobody could know it yet"
        made.sim("clock", {"advance_ms": 700_000})
        time.sleep(1.1)  # so long the clock of the last answer counts
        second = polled(made, source, 3)
        assert on_roster(second, room, before, person)
        made.sim("clock", {"advance_ms": 700_000})
        time.sleep(1.1)
        assert not [event for _, event in polled(made, source, 3) if event["kind"] == "roster"], "said once"


def on_roster(found: Found, room: str, day: int, who: str) -> bool:
    """Whether a reconstructed roster of that space and day names this person."""
    rosters = [
        event for place, event in found
        if event["details"].get("provenance") == "reconstructed" and (place.conversation, place.start_ms // DAY_MS) == (room, day)
    ]  # fmt: skip
    return any(who in {each["id"] for each in event["people"]} for event in rosters)


def test_a_roster_keeps_what_webex_said(tmp_path: Path) -> None:
    """The space and each row of the list of members, verbatim (rule 2)."""
    with rig(tmp_path) as made, contextlib.closing(made.source()) as source:
        rosters = [event for _, event in polled(made, source) if event["kind"] == "roster"]
        listed = [event for event in rosters if event["details"]["provenance"] == "reconstructed"]
        assert listed
        for event in listed:
            space, *rows = map(json.loads, (event["raw"] or b"").split(b"\n"))
            assert space["type"] in {"direct", "group"}
            assert {row["roomId"] for row in rows} == {space["id"]}
            assert len({row["personId"] for row in rows}) == len(rows) > 0
