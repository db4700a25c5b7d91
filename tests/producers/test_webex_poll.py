"""The Webex source against the simulation: everything shown is found again, whatever goes wrong on the way."""

import contextlib
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.source import Captured, Refused, Source, SourceRefusedError, SourceUnavailableError, Window
from producers.webex.names import inner
from producers.webex.settings import SpaceFilter
from tests.producers.webex_rig import DAY_MS, Rig, events_of, rig


def missing(made: Rig) -> list[str]:
    """Ledger entries that no event has."""
    events = events_of(made.items)
    keys = {each["source_key"] for each in events}
    texts = {each["text"] for each in events}
    shown = made.ledger("message", "edit", "deletion", "join", "leave")
    # well_formed: what Avro can't carry is replaced in the text, and kept in the raw bytes
    plain = [each for each in shown if each["id"] not in keys or not _said(each.get("text", ""), texts)]
    stored = {key.hex() for key in made.shelf.kept}
    return [each["id"] for each in plain] + [
        each["id"] for each in made.ledger("file") if each["sha256"] not in stored
    ]


def _said(text: str, texts: set[str | None]) -> bool:
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return not clean or any(clean in each for each in texts if each)


@pytest.mark.slow
def test_everything_shown_is_found(tmp_path: Path) -> None:
    """A week with jumbled, repeated, empty and late pages: each entry of the ledger has its event, once."""
    with rig(tmp_path, scale=1, threads="fetch") as made, contextlib.closing(made.source()) as source:
        events = made.take(source)
        assert len(made.ledger("message")) > 3000
        assert missing(made) == []
        idents = [each["id"] for each in events]
        assert len(idents) == len(set(idents))
        assert any(each["thread"] for each in events)
        assert all(len(each.events) <= 301 for each in made.items if isinstance(each, Captured))


def test_slices_hold_their_own_events(tmp_path: Path) -> None:
    """Each event lies within the bounds of the slice it came in, and each slice begins with one roster."""
    with (
        rig(tmp_path, zone="America/New_York") as made,
        contextlib.closing(made.source()) as source,
    ):
        made.take(source)
        first: set[tuple[str, str]] = set()
        for each in made.items:
            assert isinstance(each, Captured)
            day = each.slice
            assert all(day.start_ms <= event["at_ms"] < day.end_ms for event in each.events)
            rosters = [event for event in each.events if event["kind"] == "roster"]
            expected = 0 if (day.conversation, day.label) in first else 1
            assert len(rosters) == expected
            assert not rosters or each.events[0] is rosters[0]
            joined = [event for event in each.events if event["kind"] == "joined"]
            assert all(event["people"] or joined for event in rosters), "a new space begins empty"
            first.add((day.conversation, day.label))


def test_second_poll_is_silent(tmp_path: Path) -> None:
    """The same window again yields nothing, also after a restart that the cursor vouches for."""
    with rig(tmp_path) as made:
        with contextlib.closing(made.source()) as source:
            assert made.take(source)
            assert made.take(source) == []
            state = source.state()
        with contextlib.closing(made.source()) as again:
            again.restore(state)
            assert made.take(again) == []


@pytest.mark.parametrize("state", [None, "{}", '{"cache": "other", "count": 99}', "no json", "[]"])
def test_cache_of_another_log_counts_for_nothing(tmp_path: Path, state: str | None) -> None:
    """Without a cursor that vouches for the cache, everything is yielded again: a lost log is no loss."""
    with rig(tmp_path) as made:
        with contextlib.closing(made.source()) as source:
            before = {each["id"] for each in made.take(source)}
        with contextlib.closing(made.source()) as again:
            if state is not None:
                again.restore(state)
            assert {each["id"] for each in made.take(again)} == before


def test_log_that_was_set_back(tmp_path: Path) -> None:
    """What was confirmed after the cursor that is now in force is yielded again."""
    with rig(tmp_path) as made:
        with contextlib.closing(made.source()) as source:
            now = source.now_ms()
            list(source.poll(Window("live", now - 8 * DAY_MS, now - 5 * DAY_MS)))
            source.confirmed()
            old = source.state()
            later = {each["id"] for each in made.take(source)}
        with contextlib.closing(made.source()) as again:
            again.restore(old)
            assert {each["id"] for each in made.take(again)} == later


def test_unconfirmed_is_yielded_again(tmp_path: Path) -> None:
    """What Kafka did not confirm comes again at the next poll."""
    with rig(tmp_path) as made, contextlib.closing(made.source()) as source:
        now = source.now_ms()
        window = Window("live", now - 7 * DAY_MS, now)
        first = {each["id"] for each in events_of(source.poll(window))}
        second = {each["id"] for each in events_of(source.poll(window))}
        assert first == second


def test_trouble_in_the_middle(tmp_path: Path) -> None:
    """429 with an HTML body, 503, 504, a lost and a broken-off connection: nothing is missing."""
    faults = [
        {"match": {"path": "/events"}, "after": 1, "times": 1, "do": {
            "status": 429, "headers": {"Retry-After": "1", "Content-Type": "text/html"}, "body": "<h1>slow</h1>"}},
        {"match": {"path": "/events"}, "after": 3, "times": 1, "do": {"status": 504}},
        {"match": {"path": "/memberships"}, "after": 1, "times": 1, "do": {"status": 503}},
        {"match": {"path": "/events"}, "after": 5, "times": 1, "do": {"drop": True}},
        {"match": {"path": "/events"}, "after": 6, "times": 1, "do": {"truncate": 300}},
        {"match": {"path": "/people$"}, "times": 1, "do": {"status": 200, "body": "<h1>proxy</h1>"}},
    ]  # fmt: skip
    with (
        rig(tmp_path, rules=faults, waits=True, page_size=60) as made,
        contextlib.closing(made.source()) as source,
    ):
        made.take(source)
        assert all(rule["hits"] for rule in made.sim("faults")["rules"])
        assert missing(made) == []
        asked = {each["query"] for each in made.sim("requests") if each["path"] == "/v1/events"}
        assert any("max=30" in query for query in asked), "a 504 asks for smaller pages"


def test_refused_token_in_the_middle(tmp_path: Path) -> None:
    """A 401 in mid-run costs one refresh, whose rotated token is in the file."""
    with rig(tmp_path, page_size=100) as made, contextlib.closing(made.source()) as source:
        source.now_ms()
        before = json.loads(made.settings.token_file.read_text())
        made.sim("faults", [{"match": {"path": "/events"}, "after": 2, "times": 1, "do": {"status": 401}}])
        made.take(source)
        after = json.loads(made.settings.token_file.read_text())
        assert missing(made) == []
        assert after["refresh_token"] not in {"", before["refresh_token"]}
        assert after["access_token"] != before["access_token"]


def test_long_wait_is_left_to_the_runner(tmp_path: Path) -> None:
    """An hour's Retry-After ends the poll with a sentence, at once; a malformed one is waited out."""
    with rig(tmp_path, retry_seconds=2, waits=True) as made, contextlib.closing(made.source()) as source:
        for header, seconds in (("3600", "3600"), ("rand(30),add(30)", "15")):
            rule = {"match": {"path": "/events"}, "do": {"status": 429, "headers": {"Retry-After": header}}}
            made.sim("faults", [rule])
            with pytest.raises(SourceUnavailableError, match=f"wait {seconds} s"):
                made.take(source)


def test_page_that_repeats_for_ever(tmp_path: Path) -> None:
    """A next link that leads back ends with an error, not in a circle."""
    with rig(tmp_path) as made, contextlib.closing(made.source()) as source:
        link = f'<{made.url}/v1/events?cursor=x>; rel="next"'
        headers = {"Link": link, "Content-Type": "application/json"}
        body = {"status": 200, "headers": headers, "body": {"items": []}}
        made.sim("faults", [{"match": {"path": "/events"}, "times": None, "do": body}])
        with pytest.raises(SourceUnavailableError, match="for ever"):
            made.take(source)


def test_next_page_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """A next link to another host is refused: nobody there gets our token."""
    with rig(tmp_path) as made, contextlib.closing(made.source()) as source:
        headers = {"Link": '<http://127.0.0.2:9/v1/events>; rel="next"', "Content-Type": "application/json"}
        rule = {
            "match": {"path": "/events"},
            "do": {"status": 200, "headers": headers, "body": {"items": []}},
        }
        made.sim("faults", [rule])
        with pytest.raises(SourceUnavailableError, match="another host"):
            made.take(source)


def test_broken_page_goes_to_dead_letters(tmp_path: Path) -> None:
    """JSON that stays broken is refused whole, once; what can be read of it is archived, and more is asked for."""
    good = '{"id": "E1", "resource": "odd", "type": "odd", "created": "2026-03-09T10:00:00Z", "data": {"roomId": "R"}}'
    page = f'{{"items": [{good}, {{"id": '
    rule = {"match": {"path": "/events"}, "times": None, "do": {
        "status": 200, "headers": {"Content-Type": "application/json"}, "body": page}}  # fmt: skip
    noon = datetime(2026, 3, 9, 12, tzinfo=UTC)
    with rig(tmp_path, rules=[rule], now=noon) as made, contextlib.closing(made.source()) as source:
        now = source.now_ms()
        items = list[Captured | Refused]()
        for _ in range(2):
            with pytest.raises(SourceUnavailableError, match="breaks off"):
                items.extend(source.poll(Window("live", now - DAY_MS, now)))
            source.confirmed()
        assert [each.body for each in items if isinstance(each, Refused)] == [page.encode()]
        assert [each["raw"] for each in events_of(items) if each["kind"] == "unknown"] == [good.encode()]


@pytest.mark.parametrize("bad", ["nonsense", "[" * 5_000 + "]" * 5_000, "1" * 5_000])
def test_one_broken_item_takes_no_other_with_it(tmp_path: Path, bad: str) -> None:
    """Nonsense is asked for in halves until it stands alone; what is merely too much ends its item and no page."""
    with rig(tmp_path) as made, contextlib.closing(made.source()) as source:
        told = made.take(source)
        victim = next(each for each in told if each["kind"] == "message" and each["text"])
        rest = {each["source_key"] for each in told} - {victim["source_key"]}
    (tmp_path / "second").mkdir()
    text = re.escape(json.dumps(victim["text"], ensure_ascii=False))
    rule = {
        "match": {"path": "/v1/events"},
        "do": {"replace": [[f'"text": {text}', f'"text": {bad}']]},
        "times": None,
    }
    with rig(tmp_path / "second", rules=[rule]) as made, contextlib.closing(made.source()) as source:
        keys = {each["source_key"] for each in made.take(source)}
        refused = b"".join(each.body for each in made.items if isinstance(each, Refused))
        assert keys >= rest
        assert victim["source_key"] in refused.decode() or bad.isdecimal()


def test_hostile_input_stops_nothing(tmp_path: Path) -> None:
    """What no sane service would send is archived as far as it has a space, else refused with its bytes."""
    with rig(tmp_path, switches={"hostile": True}) as made:
        with contextlib.closing(made.source()) as source:
            events = made.take(source)
        texts = "\n".join(each["text"] or "" for each in events)
        raws = b"\n".join(each["raw"] for each in events)
        refused = [each for each in made.items if isinstance(each, Refused)]
        assert "and life goes on" in texts
        assert "ten megabytes" in texts
        assert len([each for each in events if each["at_suspect"]]) == 2
        assert b"nobody wrote this" in raws
        assert any(b"in no space" in each.body for each in refused)
        assert json.dumps(texts, ensure_ascii=False).encode("utf-8")


def test_an_impossible_time_is_in_one_slice_whenever_it_is_seen(tmp_path: Path) -> None:
    """Killed before the memory was written, polled again a day later: no id is in two slices, all can close soon."""
    with rig(tmp_path, switches={"hostile": True}) as made:
        places: dict[bytes, set[tuple[str, str]]] = defaultdict(set)
        with contextlib.closing(made.source()) as source:
            now = source.now_ms()
            window = Window("live", now - 8 * DAY_MS, now)
            items = list(source.poll(window))
        made.sim("clock", {"advance_ms": DAY_MS})
        with contextlib.closing(made.source()) as source:
            items += source.poll(window)
        for item in [each for each in items if isinstance(each, Captured)]:
            assert item.slice.end_ms <= now + 3 * DAY_MS
            for event in item.events:
                places[event["id"]].add((item.slice.conversation, item.slice.label))
        suspect = {event["id"] for event in events_of(items) if event["at_suspect"]}
        assert len(suspect) == 2
        assert [place for place in places.values() if len(place) > 1] == []
        rosters = {(c, label) for i, c, label in roster_places(items)}
        assert all(places[each] <= rosters for each in suspect), "somebody gets the mail"


def roster_places(items: Iterable[object]) -> Iterator[tuple[bytes, str, str]]:
    """Id and slice of each roster."""
    for item in items:
        if isinstance(item, Captured):
            found = [event for event in item.events if event["kind"] == "roster"]
            yield from ((event["id"], item.slice.conversation, item.slice.label) for event in found)


def test_unreadable_for_now_is_never_text(tmp_path: Path) -> None:
    """Ciphertext of a failing key server is unknown, not text; it comes readable when keys are back."""
    with (
        rig(tmp_path, switches={"kms_times": 1000}, retry_seconds=1) as made,
        contextlib.closing(made.source()) as source,
    ):
        events = made.take(source)
        assert not any((each["text"] or "").startswith("eyJ") for each in events)
        locked = [each for each in events if "decrypt" in each["details"].get("reason", "")]
        assert locked
        assert made.take(source) == []
        made.sim("faults", {"switches": {"kms_times": 0}})
        later = made.take(source)
        assert {each["kind"] for each in later} == {"message"}
        assert missing(made) == []


def test_late_arrivals_are_found(tmp_path: Path) -> None:
    """What Webex shows minutes later comes with the overlap of a later poll, and nothing twice."""
    with (
        rig(tmp_path, switches={"late_every": 3, "late_s": DAY_MS * 3 // 1000}) as made,
        contextlib.closing(made.source()) as source,
    ):
        first = made.take(source)
        made.sim("clock", {"advance_ms": 4 * DAY_MS})
        second = made.take(source, days=12)
        assert {each["id"] for each in first}.isdisjoint(each["id"] for each in second)
        assert second
        assert missing(made) == []


def test_edits_and_deletions_quote_what_was(tmp_path: Path) -> None:
    """A deletion brings back the text and names deleter and author; an edit quotes the text before it."""
    with rig(tmp_path) as made, contextlib.closing(made.source()) as source:
        events = made.take(source)
        messages = {each["source_key"]: each for each in events if each["kind"] == "message"}
        changes = [each for each in events if each["kind"] in {"updated", "deleted"}]
        known = [each for each in changes if each["target"] in messages]
        assert {each["kind"] for each in known} == {"updated", "deleted"}
        assert all(each["former_text"] or messages[str(each["target"])]["text"] is None for each in known)
        assert all(each["actor"] for each in known)


def test_too_old_is_refused_or_cut(tmp_path: Path) -> None:
    """A window beyond the look-back asks for no more than there is; a wrong look-back is said clearly."""
    with rig(tmp_path) as made, contextlib.closing(made.source()) as source:
        now = source.now_ms()
        assert list(source.poll(Window("b", now - 200 * DAY_MS, now - 100 * DAY_MS))) == []
    with (
        rig(tmp_path, look_back_days=400) as made,
        contextlib.closing(made.source()) as source,
        pytest.raises(SourceRefusedError, match="look_back_days"),
    ):
        made.take(source, days=120)


def test_rosters_of_past_days_are_reconstructed(tmp_path: Path) -> None:
    """Whoever came or went later in the week is not, or still, on the roster; also when the end was read first."""
    with rig(tmp_path) as made, contextlib.closing(made.source()) as source:
        made.take(source, days=2)
        events = [(each.slice, event) for each in made_take(made, source) for event in each.events]
        rosters = {(day.conversation, day.label): event for day, event in events if event["kind"] == "roster"}
        moves = [(day, event) for day, event in events if event["kind"] in {"joined", "left"}]
        assert moves
        for day, move in moves:
            there = {each["id"] for each in rosters[day.conversation, day.label]["people"]}
            assert (move["people"][0]["id"] in there) == (move["kind"] == "left")


def made_take(made: Rig, source: Source) -> list[Captured]:
    """Everything captured of the week."""
    made.take(source)
    return [each for each in made.items if isinstance(each, Captured)]


def test_live_roster_is_observed(tmp_path: Path) -> None:
    """The roster of the day at hand says that it was observed, that of the day before that it was not."""
    wednesday = datetime(2026, 3, 4, 18, tzinfo=UTC)
    with rig(tmp_path, now=wednesday) as made, contextlib.closing(made.source()) as source:
        rosters = [each for each in made.take(source, days=2) if each["kind"] == "roster"]
        by_day = {(each["at_ms"] // DAY_MS, each["details"]["provenance"]) for each in rosters}
        today = int(wednesday.timestamp() * 1000) // DAY_MS
        # a space that moved in the meantime is listed under its new id only
        assert by_day >= {(today, "observed"), (today - 1, "reconstructed")}
        assert (today, "reconstructed") not in by_day
        assert (today - 1, "observed") not in by_day


def test_filters_keep_spaces_apart(tmp_path: Path) -> None:
    """What is included and what is excluded together are everything."""
    with rig(tmp_path) as made:
        with contextlib.closing(made.source()) as source:
            whole = {each.slice.conversation for each in made_take(made, source)}
        one = min(whole)
        seen: list[set[str]] = []
        for rule in ({"include": SpaceFilter(spaces=(one,))}, {"exclude": SpaceFilter(spaces=(one,))}):
            made.settings = made.settings.model_copy(update=rule)
            made.settings = made.settings.model_copy(update={"uid": f"u{len(seen)}"})
            made.items.clear()
            with contextlib.closing(made.source()) as source:
                seen.append({each.slice.conversation for each in made_take(made, source)})
            made.settings = made.settings.model_copy(update=dict.fromkeys(rule, SpaceFilter()))
        assert one in seen[0]
        assert {inner(each) for each in seen[0]} == {inner(one)}, "the space under its other id is the same"
        assert seen[1] == whole - seen[0]


def test_check_names_what_is_wrong(tmp_path: Path) -> None:
    """All rights are tried; the missing one comes with advice."""
    with rig(tmp_path, scale=1) as made, contextlib.closing(made.source()) as source:
        assert all(each.ok for each in source.check())
        made.sim("faults", [{"match": {"path": "/events"}, "times": None, "do": {"status": 403}}])
        bad = [each for each in source.check() if not each.ok]
        assert [each.what for each in bad] == ["events feed"]
        assert "Compliance Officer" in bad[0].advice


def test_stop_ends_a_wait(tmp_path: Path) -> None:
    """Whoever waits for a slow service is let go soon after a stop."""
    with rig(tmp_path, retry_seconds=600, waits=True) as made:
        source = made.source()
        source.now_ms()
        made.sim("faults", [{"match": {"path": "/events"}, "times": None, "do": {"status": 503}}])
        threading.Timer(0.5, made.stop.set).start()
        with pytest.raises(SourceUnavailableError, match="stopped"):
            made.take(source)
        source.close()
