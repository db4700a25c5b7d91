"""Later versions of a row as people must read them: edits, changed summaries, and what LivePerson took away."""

from typing import Any

import pytest

from producers.liveperson.drafts import drafts_of, first_skill, rosters_of
from producers.liveperson.events import Known, News, Telling, event_of, news_of, slice_at
from producers.liveperson.people import Directory
from producers.liveperson.values import ERASED
from tests.producers.liveperson_rig import CONVERSATION, DAY_MS, START_MS, record, row_of, said
from tests.producers.liveperson_told import CAPTURE, events, news, remembered

CLOSED = START_MS + 9_000


def test_an_erased_text_is_a_redaction_by_livepeson_and_no_edit() -> None:
    """LivePerson is the actor, the author stands beside, the former text is quoted; a later poll says nothing."""
    known = remembered(news(record(said(1, "my card is 4111"))))
    (author,) = {
        event["actor"]["id"]
        for event in events(record(said(1, "x")))
        if event["kind"] == "message" and event["actor"]
    }
    (event,) = events(record(said(1, ERASED)), known)
    assert (event["kind"], event["former_text"], event["text"]) == ("updated", "my card is 4111", ERASED)
    assert event["actor"] == {"id": "liveperson", "name": "LivePerson", "email": None, "role": "system"}
    assert [one["id"] for one in event["people"]] == [author]
    assert event["details"]["redacted"] == "LivePerson"


def test_a_text_that_was_erased_before_its_first_poll_keeps_its_author() -> None:
    """Nobody knows what stood there; the filler is marked as not theirs."""
    (event,) = [one for one in events(record(said(1, ERASED))) if one["kind"] == "message"]
    assert event["actor"] is not None
    assert event["actor"]["role"] == "consumer"
    assert event["details"]["redacted"] == "LivePerson"


def test_an_edit_is_no_redaction() -> None:
    """The marks are there only where they are true."""
    (event,) = events(record(said(1, "other")), remembered(news(record(said(1, "one")))))
    assert "redacted" not in event["details"]
    assert "changed" not in event["details"]
    assert event["actor"] is not None
    assert event["actor"]["role"] == "consumer"


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({"summary": {"text": "one"}}, {"summary": {"text": "two"}}, "summary"),
        ({"info": {"closeReason": "AGENT"}}, {"info": {"closeReason": "SYSTEM"}}, "closed"),
    ],
    ids=["summary", "closing"],
)
def test_what_is_no_message_says_of_which_kind_it_is(
    before: dict[str, Any], after: dict[str, Any], kind: str
) -> None:
    """A changed summary or closing can't pass for an edited message."""
    known = remembered(news(record(said(1, "x"), closed_at=CLOSED, **before)))
    changed = events(record(said(1, "x"), closed_at=CLOSED, **after), known)
    assert [(one["kind"], one["details"]["changed"]) for one in changed] == [("updated", kind)]


def test_an_erased_name_is_no_name() -> None:
    """The archive knows the person from before; the filler would stand in every header of the supplement."""
    consumer = {"participantId": "c1", "firstName": ERASED, "lastName": ERASED, "email": "p@x.example"}
    (opened, _) = events(record(said(1, "x"), consumerParticipants=[consumer]))
    assert [(one["name"], one["email"]) for one in opened["people"]] == [(None, "p@x.example")]


def test_what_may_come_as_a_supplement_names_the_skill() -> None:
    """What was changed, and all that comes after the end: the first mail has it from `opened`, and a plain message has none."""

    def fresh(known: dict[str, Known], *messages: dict[str, Any], closed_at: int | None = None) -> list[News]:
        row = row_of(record(*messages, closed_at=closed_at, info={"latestSkillName": "Wealth"}))
        drafts = drafts_of(row, Directory(), START_MS)
        return list(news_of(Telling(CONVERSATION, START_MS, drafts, first_skill(row)), known, CAPTURE))

    def skills(found: list[News]) -> dict[str, str | None]:
        made = (event_of(each, [], {}, []) for each in found)
        return {f"{each['kind']} {each['text']}": each["details"].get("skill") for each in made}

    first = fresh({}, said(1, "a"))
    assert skills(first) == {"opened None": "Wealth", "message a": None}
    ended = fresh(remembered(first), said(1, "b"), said(2, "c"), closed_at=CLOSED)
    assert skills(ended) == {"updated b": "Wealth", "message c": None, "closed None": None}
    known = remembered(ended, remembered(first))
    assert skills(fresh(known, said(1, "b"), said(2, "c"), said(3, "d"), closed_at=CLOSED)) == {
        "message d": "Wealth"
    }


def test_later_days_name_the_skill_where_the_conversation_began() -> None:
    """So that the mails of one conversation have one subject."""
    row = row_of(record(said(1, "x"), info={"latestSkillName": "Wealth"}))
    (draft,) = rosters_of(row, Directory(), [slice_at(CONVERSATION, START_MS, START_MS + DAY_MS)])
    assert draft.details["skill"] == "Wealth"
