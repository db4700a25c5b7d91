"""The simulated LivePerson's switches: what the documents leave open or contradict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.liveperson.content import WRITTEN
from sandbox.liveperson.server import Options, application
from sandbox.liveperson.site import SITE
from tests.sandbox.liveperson_client import NEXT_MONDAY_MS, Client, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def test_delay_differs_and_is_a_minute_at_most() -> None:
    """Each conversation shows after a delay of its own between 6 and 60 seconds."""
    site = application(Options(now_ms=NEXT_MONDAY_MS, scale=100))[SITE]
    delays = {NEXT_MONDAY_MS - site.visible_ms(each) for each in site.conversations}
    assert 6_000 <= min(delays) < 10_000
    assert 50_000 < max(delays) <= 60_000


def test_partial_shards_hide_rows_once(lp: Client) -> None:
    """While shards are missing, rows are too, and the answer says so; then it is whole again."""
    lp.faults(partial_shards=1)
    first, second = lp.search("limit=1").json()["_metadata"], lp.search("limit=1").json()["_metadata"]
    assert (first["shardsStatusResult"]["partialResult"], first["count"] < 218) == (True, True)
    assert (second["shardsStatusResult"]["partialResult"], second["count"]) == (False, 218)


def test_a_page_that_repeats_for_ever(lp: Client) -> None:
    """When switched, whatever the offset, the first page comes and promises another."""
    lp.faults(repeat_first_page=True)
    first, far = (lp.search(f"limit=5&offset={offset}").json() for offset in (0, 5000))
    assert _ids(first["conversationHistoryRecords"]) == _ids(far["conversationHistoryRecords"])
    assert "next" in far["_metadata"]


def test_no_content_and_source_switches(lp: Client) -> None:
    """When switched, an empty answer is 204 and the source label is required."""
    lp.faults(no_content_when_empty=True, require_source=True)
    assert lp.search().status_code == 400
    assert lp.search("source=chatledger", skillIds=[1]).status_code == 204
    assert lp.search("source=chatledger&limit=1").status_code == 200


def test_offset_ceiling(lp: Client) -> None:
    """Beyond ten thousand rows the index refuses."""
    assert lp.search("offset=10001").status_code == 400


def test_documented_contradictions_can_be_switched_on(lp: Client) -> None:
    """Every variant of a name or type changes the row accordingly."""
    lp.faults(consumer_participant_key=True, message_score_key=True, csat_key=True, is_truncated_key=True,
              sent_by_case="upper", times_as_strings=True, undefined_fillers=False, link_key="externalLink")  # fmt: skip
    row = lp.whole(IDS["transfer-between-accounts"])
    assert {"consumerParticipant", "messageScore"} <= row.keys()
    assert {"csat", "isTruncated"} <= row["info"].keys()
    assert (row["messageRecords"][0]["sentBy"], type(row["messageRecords"][0]["timeL"])) == ("CONSUMER", str)
    assert "token" not in row["consumerParticipant"][0]
    link = next(m for m in lp.whole(IDS["orden-de-compra"])["messageRecords"] if m["type"] == "LINK")
    assert "externalLink" in link["messageData"]


def test_form_data_never_show_unless_switched(lp: Client) -> None:
    """What was typed into a secure form is not in the row."""
    assert "XK-5521" not in str(lp.whole(IDS["pehchan-form"]))
    lp.faults(form_data_in_clear=True)
    assert "XK-5521" in str(lp.whole(IDS["pehchan-form"]))
