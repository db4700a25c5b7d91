"""Rows to events, by example: who says what to whom, and how it reads."""

import json
from typing import Any

import pytest

from producers.liveperson.content import html_text
from producers.liveperson.drafts import rosters_of
from producers.liveperson.events import slice_at
from producers.liveperson.spans import page_of
from tests.producers.liveperson_rig import CONSUMER, CONVERSATION, DAY_MS, START_MS, record, row_of, said
from tests.producers.liveperson_told import DANA_JOINS, DIRECTORY, at, events, one


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


def test_closed_needs_both_statuses_and_says_when() -> None:
    """The survey dialog keeps a conversation open; the close has the full dialog's end."""
    half = record(said(1, "x"), info={"status": "CLOSE", "endTimeL": START_MS + 9})
    assert [each["kind"] for each in events(half)] == ["opened", "message"]
    closed = one(
        events(record(said(1, "x"), closed_at=START_MS + 70_000, info={"closeReason": "AGENT"})), "closed"
    )
    assert closed["at_ms"] == START_MS + 70_000
    assert closed["details"]["reason"] == "AGENT"


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
