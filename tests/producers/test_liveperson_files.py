"""How files of messages come: into the store first, taken up where they broke off, one outcome each."""

import hashlib
from typing import Any

import pytest

from producers.source import SourceUnavailableError
from tests.producers.liveperson_rig import DAY_MS, Account, missing, once, week

pytestmark = pytest.mark.usefixtures("lp_secrets")


def test_files_are_in_the_store_before_the_event_and_carry_their_hash(sim: Account) -> None:
    """Each stored attachment's bytes are those that the simulator sent; a file that is gone says so."""
    with sim.source() as source:
        found = week(source, sim)
    served = {entry["sha256"] for entry in sim.control("ledger") if entry["kind"] == "file"}
    attached = [file for _, event in found.events for file in event["attachments"]]
    stored = {file["content"]["sha256"] for file in attached if file["content"]}
    assert {each.hex() for each in stored} == served
    assert stored <= sim.contents.held.keys()
    assert {file["outcome"] for file in attached} <= {"stored", "gone"}
    assert all((file["reason"] is None) == (file["outcome"] == "stored") for file in attached)


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"files": None}, "not_fetched"),
        ({"file_limits": {"max_file_mb": 0.00005}}, "too_large"),
        ({"file_limits": {"max_file_seconds": 0.000001}}, "too_slow"),
    ],
)
def test_files_that_will_not_come_have_a_final_outcome(
    sim: Account, more: dict[str, Any], outcome: str
) -> None:
    """No credentials, too large, too slow: each with a reason, and the message is there."""
    sim.advance(8 * DAY_MS)
    with sim.source(**more) as source:
        found = once(sim, source)
    attached = [file for _, event in found.events for file in event["attachments"]]
    assert outcome in {file["outcome"] for file in attached}
    assert all(file["reason"] for file in attached if file["outcome"] != "stored")


def test_a_file_storage_that_is_down_is_waited_for(sim: Account) -> None:
    """5xx is no outcome: the poll fails, and later the file is stored."""
    sim.advance(8 * DAY_MS)
    with sim.source() as source:
        sim.faults({"match": {"path": "/v1/AUTH"}, "do": {"status": 503}})
        with pytest.raises(SourceUnavailableError, match="503"):
            once(sim, source)
        sim.faults()
        found = once(sim, source)
    assert missing(found, sim.control("ledger")) == []
    assert "stored" in {file["outcome"] for _, event in found.events for file in event["attachments"]}


def test_a_broken_download_goes_on_where_it_stopped(sim: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request asks for the rest only, and the bytes are right."""
    monkeypatch.setattr("producers.liveperson.http.CHUNK", 256)
    sim.advance(8 * DAY_MS)
    with sim.source() as source:
        sim.faults({"match": {"path": "/v1/AUTH"}, "times": 1, "do": {"truncate": 300}})
        found = once(sim, source)
    statuses = {each["status"] for each in sim.requests("/v1/AUTH")}
    assert 206 in statuses
    served = {entry["sha256"] for entry in sim.control("ledger") if entry["kind"] == "file"}
    held = {hashlib.sha256(each).hexdigest() for each in sim.contents.held.values()}
    assert served <= held
    assert found.events


@pytest.mark.parametrize(
    ("etag", "part"),
    [('"two"', "bytes 256-271/272"), ('"one"', "bytes 7-22/100"), ('"one"', "")],
    ids=["other version", "other part", "nothing said"],
)
def test_a_rest_that_does_not_belong_is_not_put_behind_the_first_part(
    sim: Account, monkeypatch: pytest.MonkeyPatch, etag: str, part: str
) -> None:
    """A file that changed meanwhile, or a part that was not asked for: the whole is read anew."""
    monkeypatch.setattr("producers.liveperson.http.CHUNK", 256)
    sim.advance(8 * DAY_MS)
    match, headers = {"path": "/v1/AUTH"}, {"ETag": etag} | ({"Content-Range": part} if part else {})
    with sim.source() as source:
        sim.faults(
            {"match": match, "times": 1, "do": {"headers": {"ETag": '"one"'}, "truncate": 256}},
            {"match": match, "times": 1, "do": {"status": 206, "headers": headers, "body": "x" * 16}},
        )
        found = once(sim, source)
    served = {entry["sha256"] for entry in sim.control("ledger") if entry["kind"] == "file"}
    files = [file["content"] for _, event in found.events for file in event["attachments"]]
    stored = {file["sha256"].hex() for file in files if file}
    assert len(stored) > 3
    assert stored <= served
