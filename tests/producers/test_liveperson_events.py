"""Rows to events: pure, by example and by property."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.liveperson.content import form_cuts, html_text
from producers.liveperson.draft import Draft
from producers.liveperson.drafts import drafts_of, rosters_of, started_ms
from producers.liveperson.events import (
    Capture,
    Known,
    News,
    Telling,
    event_of,
    news_of,
    slice_at,
)
from producers.liveperson.naming import PROJECTIONS, Projection
from producers.liveperson.people import Directory, User
from producers.liveperson.spans import MalformedError, Row, page_of
from schemas.codec import encode
from schemas.ids import event_id
from schemas.records import Event
from tests.producers.liveperson_rig import (
    CONSUMER,
    CONVERSATION,
    DAY_MS,
    HOUR_MS,
    START_MS,
    body_of,
    record,
    row_of,
    said,
)

CAPTURE = Capture("lp", START_MS + HOUR_MS, 396 * DAY_MS, 300_000)
DANA = User("4120087710", "0d9e-pid", "Dana Whitlock", "dana@bank.example", "agent")
DIRECTORY = Directory((DANA,))
DANA_JOINS = {
    "agentId": "4120087710",
    "agentFullName": "Dana Whitlock",
    "agentLoginName": "dwhitlock",
    "userType": "1",
    "role": "AGENT",
    "permission": "ASSIGNED_AGENT",
    "timeL": START_MS + 5_000,
    "dialogId": CONVERSATION,
}


def told(row: Row, capture: Capture = CAPTURE) -> Telling:
    """The drafts of a row."""
    start = started_ms(row)
    return Telling(row.conversation or "", start, drafts_of(row, DIRECTORY, start))


def news(shown: object, known: dict[str, Known] | None = None, capture: Capture = CAPTURE) -> list[News]:
    """What is new in a row."""
    return list(news_of(told(row_of(shown), capture), known or {}, capture))


def events(shown: object, known: dict[str, Known] | None = None, capture: Capture = CAPTURE) -> list[Event]:
    """The new events of a row, each proven to fit its schema."""
    row = row_of(shown)
    cuts = [cut for item in row.items["messageRecords"] for cut in form_cuts(item)]
    found = [event_of(each, [], {}, cuts) for each in news(shown, known, capture)]
    for event in found:
        encode("Event", event)
    return found


def remembered(found: Iterable[News], known: dict[str, Known] | None = None) -> dict[str, Known]:
    """What a memory would know after these news."""
    after = dict(known or {})
    for each in found:
        before = after.get(each.draft.source_key)
        ids = (*(before.ids if before else ()), each.id)
        after[each.draft.source_key] = Known(ids, each.draft.text)
    return after


def one(found: list[Event], kind: str) -> Event:
    """The only event of this kind."""
    (event,) = [each for each in found if each["kind"] == kind]
    return event


def test_a_message_says_who_when_what_and_keeps_its_bytes() -> None:
    """Every field of a plain message is where readers look for it, and raw is the source's own text."""
    shown = record(said(3, "Grüße 👋", minute=1))
    event = one(events(shown), "message")
    assert event["text"] == "Grüße 👋"
    assert event["at_ms"] == START_MS + 60_003
    assert event["order"] == 3
    assert event["actor"] == {
        "id": CONSUMER,
        "name": "Priya Raman",
        "email": "priya@example.org",
        "role": "consumer",
    }
    assert event["raw"] == json.dumps(shown["messageRecords"][0]).encode()
    assert event["source_key"] == f"ms::dialog:{CONVERSATION}::msg:3"
    assert not event["at_suspect"]


def test_raw_is_verbatim_whatever_the_spacing() -> None:
    """Raw is cut out of the body, never written anew."""
    text = '{"conversationHistoryRecords" : [ {"info":{"conversationId":"c"}, "messageRecords":[ {"a" :  1.0,"a":2e0} ] } ]}'
    (row,) = page_of(b"\xef\xbb\xbf" + text.encode()).rows
    assert row.items["messageRecords"][0].raw == b'{"a" :  1.0,"a":2e0}'
    assert row.whole.raw == text[text.index('{"info"') : -3].encode()


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


def test_an_agents_address_comes_from_the_users_list_then_from_the_login_name() -> None:
    """E-mail first, else a login name that is an address, else none."""
    other = DANA_JOINS | {"agentId": "77", "agentLoginName": "sso@bank.example", "agentFullName": "S. O."}
    found = events(record(agentParticipants=[DANA_JOINS, other, DANA_JOINS | {"agentId": "78"}]))
    mails = {
        event["actor"]["id"]: event["actor"]["email"]
        for event in found
        if event["kind"] == "joined" and event["actor"]
    }
    assert mails == {"4120087710": "dana@bank.example", "77": "sso@bank.example", "78": None}


@pytest.mark.parametrize(
    ("change", "role"),
    [
        ({"userType": "2"}, "bot"),
        ({"userType": "0"}, "system"),
        ({"role": "AGENT_MANAGER"}, "manager"),
        ({}, "agent"),
    ],
)
def test_roles_follow_user_type_and_role(change: dict[str, str], role: str) -> None:
    """Bots, systems and managers are told from agents."""
    shown = DANA_JOINS | {"agentId": "5", "agentPid": "p5"} | change
    row = record(said(1, "hi", participantId="p5", sentBy="Agent"), agentParticipants=[shown])
    actor = one(events(row), "message")["actor"]
    assert actor is not None
    assert actor["role"] == role


def test_a_consumers_address_may_come_from_engagement_attributes() -> None:
    """The authenticated attribute wins over the page-supplied one."""

    def attributes(mail: str) -> dict[str, Any]:
        info = {"name": "Pri", "surname": "Ra", "contacts": [{"personalContact": {"email": mail}}]}
        return {"events": [{"sdeType": "PERSONAL_INFO", "personalInfo": {"personalInfo": info}}]}

    shown = record(said(1, "hi"), sdes=attributes("true@x.example"), unAuthSdes=attributes("page@x.example"))
    shown["consumerParticipant"] = [
        {"participantId": CONSUMER, "firstName": "undefined", "email": "undefined"}
    ]
    del shown["consumerParticipants"]
    actor = one(events(shown), "message")["actor"]
    assert actor == {"id": CONSUMER, "name": "Pri Ra", "email": "true@x.example", "role": "consumer"}


def test_hidden_messages_are_internal() -> None:
    """What the consumer never saw says so."""
    assert (
        one(events(record(said(1, "n", audience="AGENTS_AND_MANAGERS"))), "message")["audience"] == "internal"
    )


def test_a_day_is_twenty_four_hours_since_the_beginning() -> None:
    """Slices are whole periods since the start, whatever the date."""
    late = events(
        record(said(1, "a", minute=24 * 60 - 1), said(2, "b", minute=24 * 60)), capture=at(2 * DAY_MS)
    )
    placed = [
        each.slice.label
        for each in news(
            record(said(1, "a", minute=1439.9), said(2, "b", minute=1440)), capture=at(2 * DAY_MS)
        )
    ]
    assert placed == ["p0000", "p0000", "p0001"]
    assert len(late) == 3
    assert slice_at("c", 10, 10 + DAY_MS).start_ms == 10 + DAY_MS
    assert slice_at("c", 10, 3).label == "p0000"


def at(later_ms: int) -> Capture:
    """A capture so much after the start."""
    return Capture("lp", START_MS + later_ms, 396 * DAY_MS, 300_000)


@pytest.mark.parametrize(
    ("moment", "label"), [(1, "p0000"), (START_MS + 5 * DAY_MS, "p0005"), (10**17, "p2912380")]
)
def test_an_unbelievable_time_is_marked_and_its_slice_is_the_same_whenever_it_is_captured(
    moment: int, label: str
) -> None:
    """Far past and far future are kept as told and marked; their slice can be closed soon after any capture."""
    for day in (1, 2, 3):
        capture = at(day * DAY_MS + 1)
        made = news(record(said(1, "x", timeL=moment), agentParticipants=[DANA_JOINS]), capture=capture)
        (found,) = [each for each in made if each.draft.kind == "message"]
        assert found.suspect
        assert found.slice.label == label
        assert found.slice.end_ms <= capture.captured_ms + capture.tolerance_ms + 25 * 3_600_000
        assert event_of(found, [], {}, [])["at_ms"] == min(moment, 253_402_300_799_999)


@given(
    st.integers(0, 2**43), st.lists(st.integers(START_MS, START_MS + 400 * DAY_MS), min_size=2, max_size=4)
)
def test_the_slice_of_a_message_does_not_depend_on_its_capture(moment: int, captures: list[int]) -> None:
    """Whatever its own time and the conversation's beginning say; believed ones keep their natural bounds."""
    for begin in (START_MS, 2**42):
        shown = record(said(1, "x", timeL=moment), info={"startTimeL": begin})
        made = [news(shown, capture=Capture("lp", now, 396 * DAY_MS, 300_000)) for now in captures]
        labels = [{each.id: each.slice.label for each in found} for found in made]
        assert all(each == labels[0] for each in labels)
        for found, now in zip(made, captures, strict=True):
            assert all(each.slice.end_ms <= now + 300_000 + 25 * 3_600_000 for each in found)


def test_a_conversation_begins_when_the_row_says_whenever_it_is_read() -> None:
    """Without a believable beginning the earliest sign of life counts, then the end, then nothing."""
    assert started_ms(row_of(record(said(1, "x")))) == START_MS
    assert started_ms(row_of(record(said(1, "x"), info={"startTimeL": 10**13}))) == START_MS + 1
    assert started_ms(row_of(record(info={"startTimeL": 10**13}))) == 10**13
    nothing = record(info={"startTimeL": None})
    assert started_ms(row_of(nothing)) == 0
    assert news(nothing, capture=at(0))[0].id == news(nothing, capture=at(DAY_MS))[0].id


def test_a_message_without_time_stands_where_it_stood() -> None:
    """Its neighbour's time, marked as suspect."""
    shown = record(
        said(1, "a", minute=2), {"messageId": "m", "messageData": {"msg": {"text": "b"}}, "time": "undefined"}
    )
    event = next(each for each in events(shown) if each["source_key"] == "m")
    assert event["at_ms"] == START_MS + 120_001
    assert event["at_suspect"]


def test_closed_needs_both_statuses_and_says_when() -> None:
    """The survey dialog keeps a conversation open; the close has the full dialog's end."""
    half = record(said(1, "x"), info={"status": "CLOSE", "endTimeL": START_MS + 9})
    assert [each["kind"] for each in events(half)] == ["opened", "message"]
    closed = one(
        events(record(said(1, "x"), closed_at=START_MS + 70_000, info={"closeReason": "AGENT"})), "closed"
    )
    assert closed["at_ms"] == START_MS + 70_000
    assert closed["details"]["reason"] == "AGENT"


def test_a_changed_text_is_an_update_that_quotes_the_former_one() -> None:
    """Same key, other content: updated, with the text before; a later identical poll says nothing."""
    first = news(record(said(1, "my card is 4111")))
    known = remembered(first)
    changed = events(record(said(1, "** LP deleted data **")), known)
    (event,) = changed
    assert (event["kind"], event["target"], event["former_text"]) == (
        "updated",
        event["source_key"],
        "my card is 4111",
    )
    known = remembered(news(record(said(1, "** LP deleted data **")), known), known)
    assert news(record(said(1, "** LP deleted data **")), known) == []


def test_volatile_and_resolved_fields_are_no_change() -> None:
    """Names, addresses, previews, counters and deleted agents make no new event."""
    file = {"file": {"relativePath": "/v1/a/b.PNG", "fileType": "PNG"}}
    shown = record(said(1, "", messageData=file), agentParticipants=[DANA_JOINS], closed_at=START_MS + 60_000)
    known = remembered(news(shown))
    again = json.loads(json.dumps(shown))
    again["messageRecords"][0]["messageData"]["file"]["preview"] = "data:…"
    again["consumerParticipants"][0]["firstName"] = "P."
    again["agentParticipants"][0] |= {"agentFullName": "D. W.-Smith", "agentDeleted": True}
    again["info"] |= {"duration": 99, "mcs": 3, "latestSkillName": "Other", "latestUpdateTime": 5}
    again["messageRecords"][0]["timeL"] = str(again["messageRecords"][0]["timeL"])
    again["messageRecords"][0]["sentBy"] = "CONSUMER"
    assert news(again, known) == []


def test_a_new_projection_emits_no_old_content_again() -> None:
    """What the log has under any version is no news; old conversations keep the old, new ones take the new."""

    def second(draft: Draft) -> bytes:
        return b"2:" + draft.source_key.encode()

    table = (*PROJECTIONS, Projection(2, START_MS + DAY_MS, second))
    telling = told(row_of(record(said(1, "a"))))
    first = list(news_of(telling, {}, CAPTURE))
    assert list(news_of(telling, remembered(first), CAPTURE, table)) == []
    late = (*PROJECTIONS, Projection(2, 0, second))
    assert list(news_of(telling, remembered(first), CAPTURE, late)) == [], "put in force after the capture"
    assert {each.id for each in news_of(telling, {}, CAPTURE, table)} == {each.id for each in first}, (
        "memory lost"
    )
    newer = Telling("c2", START_MS + 2 * DAY_MS, telling.drafts)
    by_key = {each.draft.source_key: each.id for each in news_of(newer, {}, CAPTURE, table)}
    assert by_key == {key: event_id("lp", f"c2/{key}", b"2:" + key.encode()) for key in by_key}


def test_projection_one_never_changes() -> None:
    """The ids that are in people's logs: if this fails, add a projection instead of changing the first."""
    found = {
        each.draft.source_key.split("/")[0]: each.id.hex()
        for each in news(record(said(1, "a"), closed_at=START_MS + 9_000))
    }
    assert found == {
        "opened": "53bd966af2ae0620618fa93e20a37c4e",
        f"ms::dialog:{CONVERSATION}::msg:1": "203079fd8b9ff92a25da2cdf81aa030e",
        "closed": "810e6494f4e5a49ce795a164cdaec02b",
    }


def test_cards_and_quick_replies_read_as_text() -> None:
    """All texts, choices and links of structured content are in the text, once each, and structure is not."""
    link = {"type": "link", "uri": "https://x.example/t"}
    click = {"actions": [link], "metadata": [{"id": "NOT-SHOWN"}]}
    card = {
        "type": "vertical",
        "elements": [
            {"type": "text", "text": "Transfer form", "style": {"bold": True, "color": "#123456"}},
            {"type": "image", "url": "https://x.example/i.png", "caption": "Picture", "tooltip": "Tip"},
            {"type": "button", "title": "Open", "click": click},
        ],
    }  # fmt: skip
    replies = {
        "type": "quickReplies",
        "replies": [
            {
                "type": "button",
                "title": "Savings",
                "click": {"actions": [{"type": "publishText", "text": "Savings"}]},
            }
        ],
    }
    data = {"richContent": {"content": json.dumps(card)}, "quickReplies": {"content": json.dumps(replies)}}
    text = one(events(record(said(1, "", messageData=data, type="RICH_CONTENT"))), "message")["text"] or ""
    assert text.split("\n") == [
        "Transfer form",
        "https://x.example/i.png",
        "Picture",
        "Tip",
        "Open",
        "https://x.example/t",
        "Savings",
    ]


def test_a_secure_form_shows_its_name_and_never_what_was_typed() -> None:
    """Neither text, raw nor any detail has the submitted data, whatever its container is called."""
    for key in ("secureForm", "form", "x"):
        data = {
            key: {
                "formId": "7",
                "formName": "Identity",
                "submissionId": "s",
                "formData": {"ssn": "078-05-1120"},
                "note": "TYPED",
            },
            "loose": "TYPED",
        }
        event = one(events(record(said(1, "", messageData=data, type="SECURE_FORM_SUBMIT"))), "message")
        assert event["text"] == "Secure form submitted: Identity"
        kept = json.dumps({**event, "id": "", "raw": event["raw"].decode()})
        assert "078-05" not in kept
        assert "TYPED" not in kept
        assert json.loads(event["raw"])["messageData"][key]["formName"] == "Identity"


def test_html_and_links_read_as_text() -> None:
    """HTML keeps its source beside the text; an external file link is shown with its caption."""
    html = "<p>Hello <b>you</b></p><p>see <a href='https://x.example/?a=1&amp;b=2'>this</a></p>"
    event = one(events(record(said(1, html, type="TEXT_HTML"))), "message")
    assert event["html"] == html
    assert event["text"] == "Hello you\nsee https://x.example/?a=1&b=2 this"
    link = {"link": {"externalFileLink": "https://x.example/f.pdf", "fileType": "PDF", "caption": "Terms"}}
    assert (
        one(events(record(said(1, "", messageData=link))), "message")["text"]
        == "Terms\nhttps://x.example/f.pdf"
    )
    assert html_text("<![CDATA[") is not None


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


def test_transfers_leaves_survey_and_summary_are_told() -> None:
    """The other kinds, each at its own time."""
    end = START_MS + 600_000
    gone = DANA_JOINS | {"timeL": START_MS + 9_000}
    skills = {"sourceSkillId": 1, "sourceSkillName": "Front", "targetSkillId": 2, "targetSkillName": "Wealth"}
    move = {
        "timeL": START_MS + 8_000,
        "assignedAgentId": "null",
        "reason": "Skill",
        "by": "4120087710",
    } | skills
    shown = record(
        said(1, "x"), closed_at=end, agentParticipants=[DANA_JOINS], agentParticipantsLeave=[gone],
        transfers=[move],
        conversationSurveys=[{"surveyType": "PostSurvey", "surveyStatus": "FILLED", "surveyId": "9", "dialogId": "d2",
                              "surveyData": [{"question": "How?", "answer": "5"}]}],
        dialogs=[{"dialogId": "d2", "endTimeL": end - 5, "dialogType": "POST_SURVEY"}],
        summary={"text": "All fine.", "lastUpdatedTime": end + DAY_MS},
    )  # fmt: skip
    found = {event["kind"]: event for event in events(shown, capture=at(3 * DAY_MS))}
    assert found["transfer"]["text"] == "Front → Wealth"
    assert found["left"]["at_ms"] == START_MS + 9_000
    assert (found["survey"]["text"], found["survey"]["at_ms"]) == ("How?: 5", end - 5)
    assert (found["summary"]["text"], found["summary"]["at_ms"]) == ("All fine.", end + DAY_MS)
    assert found["opened"]["details"]["skill"] == "Front"
    assert [person["id"] for person in found["closed"]["people"]] == [CONSUMER, "4120087710"]


def test_a_later_slice_begins_with_who_is_there() -> None:
    """Those who joined and have not left; once ended, everybody."""
    gone = DANA_JOINS | {"agentId": "8", "agentFullName": "Gone"}
    shown = record(
        said(1, "x"),
        agentParticipants=[DANA_JOINS, gone],
        agentParticipantsLeave=[gone | {"timeL": START_MS + 6_000}],
    )
    (roster,) = rosters_of(row_of(shown), DIRECTORY, [slice_at(CONVERSATION, START_MS, START_MS + DAY_MS)])
    assert [person["id"] for person in roster.people] == [CONSUMER, "4120087710"]
    assert (roster.source_key, roster.at_ms) == ("roster/p0001", START_MS + DAY_MS)


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


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=10), min_size=1, max_size=8), st.data())
def test_any_polls_of_a_growing_conversation_give_the_events_of_one_poll_at_the_end(
    texts: list[str], data: st.DataObject
) -> None:
    """Prefixes in any number, polled in order, yield the same set of ids, each once."""
    messages = [said(number, text, minute=number * 400) for number, text in enumerate(texts)]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(texts)), max_size=4)))
    end = START_MS + 4_000 * 60_000
    known: dict[str, Known] = {}
    ids: list[bytes] = []
    capture = at(4 * DAY_MS)
    for cut in cuts:
        polled = news(record(*messages[:cut]), known, capture)
        known = remembered(polled, known)
        ids += [each.id for each in polled]
    ids += [each.id for each in news(record(*messages, closed_at=end), known, capture)]
    assert len(ids) == len(set(ids))
    assert set(ids) == {each.id for each in news(record(*messages, closed_at=end), {}, capture)}
