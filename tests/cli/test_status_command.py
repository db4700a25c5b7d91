"""`chatledger status`: for people, for programs, and as a health check."""

import json
from pathlib import Path

import pytest

from cli.demonstration.site import Site
from tests.cli.playground import Installation, Result, install

pytestmark = pytest.mark.kafka
LATER = "86400"
"""Seconds of silence: the job may have ended long before a test of this file has its turn."""


@pytest.mark.slow
def test_status_after_a_whole_job(once: tuple[Installation, Result]) -> None:
    """State, captured up to, counters, stages; the same as JSON; exit code 0, and 1 when a connector is silent for too long."""
    made, _ = once
    done = made.chatledger("status", "--silent-after", LATER)
    assert done.returncode == 0, done.stdout
    assert "2026-03-12 11:" in done.stdout
    for word in ("liveperson", "webex", "assemble", "archive", "dead letters: 0"):
        assert word in done.stdout
    document = json.loads(made.chatledger("status", "--json", "--silent-after", LATER).stdout)
    assert set(document) == {
        "connectors", "stages", "workers", "dead_letters", "archive", "evidence", "uncounted", "unwell",
    }  # fmt: skip
    assert (document["unwell"], document["uncounted"]) == ([], 0)
    assert (document["evidence"]["state"], document["evidence"]["last_error"]) == ("stopped", None)
    assert "evidence: nobody closes it daily, manifest " in done.stdout
    for view in document["connectors"].values():
        count = view["counters"]
        assert count["mails"] > 20
        assert (
            count["available_for_import"]
            == count["ok"] + count["partial"] + count["skipped"] + count["failed"]
        )
        assert view["progress"] == 1
    assert [one["stage"] for one in document["stages"]] == ["assemble", "archive"]
    assert all(one["total"] > 60 and one["waiting"] == 0 for one in document["stages"])

    assert all(one["state"] == "no worker" for one in document["stages"])

    silent = made.chatledger("status", "--silent-after", "1")
    assert silent.returncode == 1
    assert "! webex: stopped " in silent.stdout
    assert made.chatledger("status", "--silent-after", "0", "--only", "workers").returncode == 0


def test_connectors_that_never_reported_are_unwell(fresh: Installation) -> None:
    """Each is named with the command to start; workers alone are well, since nothing waits for them."""
    done = fresh.chatledger("status")
    assert done.returncode == 1
    assert "! liveperson: has never reported; is `chatledger collect liveperson -c " in done.stdout
    assert "! webex: has never reported" in done.stdout
    assert "! evidence: nobody has reported; is `chatledger evidence follow -c " in done.stdout
    assert fresh.chatledger("status", "--only", "workers").returncode == 0


@pytest.mark.slow
def test_work_that_waits_without_a_worker_is_unwell(site: Site, tmp_path: Path) -> None:
    """Collected and not archived: the stage, how many records, and what to start."""
    made = install(site, tmp_path / "workless", only="liveperson")
    made.chatledger("topics", "create")
    assert made.chatledger("collect", "liveperson", "--once", timeout_s=200).returncode == 0
    done = made.chatledger("status")
    assert done.returncode == 1
    assert "records wait and no worker is there; start `chatledger work -c " in done.stdout
    assert made.chatledger("status", "--only", "connectors").returncode == 0
