"""What nobody documented, or meant: told once, with its bytes, and never an error that ends a collector."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.liveperson.events import Telling, event_of, news_of
from producers.liveperson.spans import MalformedError, page_of
from tests.producers.liveperson_rig import CONVERSATION, START_MS, body_of, record, row_of, said
from tests.producers.liveperson_told import CAPTURE, events, news, one, remembered, told


def test_bytes_that_are_no_utf8_stay_as_they_were() -> None:
    """Broken UTF-8 in a body neither stops reading nor changes raw."""
    body = body_of(record(said(1, "MARK"))).replace(b"MARK", b"x\xff\xfey")
    event = next(
        event_of(each, [], {}, [])
        for each in news_of(told(page_of(body).rows[0]), {}, CAPTURE)
        if each.draft.kind == "message"
    )
    assert b"x\xff\xfey" in event["raw"]
    assert event["text"] is not None
    event["text"].encode("utf-8")


@pytest.mark.parametrize("data", [None, 7, "text", [], {}, {"msg": {}}, {"telepathy": {"thought": "hm"}}])
def test_what_is_not_understood_is_unknown_with_its_bytes(data: object) -> None:
    """Nothing is dropped: kind unknown, raw kept."""
    event = one(events(record(said(1, "", messageData=data))), "unknown")
    assert json.loads(event["raw"])["messageData"] == data


@pytest.mark.parametrize(
    "section", ["messageRecords", "transfers", "agentParticipants", "agentParticipantsLeave"]
)
@pytest.mark.parametrize("odd", ["oops", 3, ["x", None], {"a": 1}])
def test_ill_typed_sections_are_kept_as_unknown(section: str, odd: Any) -> None:
    """A section or item of the wrong type is archived as it is and stops nothing."""
    found = events(record(**{section: odd}) | ({} if section == "messageRecords" else {"messageRecords": []}))
    assert any(json.dumps(odd).encode() in event["raw"] or event["kind"] == "unknown" for event in found)
    assert found[0]["kind"] in ("opened", "unknown")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b"<html>", b'{"conversationHistoryRecords":[{]}', b'{"conversationHistoryRecords":[]}x',
     b'{"conversationHistoryRecords":[{"a":1},]', b'{"a":1,}', b"[" * 100_000, b'{"conversationHistoryRecords":{}}',
     b'{"error":{"internalCode":8}}', b'{"x":' * 30_000],
)  # fmt: skip
def test_what_is_no_history_answer_is_an_error_not_an_empty_page(body: bytes) -> None:
    """An error in disguise must never read as "nothing happened"."""
    with pytest.raises(MalformedError):
        page_of(body)


def test_numbers_of_thousands_of_digits_do_no_harm() -> None:
    """Python refuses such integers; the row is read all the same."""
    body = body_of(record(said(1, "x"))).replace(b'"seq": 1', b'"seq": ' + b"9" * 6_000)
    assert len(page_of(body).rows[0].items["messageRecords"]) == 1
    assert [each.draft.order for each in news_of(told(page_of(body).rows[0]), {}, CAPTURE)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["msg", "text", "file", "relativePath", "formId", "richContent", "content", "link", "externalFileLink", "x"]
    ), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
FIELDS = [
    "messageId",
    "messageData",
    "type",
    "seq",
    "timeL",
    "time",
    "participantId",
    "sentBy",
    "audience",
    "dialogId",
]
MESSAGE = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6) | JSON
SECTIONS = [
    "agentParticipants",
    "agentParticipantsLeave",
    "transfers",
    "conversationSurveys",
    "summary",
    "sdes",
    "dialogs",
    "campaign",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(MESSAGE, max_size=4), st.dictionaries(st.sampled_from(SECTIONS), JSON, max_size=3))
def test_whatever_comes_is_told_once_and_fits_the_schema(
    messages: list[Any], sections: dict[str, Any]
) -> None:
    """No input raises; every message piece is in some event's raw; the same row twice brings nothing new."""
    shown = record(*messages) | sections
    row = row_of(shown)
    found = list(news_of(told(row), {}, CAPTURE))
    made = events(shown)
    told_pieces = {draft.piece.start for draft in told(row).drafts}
    for item in row.items["messageRecords"]:
        assert item.start in told_pieces
    assert len(made) == len(found)
    every = {
        each.id
        for draft in told(row).drafts
        for each in news_of(Telling(CONVERSATION, START_MS, [draft]), {}, CAPTURE)
    }
    assert {event["id"] for event in made} == every
    assert len({event["id"] for event in made}) == len(made)
    assert news(shown, remembered(found)) == []
