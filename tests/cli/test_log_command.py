"""`chatledger log`: for people, for spreadsheets and for programs, of what an installation really archived."""

import csv
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.playground import Installation, Result

pytestmark = pytest.mark.kafka
Once = tuple[Installation, Result]


def document(made: Installation, *options: str) -> Any:
    """The log of the Webex connector as JSON."""
    result = made.chatledger("log", "webex", "--json", *options)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_log_says_what_status_says(once: Once) -> None:
    """All of it was recorded today or yesterday: the runs of seven days add up to the counters of the connector."""
    made, _ = once
    found = document(made)["stored"]
    counters = json.loads(made.chatledger("status", "--json").stdout)["connectors"]["webex"]["counters"]
    names = (
        "available_from_source",
        "available_for_import",
        "ok",
        "partial",
        "skipped",
        "failed",
        "external",
    )
    assert len(found) == 7
    assert {name: sum(run[name] for run in found) for name in names} == {
        name: counters[name] for name in names
    }
    assert counters["ok"] > 10


def test_csv_has_a_line_for_each_run_and_each_person(once: Once) -> None:
    """One heading, one line for each of the days asked for, and the people outside with their counts."""
    made, _ = once
    result = made.chatledger("log", "webex", "--csv")
    rows = list(csv.DictReader(result.stdout.splitlines()))
    runs = [row for row in rows if row["line"] == "run"]
    outside = [row for row in rows if row["line"] == "external"]
    assert len([row for row in runs if row["ledger"] == "stored"]) == 7
    assert sum(int(row["count"]) for row in outside) == sum(int(row["external"]) for row in runs)
    assert outside[0]["user"]
    assert outside[0]["reason"]


def test_people_read_a_table_and_a_sentence_for_a_day_with_nothing(once: Once) -> None:
    """A day long ago had no run, and that is said; today's has a table."""
    made, _ = once
    silent = made.chatledger("log", "webex", "--day", "2026-03-02")
    assert silent.stdout.splitlines()[1] == "no items ingested on 2026-03-02"
    today = made.chatledger("log", "webex", "--to", f"{datetime.now(UTC):%Y-%m-%d}")
    assert "available for import" in today.stdout
    assert "People outside of the firm" in today.stdout


def test_who_asks_for_the_day_of_the_chats_is_told_of_the_runs(once: Once) -> None:
    """A run is a day of archiving: nothing on another day is no reason to fear for its chats."""
    made, _ = once
    said = made.chatledger("log", "webex", "--day", "2026-03-04").stdout
    assert "no items ingested on 2026-03-04" in said
    assert f"the latest was on {datetime.now(UTC):%Y-}" in said


def test_a_connector_that_nobody_knows_is_no_quiet_one(once: Once) -> None:
    """A slip of the finger ends with the uids that there are."""
    made, _ = once
    result = made.chatledger("log", "webex-2")
    assert result.returncode == 1
    assert "no connector webex-2; there are liveperson, webex" in result.stderr
    assert made.chatledger("log", "webex", "--from", "2026-03-03", "--to", "2026-03-02").returncode == 2
