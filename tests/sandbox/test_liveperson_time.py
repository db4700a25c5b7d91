"""The simulated LivePerson as time passes: chats grow, close and change later, and the ledger keeps count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.liveperson.content import WRITTEN
from sandbox.liveperson.files import ERASED
from sandbox.liveperson.model import DAY_MS, MONDAY_MS, when
from sandbox.liveperson.server import Options
from sandbox.simulation import ClockError, SimClock
from tests.sandbox.liveperson_client import NEXT_MONDAY_MS, USERS, Client, simulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IDS = {each.key: each.id for each in WRITTEN}


@pytest.fixture
def lp() -> Iterator[Client]:
    """Run a simulated LivePerson at the start of its week."""
    with simulated(Options()) as client:
        yield client


def _texts(row: dict[str, Any]) -> list[str]:
    return [each["messageData"].get("msg", {}).get("text", "") for each in row["messageRecords"]]


def test_nothing_has_happened_at_the_start(lp: Client) -> None:
    """Before the first chat the week is empty, for the list and by id."""
    assert lp.rows() == []
    lp.set_clock(when("Mon 09:02:12"))
    assert lp.rows() == []


def test_a_chat_grows_with_the_clock(lp: Client) -> None:
    """An open chat shows what was said so far, its agents and fillers for what is to come."""
    lp.set_clock(when("Mon 09:05"))
    row = lp.rows()[0]
    first = len(row["messageRecords"])
    info = row["info"]
    assert (info["status"], info["endTime"], info["endTimeL"], info["isPartial"]) == (
        "OPEN",
        "undefined",
        -1,
        False,
    )
    lp.set_clock(when("Mon 09:08:30"))
    assert first < len(lp.rows()[0]["messageRecords"])


def test_visibility_is_delayed_by_up_to_a_minute(lp: Client) -> None:
    """A message shows at the latest a minute after it was written, and not at once."""
    chat = next(each for each in WRITTEN if each.key == "nobody-came")
    said = chat.times[0]
    lp.set_clock(said)
    assert chat.id not in str(lp.rows())
    lp.set_clock(said + 60_000)
    assert chat.id in str(lp.rows())
    lp.faults(visibility_delay_ms=0)
    lp.set_clock(chat.times[1])
    row = next(row for row in lp.rows() if row["info"]["conversationId"] == chat.id)
    assert len(row["messageRecords"]) == 2


def test_survey_dialog_comes_after_the_close(lp: Client) -> None:
    """The main dialog closes first; the survey's answer arrives later, in a dialog of its own."""
    chat = IDS["carte-perdue"]
    lp.set_clock(when("Wed 01:00"))
    before = lp.whole(chat, contentToRetrieve=["dialogs", "messageRecords", "conversationSurveys"])
    lp.set_clock(when("Wed 18:00"))
    after = lp.whole(chat, contentToRetrieve=["dialogs", "messageRecords", "conversationSurveys"])
    assert (before["info"]["status"], before["info"]["fullDialogStatus"]) == ("CLOSE", "OPEN")
    assert [each["dialogType"] for each in before["dialogs"]] == ["MAIN", "POST_SURVEY"]
    assert before["info"]["endTimeL"] < after["info"]["endTimeL"]
    assert before["info"]["conversationEndTimeL"] == after["info"]["conversationEndTimeL"]
    assert (_texts(after)[-1], after["info"]["fullDialogStatus"]) == ("4", "CLOSE")
    assert after["conversationSurveys"][0]["surveyStatus"] == "FILLED"
    numbers = [each["messageId"].rpartition(":")[2] for each in after["messageRecords"]]
    assert len(set(numbers)) < len(numbers), "numbers repeat across dialogs; only the whole id is unique"


def test_summary_and_names_change_later(lp: Client) -> None:
    """A summary is written after the close, a customer and an agent are renamed, an agent is deleted."""
    lp.set_clock(when("Wed 12:00"))
    assert lp.whole(IDS["metafora-chrimaton"])["summary"]["text"].startswith("SEPA")
    depot, erased = IDS["depot-auszug"], IDS["erased-later"]
    assert lp.whole(depot)["info"]["latestAgentFullName"] == "Jonas Reuter"
    assert (
        lp.whole(IDS["carte-perdue"])["consumerParticipants"][0]["consumerName"] == "Augustin Lefèvre-Oberlé"
    )
    lp.set_clock(when("Sat 11:00"))
    assert lp.whole(depot)["info"]["latestAgentFullName"] == "Jonas Reuter-Blum"
    assert lp.whole(erased)["info"]["agentDeleted"] is False
    lp.set_clock(when("Sat 13:00"))
    assert lp.whole(erased)["info"]["agentDeleted"] is True
    assert "tzielinski" not in lp.get(USERS + "?v=6.0").text
    assert "tzielinski" in lp.get(USERS + "?v=6.0&include_deleted=true").text


def test_personal_data_deletion_overwrites(lp: Client) -> None:
    """After the deletion every text is the literal that LivePerson puts there, and the ledger has an edit."""
    chat = IDS["erased-later"]
    lp.set_clock(when("Fri 12:00"))
    assert "rachunek" in str(lp.whole(chat))
    lp.set_clock(NEXT_MONDAY_MS)
    after = lp.whole(chat)
    assert {text for text in _texts(after) if text} == {ERASED}
    assert after["consumerParticipants"][0]["consumerName"] == ERASED
    edits = [each for each in lp.ledger("edit") if each["conversation"] == chat]
    assert len(edits) == 5
    assert {each.get("text", ERASED) for each in edits} == {ERASED}
    assert {each["target"] for each in edits} <= {each["id"] for each in lp.ledger("message")}
    assert len(lp.ledger("renamed")) == 1


def test_ledger_has_what_was_served_and_nothing_else(lp: Client) -> None:
    """After one page the ledger knows the messages of that page alone, each once, whatever is asked again."""
    lp.set_clock(NEXT_MONDAY_MS)
    assert lp.ledger() == []
    rows = lp.rows("limit=2&sort=start:asc") + lp.rows("limit=2&sort=start:asc")
    served = {each["messageId"] for row in rows for each in row["messageRecords"]}
    entered = lp.ledger("message")
    assert len(entered) == len(served)
    assert {each["id"] for each in entered} == served
    assert {each["conversation"] for each in entered} == {row["info"]["conversationId"] for row in rows}


def test_ledger_of_a_row_without_messages(lp: Client) -> None:
    """A row that was asked for without its messages serves none."""
    lp.set_clock(NEXT_MONDAY_MS)
    lp.rows(contentToRetrieve=["consumerParticipants"])
    assert lp.ledger("message") == []
    assert len(lp.ledger("closed")) == len(WRITTEN) - 1


def test_ledger_describes_each_kind_of_message(lp: Client) -> None:
    """Sender, hidden flag, pieces of cards, captions and names are in the ledger as a reader sees them."""
    lp.set_clock(NEXT_MONDAY_MS)
    for each in IDS.values():
        lp.whole(each)
    entries = lp.ledger("message")
    by_chat = {key: [e for e in entries if e["conversation"] == IDS[key]] for key in IDS}
    hidden = [e["sender_name"] for e in by_chat["orden-de-compra"] if e.get("hidden")]
    assert hidden == ["Beatriz Alarcón", "Chidi Okafor"]
    assert ["Internal transfer", "Up to £ 10,000 a day without a call", "Open the form"] in [
        e.get("texts") for e in by_chat["transfer-between-accounts"]
    ]
    assert any(
        e.get("texts") == ["Test de idoneidad"] or "Test de idoneidad" in e.get("texts", ()) for e in entries
    )
    files = [e for e in by_chat["kaigai-soukin"] if "file_name" in e]
    assert (files[0]["texts"], files[0]["file_name"][-4:]) == (["送金画面のスクリーンショット"], ".PNG")
    assert "sender_name" not in by_chat["emoji-and-markup"][0]
    assert {e["sender_email"] for e in by_chat["long-complaint"] if "sender_email" in e} == {
        "desmond.o'rourke@customers.example"
    }


def test_paging_over_a_moving_set_skips_and_repeats(lp: Client) -> None:
    """New chats between two pages shift the rows: descending order repeats one, ascending loses none."""
    lp.set_clock(when("Wed 13:00"))
    first = {row["info"]["conversationId"] for row in lp.rows("limit=4&sort=start:desc")}
    lp.set_clock(when("Thu 08:00"))
    second = {row["info"]["conversationId"] for row in lp.rows("limit=4&offset=4&sort=start:desc")}
    assert first & second
    ascending = [lp.rows(f"limit=4&offset={offset}&sort=start:asc") for offset in (0, 4, 8)]
    assert len({row["info"]["conversationId"] for page in ascending for row in page}) == 12


def test_ledger_file_and_start_time(tmp_path: Path) -> None:
    """The ledger is also a file of JSON lines, and a restart over it enters nothing twice."""
    options = Options(now_ms=NEXT_MONDAY_MS, ledger=tmp_path / "ledger.jsonl")
    for _ in range(2):
        with simulated(options) as client:
            client.rows()
            entries = client.ledger()
    lines = (tmp_path / "ledger.jsonl").read_text("ascii").splitlines()
    assert [json.loads(line) for line in lines] == entries


def test_faults_hit_the_history(lp: Client) -> None:
    """A fault rule answers in place of the API for the pages that it names."""
    lp.set_clock(NEXT_MONDAY_MS)
    busy = {"error": {"time": 1, "message": "too many requests", "internalCode": 429}}
    lp.faults({"match": {"path": "conversations/search$", "query": "offset=4"}, "times": 1,
               "do": {"status": 429, "body": busy}})  # fmt: skip
    assert lp.search("limit=4").status_code == 200
    assert lp.search("limit=4&offset=4").json() == busy
    assert lp.search("limit=4&offset=4").status_code == 200


def test_clock_starts_where_told() -> None:
    """The clock of the options is the one that answers are dated by."""
    with simulated(Options(now_ms=MONDAY_MS + DAY_MS)) as client:
        assert client.search().headers["Date"] == "Tue, 03 Mar 2026 00:00:00 GMT"
    with pytest.raises(ClockError):
        SimClock(0).advance(-1)
