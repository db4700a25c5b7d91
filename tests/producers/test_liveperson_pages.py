"""Pages and rows of the history: many, large, cut, repeated, or unreadable in part."""

import json
from pathlib import Path

import pytest

from producers.source import SourceUnavailableError, Window
from sandbox.liveperson.model import MONDAY_MS
from sandbox.liveperson.server import Options
from tests.producers.liveperson_rig import BY_ID, DAY_MS, SEARCH, Account, Collected, account, missing, once

pytestmark = pytest.mark.usefixtures("lp_secrets")


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
