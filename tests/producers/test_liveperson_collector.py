"""The whole source against the simulated LivePerson: a week of chats, every fault, nothing lost."""

import json
from pathlib import Path

import pytest

from producers.liveperson.collector import SETTLE_MS
from producers.source import Window
from sandbox.liveperson.model import MONDAY_MS
from sandbox.liveperson.server import Options
from tests.producers.liveperson_rig import (
    BY_ID,
    CONSUMER,
    DAY_MS,
    HOUR_MS,
    SEARCH,
    START_MS,
    Account,
    Collected,
    account,
    missing,
    once,
    record,
    said,
    week,
)

pytestmark = pytest.mark.usefixtures("lp_secrets")


def test_a_week_is_collected_whole_and_a_second_look_brings_nothing(sim: Account) -> None:
    """Every message, edit, card and file name that the simulator showed is in an event of its conversation."""
    with sim.source() as source:
        found = week(source, sim, step_ms=6 * HOUR_MS)
        ledger = sim.control("ledger")
        assert missing(found, ledger) == []
        assert len(found.ids) == len(found.events)
        assert found.refused == []
        assert once(sim, source).events == []
    kinds = found.kinds()
    assert {
        "opened",
        "message",
        "joined",
        "left",
        "transfer",
        "closed",
        "survey",
        "summary",
        "updated",
    } <= kinds.keys()
    assert kinds["closed"] == sum(entry["kind"] == "closed" for entry in ledger)
    assert "unknown" not in kinds


def test_many_polls_or_one_give_the_same_ids(sim: Account, tmp_path: Path) -> None:
    """How often one looks changes nothing but what was overwritten between looks."""
    with sim.source() as source:
        often = week(source, sim, step_ms=4 * HOUR_MS)
    with sim.source(state=None) as source:  # no cursor: the memory of the first is forgotten
        late = once(sim, source)
    final = {event["id"] for _, event in often.events}
    assert {event["id"] for _, event in late.events} <= final
    overwritten = [event for _, event in often.events if event["id"] not in late.ids]
    erased = {event["source_key"] for _, event in often.events if event["kind"] == "updated"}
    assert {event["source_key"] for event in overwritten} <= erased


def test_a_closed_conversation_leaves_its_whole_row_in_the_store(sim: Account) -> None:
    """The close event refers to the verbatim row by hash and size."""
    with sim.source() as source:
        found = week(source, sim)
    closes = [(place, event) for place, event in found.events if event["kind"] == "closed"]
    assert closes
    for place, event in closes:
        row = sim.contents.held[bytes.fromhex(event["details"]["row_sha256"])]
        assert len(row) == int(event["details"]["row_size"])
        assert json.loads(row)["info"]["conversationId"] == place.conversation


def test_people_have_addresses_and_roles(sim: Account) -> None:
    """Agents by the users list, the temp without a mailbox has none, bots are bots, consumers consumers."""
    with sim.source() as source:
        found = week(source, sim)
    people = {event["actor"]["id"]: event["actor"] for _, event in found.events if event["actor"]}
    assert people["4120087711"]["email"] == "marta.lindqvist@bank.example"
    assert people["4120087720"]["email"] is None
    assert people["4120087601"]["role"] == "bot"
    roles = {(event["actor"]["id"], event["actor"]["role"]) for _, event in found.events if event["actor"]}
    assert ("4120087790", "manager") in roles
    assert {who for who, role in roles if role == "system"} == {"liveperson"}, "who redacts by itself"
    assert {role for _, role in roles} == {"agent", "bot", "manager", "consumer", "system"}
    assert all(event["actor"] for _, event in found.events if event["kind"] == "message")


def test_slices_are_days_of_the_conversation_and_later_ones_begin_with_a_roster(sim: Account) -> None:
    """A conversation of several days has one slice for each, chained by its start."""
    with sim.source() as source:
        found = week(source, sim)
    for place, event in found.events:
        assert place.end_ms - place.start_ms == DAY_MS
        assert place.start_ms <= event["at_ms"] < place.end_ms
    later = {(place.conversation, place.label) for place, _ in found.events if place.label != "p0000"}
    rosters = {
        (place.conversation, place.label) for place, event in found.events if event["kind"] == "roster"
    }
    assert later
    assert rosters == later


def test_a_message_from_the_far_future_reaches_those_who_were_there(sim: Account) -> None:
    """Its slice has the roster, is the same at each capture, and can be closed soon after."""
    joined = {
        "agentId": "7",
        "agentFullName": "Dana",
        "userType": "1",
        "permission": "ASSIGNED_AGENT",
        "timeL": START_MS,
    }
    row = record(said(1, "x", timeL=10**13), agentParticipants=[joined])
    body = {"_metadata": {"count": 1}, "conversationHistoryRecords": [row]}
    sim.faults({"match": {"path": f"{SEARCH}|{BY_ID}"}, "do": {"status": 200, "body": body}})
    sim.advance(4 * DAY_MS)
    with sim.source() as source:
        places = []
        for _ in range(2):
            found = Collected()
            found.take(source.poll(Window("live", MONDAY_MS, source.now_ms() - SETTLE_MS)))  # never confirmed
            far = [
                (place, event)
                for place, event in found.events
                if place.label == f"p{(10**13 - START_MS) // DAY_MS}"
            ]
            assert [event["kind"] for _, event in far] == ["roster", "message"]
            assert {person["id"] for person in far[0][1]["people"]} == {CONSUMER, "7"}
            assert all(place.end_ms <= source.now_ms() + 2 * DAY_MS for place, _ in far)
            assert all(event["at_suspect"] for _, event in far)
            places.append({event["id"]: place.label for place, event in found.events})
            sim.advance(DAY_MS)
    assert places[0] == places[1]


def test_what_was_typed_into_a_form_is_nowhere(sim: Account) -> None:
    """Even a source that sends a form's data in clear gets it into no event and no stored row."""
    with sim.source() as source:
        sim.faults(form_data_in_clear=True)
        found = week(source, sim)
    forms = [event for _, event in found.events if "form" in event["details"]]
    assert any(event["details"]["form_state"] == "submitted" for event in forms)
    kept = b"".join([*(event["raw"] for _, event in found.events), *sim.contents.held.values()])
    assert b'"formData": "[withheld]"' in kept
    assert kept.count(b"formData") == kept.count(b'"formData": "[withheld]"')


def test_an_unconfirmed_poll_is_yielded_again(sim: Account) -> None:
    """Nothing counts as sent before Kafka has it."""
    sim.advance(2 * DAY_MS)
    with sim.source() as source:
        window = Window("live", MONDAY_MS - DAY_MS, source.now_ms() - SETTLE_MS)
        first, second, third = Collected(), Collected(), Collected()
        first.take(source.poll(window))
        second.take(source.poll(window))
        source.confirmed()
        third.take(source.poll(window))
    assert first.ids == second.ids
    assert len(first.ids) > 10
    assert third.events == []


def test_the_memory_survives_a_restart_only_with_its_cursor(sim: Account) -> None:
    """With the cursor's state nothing comes twice; with another or none, and nothing recalled, everything comes again."""
    sim.advance(2 * DAY_MS)
    with sim.source() as source:
        first = once(sim, source)
        state = source.state()
    with sim.source(state=state) as source:
        assert once(sim, source).events == []
    with sim.source(state='{"cache": "of another log"}') as source:
        assert once(sim, source).ids == first.ids
    with sim.source(state=None) as source:
        assert once(sim, source).ids == first.ids


def test_a_damaged_memory_is_replaced(sim: Account, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is no database costs repeats, not the start."""
    (sim.state_dir / "liveperson-lp.sqlite3").write_bytes(b"not a database" * 500)
    sim.advance(DAY_MS)
    with sim.source(state=None) as source:
        assert once(sim, source).events
    assert "damaged" in caplog.text


def test_late_changes_that_count_as_no_update_are_seen_while_watched(sim: Account) -> None:
    """The second net: open conversations are asked for by id even if no update is announced."""
    sim.advance(100 * HOUR_MS)
    with sim.source() as source:
        once(sim, source)
        before = len(sim.requests("conversation/search"))
        sim.advance(2 * HOUR_MS)
        now = source.now_ms() - SETTLE_MS
        list(source.poll(Window("live", now - 1, now)))
        assert len(sim.requests("conversation/search")) > before


def test_conversations_open_since_long_are_found_at_the_first_poll(tmp_path: Path) -> None:
    """A first live poll of a short window finds what is open, whenever it began, and only the first does."""
    with account(tmp_path, Options(now_ms=MONDAY_MS + 100 * HOUR_MS)) as sim, sim.source() as source:
        now = source.now_ms() - SETTLE_MS
        found = Collected()
        found.take(source.poll(Window("live", now - 60_000, now)))
        source.confirmed()
        assert found.events
        assert found.kinds().get("closed", 0) == 0
        sent = len(sim.requests(SEARCH))
        list(source.poll(Window("live", now - 60_000, now)))
        assert len(sim.requests(SEARCH)) - sent < sent


def test_a_back_fill_in_windows_finds_what_one_poll_finds(sim: Account) -> None:
    """Windows of a day, one after the other, cover all events of a range."""
    sim.advance(8 * DAY_MS)
    with sim.source() as source:
        whole = once(sim, source, lane="backfill-1")
    with sim.source() as source:
        parts = Collected()
        for day in range(-1, 8):
            from_ms = MONDAY_MS + day * DAY_MS
            parts.take(source.poll(Window("backfill-1", from_ms, from_ms + DAY_MS)))
            source.confirmed()
    assert parts.ids == whole.ids


def test_filters_by_skill_and_group(sim: Account) -> None:
    """Include asks for any, exclude drops only what lies wholly in it."""
    sim.advance(8 * DAY_MS)
    with sim.source() as source:
        everything = {place.conversation for place, _ in once(sim, source).events}
    counts = []
    for filters in (
        {"include_skills": ["4120011410"]},
        {"exclude_skills": ["4120011410"]},
        {"exclude_groups": ["4119990210"]},
    ):
        with sim.source(filters=filters) as source:
            counts.append({place.conversation for place, _ in once(sim, source).events})
    included, excluded, without_bots = counts
    assert included
    assert included < everything
    assert excluded < everything
    assert included | excluded == everything
    assert without_bots < everything


def test_the_clock_is_the_sources_and_never_ahead_of_ours(sim: Account) -> None:
    """`Date` of the answers, to the second; a source whose clock runs ahead is held back to ours."""
    with sim.source() as source:
        sim.advance(5_000)
        assert source.now_ms() == MONDAY_MS + 5_000
        sim.advance(100 * 365 * DAY_MS)
        assert source.now_ms() < MONDAY_MS + 50 * 365 * DAY_MS
