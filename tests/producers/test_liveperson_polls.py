"""A row that is read again: what is new in it, and what is not."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from producers.liveperson.draft import Draft
from producers.liveperson.events import Known, Telling, news_of
from producers.liveperson.naming import PROJECTIONS, Projection
from schemas.ids import event_id
from tests.producers.liveperson_rig import CONVERSATION, DAY_MS, START_MS, record, row_of, said
from tests.producers.liveperson_told import CAPTURE, DANA_JOINS, at, events, news, remembered, told


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
