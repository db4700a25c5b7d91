"""Rows to events, as the tests of LivePerson's rows ask for them."""

from collections.abc import Iterable

from producers.liveperson.content import form_cuts
from producers.liveperson.drafts import drafts_of, started_ms
from producers.liveperson.events import Capture, Known, News, Telling, event_of, news_of
from producers.liveperson.people import Directory, User
from producers.liveperson.spans import Row
from schemas.codec import encode
from schemas.records import Event
from tests.producers.liveperson_rig import CONVERSATION, DAY_MS, HOUR_MS, START_MS, row_of

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


def at(later_ms: int) -> Capture:
    """A capture so much after the start."""
    return Capture("lp", START_MS + later_ms, 396 * DAY_MS, 300_000)
