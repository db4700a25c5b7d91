"""The simulated LivePerson: search, pages, filters, whole rows by id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.liveperson.content import WRITTEN
from sandbox.liveperson.model import ACCOUNT, DAY_MS, MONDAY_MS, when
from sandbox.liveperson.people import AGENTS, PRIVATE, SKILLS
from sandbox.liveperson.server import Options
from tests.sandbox.liveperson_client import HISTORY, NEXT_MONDAY_MS, Client, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = {each.id: each.key for each in WRITTEN}
IDS = {each.key: each.id for each in WRITTEN}


@pytest.fixture(scope="module")
def lp() -> Iterator[Client]:
    """Run one simulated LivePerson with 200 more conversations for the module."""
    with simulated(Options(now_ms=NEXT_MONDAY_MS, scale=200)) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_faults(lp: Client) -> None:
    lp.faults()


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["info"]["conversationId"] for row in rows]


def _keys(rows: list[dict[str, Any]]) -> set[str]:
    return {KEYS[each] for each in _ids(rows) if each in KEYS}


def test_pages_cover_everything_once(lp: Client) -> None:
    """Offsets in steps of the limit give every conversation once, in the order asked for."""
    pages = [lp.rows(f"limit=100&offset={offset}&sort=start:asc") for offset in (0, 100, 200, 300)]
    rows = [row for page in pages for row in page]
    starts = [row["info"]["startTimeL"] for row in rows]
    assert [len(page) for page in pages] == [100, 100, 18, 0]
    assert len(set(_ids(rows))) == 218
    assert starts == sorted(starts)


def test_metadata_links_name_an_internal_host(lp: Client) -> None:
    """Count is of the whole query; next and last are plain http to a host that no client can reach."""
    first, last = (lp.search(f"limit=100&offset={offset}").json()["_metadata"] for offset in (0, 200))
    assert (first["count"], first["shardsStatusResult"]) == (218, {"partialResult": False})
    assert first["next"]["href"].startswith("http://va-a.msghist.liveperson.net/messaging_history/")
    assert first["last"]["href"].endswith("offset=200")
    assert ("prev" in first, "next" in last, "prev" in last) == (False, False, True)


def test_single_page_has_no_links(lp: Client) -> None:
    """An answer that fits on one page has neither next nor last."""
    metadata = lp.search("limit=100", skillIds=["1"]).json()["_metadata"]
    assert metadata.keys() == {"count", "self", "shardsStatusResult"}


@pytest.mark.parametrize(
    "query", ["limit=101", "limit=0", "limit=x", "offset=-1", "sort=name", "source=" + "x" * 21]
)
def test_bad_queries(lp: Client, query: str) -> None:
    """Wrong paging, sorting or a source label over 20 characters answers 400."""
    assert lp.search(query).status_code == 400


@pytest.mark.parametrize(
    "start",
    [None, 5, {}, {"from": 1}, {"from": "x", "to": 5}, {"from": 9, "to": 8}, {"from": 0, "to": 94 * DAY_MS}],
)
def test_bad_start_ranges(lp: Client, start: object) -> None:
    """Start is required, complete, not backwards and at most three months wide."""
    body = {} if start is None else {"start": start}
    assert lp.post(f"{HISTORY}/search", json=body).status_code == 400


def test_body_must_be_an_object(lp: Client) -> None:
    """A body that is not a JSON object answers 400."""
    assert lp.post(f"{HISTORY}/search", data="[").status_code == 400
    assert lp.post(f"{HISTORY}/search", json=[]).status_code == 400


@pytest.mark.parametrize(
    ("low", "high", "seen"),
    [("Mon 09:09", "Mon 09:09:30", True), ("Mon 09:10", "Mon 09:11", False), ("Mon 08:40", "Mon 09:00:00", False),
     ("Mon 08:40", "Mon 09:00:01", True)],
)  # fmt: skip
def test_ranges_are_rounded_outward(lp: Client, low: str, high: str, *, seen: bool) -> None:
    """A chat of 09:02 is found by any range that touches its ten minutes; times may be text."""
    rows = lp.rows(start={"from": when(low), "to": str(when(high))})
    assert ("transfer-between-accounts" in _keys(rows)) is seen


def test_to_of_minus_one_is_now(lp: Client) -> None:
    """A range up to -1 ends now."""
    assert "still-open" in _keys(lp.rows(start={"from": when("Sun 20:00"), "to": -1}))


def test_status_filter(lp: Client) -> None:
    """Only the last chat is still open."""
    assert _keys(lp.rows(status=["OPEN"])) == {"still-open"}
    assert len(lp.rows("limit=100&sort=end:asc", status=["CLOSE"])) == 100


def test_latest_update_time_finds_late_changes(lp: Client) -> None:
    """A summary edited a day later brings the chat back, unless switched off; a bare number serves too."""
    since = when("Wed 11:30")
    body: dict[str, Any] = {"start": {"from": when("Tue 11:30"), "to": when("Tue 11:39")}}
    assert _keys(lp.rows(latestUpdateTime={"from": since}, **body)) == {"metafora-chrimaton"}
    assert _keys(lp.rows(latestUpdateTime=since, **body)) == {"metafora-chrimaton"}
    assert not lp.rows(latestUpdateTime={"from": since, "to": since - 1}, **body)
    lp.faults(late_changes_bump_update_time=False)
    assert not _keys(lp.rows(latestUpdateTime={"from": since}, **body))


def test_end_filter(lp: Client) -> None:
    """The end moves with the survey, seventeen hours after the chat."""
    assert "carte-perdue" in _keys(lp.rows(end={"from": when("Wed 17:10"), "to": when("Wed 17:15")}))
    assert "carte-perdue" not in _keys(lp.rows(end={"from": when("Tue 23:00"), "to": when("Wed 01:00")}))
    assert "still-open" not in _keys(lp.rows(end={"from": MONDAY_MS, "to": NEXT_MONDAY_MS}))


@pytest.mark.parametrize(
    ("body", "found", "not_found"),
    [
        ({"skillIds": [SKILLS["wealth"].id]}, "orden-de-compra", "depot-auszug"),
        ({"skillIds": [str(SKILLS["brokerage"].id)]}, "orden-de-compra", "jijin-dingtou"),
        ({"latestSkillIds": [SKILLS["wealth"].id]}, "orden-de-compra", "depot-auszug"),
        ({"agentGroupIds": [PRIVATE.id]}, "metafora-chrimaton", "depot-auszug"),
        ({"agentIds": [AGENTS["chidi"].id]}, "orden-de-compra", "depot-auszug"),
        ({"latestAgentIds": [AGENTS["beatriz"].id]}, "orden-de-compra", "nobody-came"),
        ({"keyword": "naranja"}, "orden-de-compra", "depot-auszug"),
        ({"messageContentTypes": ["SECURE_FORM_SUBMIT"]}, "pehchan-form", "depot-auszug"),
        ({"source": ["APP"]}, "emoji-and-markup", "depot-auszug"),
    ],
)
def test_filters(lp: Client, body: dict[str, Any], found: str, not_found: str) -> None:
    """Each filter finds what fits and leaves out what does not."""
    rows = [row for offset in (0, 100, 200) for row in lp.rows(f"limit=100&offset={offset}", **body)]
    assert found in _keys(rows)
    assert not_found not in _keys(rows)


def test_only_named_sections_come_back(lp: Client) -> None:
    """With contentToRetrieve only those and info; without, the default ones, dialogs not among them."""
    named = lp.rows("limit=1", contentToRetrieve=["messageRecords", "dialogs", "nonsense"])[0]
    default = lp.rows("limit=1")[0]
    misspelt = lp.rows("limit=1", contentToRetrive=["dialogs"])[0]
    assert named.keys() == {"info", "messageRecords", "dialogs"}
    assert {"messageRecords", "agentParticipants", "sdes"} <= default.keys()
    assert "dialogs" not in default
    assert misspelt.keys() == default.keys()


def test_cut_rows_are_whole_by_id(lp: Client) -> None:
    """A list shows 60 of the many messages and says so; by id they are all there."""
    cut = next(row for row in lp.rows(start={"from": when("Fri 13:00"), "to": when("Fri 13:00")})
               if row["info"]["conversationId"] == IDS["many-orders"])  # fmt: skip
    whole = lp.whole(IDS["many-orders"])
    assert (cut["info"]["isPartial"], len(cut["messageRecords"])) == (True, 60)
    assert (whole["info"]["isPartial"], len(whole["messageRecords"])) == (False, 133)


def test_previews_and_all_attributes_only_by_id(lp: Client) -> None:
    """The list has neither the thumbnail of a file nor all profile events."""
    start = {"from": when("Mon 09:02"), "to": when("Mon 09:02")}
    listed = next(
        row
        for row in lp.rows(start=start)
        if row["info"]["conversationId"] == IDS["transfer-between-accounts"]
    )
    whole = lp.whole(IDS["transfer-between-accounts"])
    files = [next(m["messageData"]["file"] for m in row["messageRecords"] if m["type"] == "HOSTED_FILE")
             for row in (listed, whole)]  # fmt: skip
    assert ["preview" in file for file in files] == [False, True]
    assert [len(row["sdes"]["events"]) for row in (listed, whole)] == [1, 2]


def test_by_id_takes_a_list(lp: Client) -> None:
    """Unknown ids are left out, none known is an empty list, and 100 are the most."""
    path, known = f"{HISTORY}/conversation/search", IDS["depot-auszug"]
    assert _ids(
        lp.post(path, json={"conversationIds": [known, "x"]}).json()["conversationHistoryRecords"]
    ) == [known]
    assert lp.post(path, json={"conversationId": "x"}).json()["conversationHistoryRecords"] == []
    assert lp.post(path, json={"conversationIds": [known] * 101}).status_code == 400
    assert lp.post(path, json={}).status_code == 400


def test_by_consumer(lp: Client) -> None:
    """A customer's conversations are found by participant id; status is required."""
    consumer = lp.whole(IDS["nobody-came"])["consumerParticipants"][0]["participantId"]
    body = {"consumer": consumer, "status": ["OPEN", "CLOSE"]}
    found = lp.post(f"{HISTORY}/consumer/search", json=body).json()["conversationHistoryRecords"]
    assert _keys(found) == {"nobody-came", "wrote-again"}
    assert lp.post(f"{HISTORY}/consumer/search", json={"consumer": consumer}).status_code == 400


def test_wrong_account(lp: Client) -> None:
    """Another account's history is not shown."""
    path = HISTORY.replace(ACCOUNT, "70099999")
    assert lp.post(f"{path}/search", json={}).status_code == 401
