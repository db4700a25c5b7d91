"""The whole source against the simulated LivePerson: a week of chats, every fault, nothing lost."""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from producers.liveperson.collector import SETTLE_MS
from producers.source import SourceError, SourceRefusedError, SourceUnavailableError, Window
from sandbox.liveperson.model import MONDAY_MS
from sandbox.liveperson.server import Options
from tests.producers.liveperson_rig import (
    CONSUMER,
    DAY_MS,
    HOUR_MS,
    OAUTH1,
    SECRETS,
    START_MS,
    Account,
    Collected,
    account,
    missing,
    record,
    said,
    week,
)

HISTORY = "messaging_history"
SEARCH = r"conversations/search"
BY_ID = r"conversation/search"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    for name, value in OAUTH1.items():
        monkeypatch.setenv(f"TEST_LP_{name.upper()}_1", value)


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[Account]:
    """A simulated account."""
    with account(tmp_path) as running:
        yield running


def once(sim: Account, source: Any, lane: str = "live", from_ms: int = MONDAY_MS - DAY_MS) -> Collected:
    """One poll of everything so far, confirmed."""
    found = Collected()
    found.take(source.poll(Window(lane, from_ms, source.now_ms() - SETTLE_MS)))
    source.confirmed()
    return found


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


def test_files_are_in_the_store_before_the_event_and_carry_their_hash(sim: Account) -> None:
    """Each stored attachment's bytes are those that the simulator sent; a file that is gone says so."""
    with sim.source() as source:
        found = week(source, sim)
    served = {entry["sha256"] for entry in sim.control("ledger") if entry["kind"] == "file"}
    attached = [file for _, event in found.events for file in event["attachments"]]
    stored = {file["content"]["sha256"] for file in attached if file["content"]}
    assert {each.hex() for each in stored} == served
    assert stored <= sim.contents.held.keys()
    assert {file["outcome"] for file in attached} <= {"stored", "gone"}
    assert all((file["reason"] is None) == (file["outcome"] == "stored") for file in attached)


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


FAULTS: dict[str, list[dict[str, Any]]] = {
    "429 with a pause": [
        {"match": {"path": HISTORY}, "times": 2, "do": {"status": 429, "headers": {"Retry-After": "0"}}}
    ],
    "500": [
        {
            "match": {"path": HISTORY},
            "after": 1,
            "times": 3,
            "do": {"status": 500, "body": {"internalCode": 7}},
        }
    ],
    "503 for users": [{"match": {"path": "le-users"}, "times": 1, "do": {"status": 503}}],
    "dropped": [{"match": {"path": HISTORY}, "times": 2, "do": {"drop": True}}],
    "broken off": [{"match": {"path": SEARCH}, "times": 2, "do": {"truncate": 500}}],
    "token refused": [{"match": {"path": HISTORY}, "after": 2, "times": 1, "do": {"status": 401}}],
    "file storage down": [{"match": {"path": "/v1/AUTH"}, "times": 2, "do": {"status": 503}}],
    "file broken off": [{"match": {"path": "/v1/AUTH"}, "times": 3, "do": {"truncate": 60}}],
    "file token refused": [{"match": {"path": "/v1/AUTH"}, "after": 1, "times": 1, "do": {"status": 401}}],
    "html instead of JSON": [
        {"match": {"path": SEARCH}, "times": 2, "do": {"status": 200, "body": "<html>busy</html>"}}
    ],
    "lookup down": [{"match": {"path": "baseURI"}, "after": 1, "do": {"status": 503}}],
}
SWITCHES: dict[str, dict[str, Any]] = {
    "partial shards": {"partial_shards": 3},
    "rows cut short": {"partial_rows_over": 2},
    "204": {"no_content_when_empty": True},
    "source required": {"require_source": True},
    "no fillers": {"undefined_fillers": False},
    "other keys": {"consumer_participant_key": True, "message_score_key": True, "csat_key": True, "is_truncated_key": True},
    "is truncated": {"is_truncated_key": True, "partial_rows_over": 3},
    "times as text": {"times_as_strings": True, "sent_by_case": "upper"},
    "other containers": {"link_key": "externalLink", "form_key": "form", "sent_by_case": "lower"},
    "users as text": {"users_as_strings": True},
    "text errors": {"error_shape": "text", "expires_in_as_text": False},
    "updates don't count": {"late_changes_bump_update_time": False},
}  # fmt: skip


def persistent(sim: Account, source: Any) -> Collected:
    """Poll as the runner does: after an unavailable source, the same window again."""
    found, watermark = Collected(), MONDAY_MS - DAY_MS
    for _ in range(8):
        sim.advance(DAY_MS)
        for attempt in range(6):
            try:
                to_ms = source.now_ms() - source.settle_ms
                found.take(source.poll(Window("live", watermark - 900_000, to_ms)))
            except SourceUnavailableError:
                assert attempt < 5
            else:
                break
        source.confirmed()
        watermark = to_ms
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_loses_anything(sim: Account, fault: str) -> None:
    """Answers that fail for a while cost time, not messages."""
    with sim.source() as source:
        sim.faults(*FAULTS[fault])
        found = persistent(sim, source)
    hits = [rule["hits"] for rule in sim.control("faults")["rules"]]
    assert all(hits), "the fault never struck"
    assert missing(found, sim.control("ledger")) == []
    assert found.refused == []
    assert {file["outcome"] for _, event in found.events for file in event["attachments"]} <= {
        "stored",
        "gone",
    }


def test_an_account_that_is_gone_tells_no_time(sim: Account) -> None:
    """An idle collector asks for nothing but the time: an earlier answer must not hide that nobody is there."""
    with sim.source() as source:
        source.now_ms()
        sim.faults({"match": {"path": ""}, "do": {"drop": True}})
        with pytest.raises(SourceUnavailableError):
            source.now_ms()


@pytest.mark.parametrize("switch", SWITCHES)
def test_no_quirk_loses_anything(sim: Account, switch: str) -> None:
    """Whatever the documents contradict each other on, the messages come."""
    with sim.source() as source:
        sim.faults(**SWITCHES[switch])
        found = persistent(sim, source)
        shown = sim.control("ledger")
    assert missing(found, shown) == []
    assert sum(kind == "message" for kind in (entry["kind"] for entry in shown)) > 200
    assert "unknown" not in found.kinds()


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


def test_tokens_that_expire_at_once_are_refused_with_a_sentence(sim: Account) -> None:
    """A renewed token that is refused too ends as a refusal, not as a loop."""
    sim.faults(token_lifetime_s=0)
    with sim.source() as source, pytest.raises(SourceRefusedError, match="check the keys"):
        list(source.poll(Window("live", MONDAY_MS, MONDAY_MS + 1)))


def test_oauth_1_signs_every_call(sim: Account) -> None:
    """The simulator recomputes each HMAC-SHA1 signature."""
    keys = {
        "app_key": "KEY",
        "app_secret": "SECRET",
        "access_token": "TOKEN",
        "access_token_secret": "TOKEN_SECRET",
    }
    auth: dict[str, Any] = {"method": "oauth1"} | {
        name: {"env": f"TEST_LP_{env}_1"} for name, env in keys.items()
    }
    sim.advance(2 * DAY_MS)
    with sim.source(auth=auth) as source:
        assert all(finding.ok for finding in source.check())
        found = once(sim, source)
    assert missing(found, sim.control("ledger")) == []
    assert found.events


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


def test_many_conversations_come_in_pages_and_split_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than a page, and than one query may match, all come."""
    monkeypatch.setattr("producers.liveperson.history.MOST_ROWS", 120)
    with account(tmp_path, Options(scale=400)) as sim, sim.source() as source:
        sim.advance(9 * DAY_MS)
        found = once(sim, source)
        assert missing(found, sim.control("ledger")) == []
    assert len({place.conversation for place, _ in found.events}) > 400


def test_answers_too_large_are_asked_for_in_smaller_pages(sim: Account) -> None:
    """A ceiling on the page, not on the conversation: single rows of any size come."""
    sim.advance(8 * DAY_MS)
    calls = sim.settings().calls.model_dump() | {"max_page_mb": 0.03}
    with sim.source(calls=calls) as source:
        found = once(sim, source)
    assert missing(found, sim.control("ledger")) == []
    assert any("limit=1&" in each["query"] for each in sim.requests(SEARCH))


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


def test_a_throttled_host_is_left_alone_as_long_as_it_asks(sim: Account) -> None:
    """A long Retry-After ends the call at once, and no request goes out before the time is over."""
    with sim.source() as source:
        sim.faults({"match": {"path": HISTORY}, "do": {"status": 429, "headers": {"Retry-After": "60"}}})
        window = Window("live", MONDAY_MS - 1, MONDAY_MS)
        for _ in range(3):
            with pytest.raises(SourceUnavailableError):
                list(source.poll(window))
        assert len(sim.requests(HISTORY)) == 1


def test_a_source_that_is_down_says_so_in_one_sentence(tmp_path: Path) -> None:
    """No connection: unavailable, with the address and what to do."""
    with account(tmp_path) as sim:
        url = sim.url
    with Account(url, tmp_path).source() as source, pytest.raises(SourceUnavailableError) as caught:
        source.now_ms()
    assert url in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [302, 307])
def test_redirects_are_not_followed(sim: Account, status: int) -> None:
    """A token goes to the hosts of the lookup only."""
    elsewhere = {"status": status, "headers": {"Location": f"{sim.url}/elsewhere"}}
    sim.faults({"match": {"path": HISTORY}, "do": elsewhere})
    with sim.source() as source, pytest.raises(SourceRefusedError, match="redirects"):
        list(source.poll(Window("live", MONDAY_MS - 1, MONDAY_MS)))
    assert sim.requests("elsewhere") == []


@pytest.mark.parametrize(
    "rule",
    [
        {"match": {"path": "app/token"}, "do": {"status": 401}},
        {"match": {"path": "app/token"}, "do": {"status": 500}},
        {"match": {"path": "app/token"}, "do": {"status": 200, "body": "sim-client-secret"}},
        {"match": {"path": HISTORY}, "do": {"status": 403, "body": "sim-client-secret"}},
        {"match": {"path": HISTORY}, "do": {"drop": True}},
        {"match": {"path": "auth/v1.0"}, "do": {"status": 401}},
        {"match": {"path": "auth/v1.0"}, "do": {"drop": True}},
        {"match": {"path": "/v1/AUTH"}, "do": {"status": 401}},
    ],
)
def test_no_secret_is_in_an_error_or_a_log(
    sim: Account, rule: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither keys nor tokens appear in exceptions, their causes, or log lines of any level."""
    caplog.set_level(logging.DEBUG)
    sim.advance(7 * DAY_MS)
    sim.faults(rule)
    with sim.source() as source, pytest.raises(SourceError) as caught:
        once(sim, source)
    said = [caplog.text, *(f"{record.__dict__}" for record in caplog.records)]
    error: BaseException | None = caught.value
    while error is not None:
        said.append(f"{error} {error!r}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    for secret in (*SECRETS.values(), *OAUTH1.values(), "bearer-", "file-token", "Bearer "):
        assert not any(secret in text for text in said), secret
    assert str(caught.value).count(". ") == 0


@pytest.mark.parametrize(
    ("rule", "failing"),
    [
        ({"match": {"path": "baseURI"}, "do": {"status": 401}}, "domain lookup"),
        ({"match": {"path": HISTORY}, "do": {"status": 403}}, "history"),
        ({"match": {"path": "le-users"}, "do": {"status": 403}}, "users"),
        ({"match": {"path": "auth/v1.0"}, "do": {"status": 401}}, "file storage"),
    ],
)
def test_check_names_what_is_missing(sim: Account, rule: dict[str, Any], failing: str) -> None:
    """One finding fails, with advice; the others say that they work."""
    with sim.source() as source:
        assert all(finding.ok for finding in source.check())
        sim.faults(rule)
        bad = [finding for finding in source.check() if not finding.ok]
    assert [finding.what for finding in bad] == [failing]
    assert len(bad[0].advice) > 40


def test_one_unreadable_row_goes_to_the_dead_letters_once_and_takes_no_other_with_it(sim: Account) -> None:
    """The page is read row by row; the bad one is handed over with its bytes, once."""
    sim.advance(2 * DAY_MS)
    with sim.source() as source:
        page = '{"conversationHistoryRecords":[{'
        bad = '{"conversationHistoryRecords":[{broken}]}'
        sim.faults(
            {"match": {"path": SEARCH, "query": "offset=0&limit=100"}, "do": {"status": 200, "body": page}},
            {"match": {"path": SEARCH, "query": "offset=2&limit=1&"}, "do": {"status": 200, "body": bad}},
        )  # fmt: skip
        found = once(sim, source)
        again = once(sim, source)
    assert [each.body for each in found.refused] == [bad.encode()]
    assert again.refused == []
    assert len({place.conversation for place, _ in found.events}) > 3


@pytest.mark.parametrize("body", ["{broken", "<html>sign in</html>", ""])
def test_a_row_that_nobody_has_seen_is_asked_for_again(sim: Account, body: str) -> None:
    """Junk in its place goes to the dead-letters and all others are collected, but the window is not done."""
    sim.advance(2 * DAY_MS)
    with sim.source() as source:
        sim.faults(
            {"match": {"path": SEARCH, "query": "offset=0&limit=100"}, "do": {"status": 200, "body": "{"}},
            {"match": {"path": SEARCH, "query": "offset=2&limit=1&"}, "do": {"status": 200, "body": body}, "times": 3},
        )  # fmt: skip
        first = Collected()
        with pytest.raises(SourceUnavailableError, match="breaks off"):
            first.take(source.poll(Window("live", MONDAY_MS - DAY_MS, source.now_ms())))
        source.confirmed()
        second = once(sim, source)
    assert [each.body for each in first.refused] == [body.encode()]
    assert len({place.conversation for place, _ in first.events}) > 3
    assert len({place.conversation for place, _ in second.events}) == 1


def test_a_conversation_unreadable_by_id_stops_no_other(sim: Account) -> None:
    """What the list showed of it is archived, the unreadable bytes go to the dead-letters, all others come whole."""
    sim.advance(8 * DAY_MS)
    with sim.source() as source:
        sim.faults({"match": {"path": BY_ID}, "do": {"status": 200, "body": "{broken"}}, partial_rows_over=60)
        found = Collected()
        with pytest.raises(SourceUnavailableError, match="breaks off"):
            found.take(source.poll(Window("live", MONDAY_MS - DAY_MS, source.now_ms())))
        source.confirmed()
        sim.faults(partial_rows_over=60)
        rest = once(sim, source)
    assert {each.body for each in found.refused} == {b"{broken"}
    found.events += rest.events
    assert missing(found, sim.control("ledger")) == []


def test_rows_without_a_conversation_go_to_the_dead_letters(sim: Account) -> None:
    """Their bytes are kept whole; the other rows of the page are collected."""
    rows = [
        {"messageRecords": [{"messageId": "m"}]},
        7,
        {"info": {"conversationId": "c", "startTimeL": MONDAY_MS}},
    ]
    body = {"_metadata": {"count": 3}, "conversationHistoryRecords": rows}
    sim.advance(DAY_MS)
    with sim.source() as source:
        sim.faults({"match": {"path": SEARCH}, "do": {"status": 200, "body": body}})
        found = once(sim, source)
    assert [json.loads(each.body) for each in found.refused] == rows[:2]
    assert {place.conversation for place, _ in found.events} == {"c"}


def test_a_page_that_repeats_for_ever_ends_with_an_error(sim: Account) -> None:
    """Offsets that change nothing are noticed."""
    row = {"info": {"conversationId": "c", "startTimeL": MONDAY_MS}}
    body = {"_metadata": {"count": 5000}, "conversationHistoryRecords": [row]}
    sim.faults({"match": {"path": SEARCH}, "do": {"status": 200, "body": body}})
    with sim.source() as source, pytest.raises(SourceUnavailableError, match="repeats"):
        once(sim, source)


def test_shards_that_never_answer_are_not_taken_for_an_answer(sim: Account) -> None:
    """Partial results for ever: unavailable, never settled."""
    sim.advance(DAY_MS)
    sim.faults(partial_shards=10_000)
    with sim.source() as source, pytest.raises(SourceUnavailableError, match="shards"):
        once(sim, source)


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"files": None}, "not_fetched"),
        ({"file_limits": {"max_file_mb": 0.00005}}, "too_large"),
        ({"file_limits": {"max_file_seconds": 0.000001}}, "too_slow"),
    ],
)
def test_files_that_will_not_come_have_a_final_outcome(
    sim: Account, more: dict[str, Any], outcome: str
) -> None:
    """No credentials, too large, too slow: each with a reason, and the message is there."""
    sim.advance(8 * DAY_MS)
    with sim.source(**more) as source:
        found = once(sim, source)
    attached = [file for _, event in found.events for file in event["attachments"]]
    assert outcome in {file["outcome"] for file in attached}
    assert all(file["reason"] for file in attached if file["outcome"] != "stored")


def test_a_file_storage_that_is_down_is_waited_for(sim: Account) -> None:
    """5xx is no outcome: the poll fails, and later the file is stored."""
    sim.advance(8 * DAY_MS)
    with sim.source() as source:
        sim.faults({"match": {"path": "/v1/AUTH"}, "do": {"status": 503}})
        with pytest.raises(SourceUnavailableError, match="503"):
            once(sim, source)
        sim.faults()
        found = once(sim, source)
    assert missing(found, sim.control("ledger")) == []
    assert "stored" in {file["outcome"] for _, event in found.events for file in event["attachments"]}


def test_a_broken_download_goes_on_where_it_stopped(sim: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request asks for the rest only, and the bytes are right."""
    monkeypatch.setattr("producers.liveperson.http.CHUNK", 256)
    sim.advance(8 * DAY_MS)
    with sim.source() as source:
        sim.faults({"match": {"path": "/v1/AUTH"}, "times": 1, "do": {"truncate": 300}})
        found = once(sim, source)
    statuses = {each["status"] for each in sim.requests("/v1/AUTH")}
    assert 206 in statuses
    served = {entry["sha256"] for entry in sim.control("ledger") if entry["kind"] == "file"}
    held = {hashlib.sha256(each).hexdigest() for each in sim.contents.held.values()}
    assert served <= held
    assert found.events


@pytest.mark.parametrize(
    ("etag", "part"),
    [('"two"', "bytes 256-271/272"), ('"one"', "bytes 7-22/100"), ('"one"', "")],
    ids=["other version", "other part", "nothing said"],
)
def test_a_rest_that_does_not_belong_is_not_put_behind_the_first_part(
    sim: Account, monkeypatch: pytest.MonkeyPatch, etag: str, part: str
) -> None:
    """A file that changed meanwhile, or a part that was not asked for: the whole is read anew."""
    monkeypatch.setattr("producers.liveperson.http.CHUNK", 256)
    sim.advance(8 * DAY_MS)
    match, headers = {"path": "/v1/AUTH"}, {"ETag": etag} | ({"Content-Range": part} if part else {})
    with sim.source() as source:
        sim.faults(
            {"match": match, "times": 1, "do": {"headers": {"ETag": '"one"'}, "truncate": 256}},
            {"match": match, "times": 1, "do": {"status": 206, "headers": headers, "body": "x" * 16}},
        )
        found = once(sim, source)
    served = {entry["sha256"] for entry in sim.control("ledger") if entry["kind"] == "file"}
    files = [file["content"] for _, event in found.events for file in event["attachments"]]
    stored = {file["sha256"].hex() for file in files if file}
    assert len(stored) > 3
    assert stored <= served


def test_the_clock_is_the_sources_and_never_ahead_of_ours(sim: Account) -> None:
    """`Date` of the answers, to the second; a source whose clock runs ahead is held back to ours."""
    with sim.source() as source:
        sim.advance(5_000)
        assert source.now_ms() == MONDAY_MS + 5_000
        sim.advance(100 * 365 * DAY_MS)
        assert source.now_ms() < MONDAY_MS + 50 * 365 * DAY_MS


def test_a_stop_ends_a_poll_at_the_next_request(sim: Account) -> None:
    """What `check_stop` raises comes out, so that a collector stops without waiting for a long window."""
    from producers.liveperson.collector import LivePersonSource  # noqa: PLC0415 - only here by hand

    def stop() -> None:
        raise KeyboardInterrupt

    source = LivePersonSource(sim.settings(), sim.contents, sim.state_dir, check_stop=stop)
    with pytest.raises(KeyboardInterrupt):
        list(source.poll(Window("live", MONDAY_MS, MONDAY_MS + 1)))
    source.close()


@pytest.mark.parametrize("path", ["/messaging_history", "/v1/AUTH"])
def test_a_stop_ends_a_request_that_hangs(sim: Account, path: str) -> None:
    """A service that takes a request and says nothing, or sends no more of a file, holds nobody back."""
    from producers.liveperson.collector import LivePersonSource  # noqa: PLC0415 - only here by hand

    wanted = threading.Event()

    def stop() -> None:
        if wanted.is_set():
            raise KeyboardInterrupt

    sim.advance(8 * DAY_MS)
    sim.faults({"match": {"path": path}, "times": None, "do": {"delay_s": 30}})
    source = LivePersonSource(sim.settings(), sim.contents, sim.state_dir, check_stop=stop)
    threading.Timer(2, wanted.set).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(source.poll(Window("live", MONDAY_MS, MONDAY_MS + 8 * DAY_MS)))
    assert time.monotonic() - began < 10
    source.close()
    sim.faults()
