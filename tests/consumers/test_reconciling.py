"""Reconciliation: what differs is said once with its place, what is known is no fault, and nothing is said of the rest."""

import asyncio
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.reconciling.compare import archive_findings, gone_events, missing_events
from consumers.reconciling.day import Day, Letter, Logged, Taken, faults
from consumers.reconciling.files import store_findings
from consumers.reconciling.telling import Result, Told, days_passed_over, due_days, to_status, told
from schemas.deliveries import participant_key
from schemas.status import encode_status
from schemas.topics import DAY_MS
from stores.factory import open_store
from stores.paths import content_path
from stores.settings import AzureSettings, FolderSettings
from tests.consumers.ledger import delivery
from tests.schemas.test_status import VALIDATOR

if TYPE_CHECKING:
    from tests.servers import Blobs

MONDAY = date(2026, 3, 2)
BEGIN_MS = (MONDAY.toordinal() - date(1970, 1, 1).toordinal()) * DAY_MS
SLICE = ("c1", "2026-03-02")


@dataclass(frozen=True)
class Seen:
    """Something that a source shows."""

    ids: tuple[bytes, ...]
    kind: str = "message"
    conversation: str = "c1"
    source_key: str = "m"
    at_ms: int | None = BEGIN_MS
    refused: bytes = b""


def name(number: int) -> bytes:
    """An event id."""
    return number.to_bytes(16, "big")


def a_day(events: set[int], taken: set[int] | None = None, *, watermark_ms: int = BEGIN_MS + DAY_MS) -> Day:
    """A day with one slice: its events in the log, those that its closing took, and its mail."""
    day = Day("lp", BEGIN_MS, BEGIN_MS + DAY_MS)
    day.events = {name(number): Logged(SLICE, 0, number, BEGIN_MS) for number in events}
    day.ends = {SLICE: (BEGIN_MS + DAY_MS, "live")}
    day.watermarks = {"live": watermark_ms}
    mail = delivery(1, {"ana": "ok"})
    mail["parts"] = 1
    if taken is not None:
        people = tuple(participant_key(one["participant"]) for one in mail["copies"])
        day.closings = {SLICE: [Taken(mail["mail_id"], frozenset(map(name, taken)), people)]}
        day.deliveries = {mail["mail_id"]: [mail]}
    return day


numbers = st.sets(st.integers(0, 8))


@given(numbers, numbers, numbers)
def test_differences_are_those_of_the_sets(asked: set[int], events: set[int], taken: set[int]) -> None:
    """For any three sets: what the source alone has, what no closing took, and what only a closing has; nothing else."""
    day = a_day(events, taken)
    source = [Seen((name(number),)) for number in asked]
    assert {one.item for one in missing_events(source, day)} == {name(each).hex() for each in asked - events}
    assert gone_events(source, day) == len(events - asked)
    found = archive_findings(day)
    lost = {one.item for one in found if one.place == "mails"}
    assert lost == {name(each).hex() for each in events - taken}
    assert {one.item for one in found if one.place == "raw-events"} == {
        name(each).hex() for each in taken - events
    }


def test_one_of_several_names_is_enough() -> None:
    """What could not be decrypted may be in the log as that, or as it was read before."""
    day = a_day({2}, {2})
    assert missing_events([Seen((name(1), name(2)))], day) == []


def test_a_slice_that_is_open_lacks_nothing_yet() -> None:
    """Its mail is made when its lane's watermark passes its end; live's does not count while a back-fill owns it."""
    assert archive_findings(a_day({1}, watermark_ms=BEGIN_MS + DAY_MS - 1)) == []
    assert len(archive_findings(a_day({1}))) == 1
    filling = a_day({1})
    filling.ends[SLICE] = (BEGIN_MS + DAY_MS, "backfill")
    filling.watermarks["backfill"] = BEGIN_MS
    assert archive_findings(filling) == []


def test_what_is_known_is_told_and_is_no_fault() -> None:
    """A dead letter, a copy that failed, a disposition: each with its reason."""
    body = b"{"
    day = a_day({1, 2}, {1})
    day.letters = [
        Letter("not JSON", "collect", None, None, None, "", hashlib.sha256(body).digest()),
        Letter("broken", "assemble", "raw-events", 0, 2, "c1", b""),
    ]
    failed = delivery(1, {"ana": "failed"})
    day.deliveries = {failed["mail_id"]: [failed]}
    found = [*missing_events([Seen((), refused=day.letters[0].sha256)], day), *archive_findings(day)]
    assert faults([one for one in found if one.detail != "mail without a delivery"]) == []
    assert {one.why for one in found if one.why} == {
        "dead letter, collect: not JSON", "dead letter, assemble: broken", "failed: why failed",
    }  # fmt: skip
    gone = a_day({1}, {1})
    gone.disposed, gone.deliveries = dict.fromkeys(gone.deliveries, "0123456789abcdef"), {}
    assert [one.why for one in archive_findings(gone)] == ["disposed of by order 01234567"]


def test_a_file_is_erased_when_all_that_name_it_are() -> None:
    """Of a mail that left, or of a slice that an order closed without one; what another event names must be there."""
    day = a_day({1, 2, 3}, {1})
    day.disposed = dict.fromkeys(day.deliveries, "first")
    day.closings[SLICE].append(Taken(None, frozenset({name(2)})))
    day.naming = {b"a": {name(1)}, b"b": {name(1), name(2)}, b"c": {name(1), name(3)}}
    assert day.erased() == {b"a": "first", b"b": "first"}


def test_mailboxes_are_compared_where_anything_is_imported() -> None:
    """Without imports nothing is asked; with them each standing copy needs a receipt, and a refusal has its reason."""
    day = a_day({1}, {1})
    assert archive_findings(day) == []
    day.imports = True
    (missing,) = archive_findings(day)
    assert (missing.place, missing.why) == ("mailboxes", "")
    (mail,) = day.deliveries
    key = (mail, participant_key(delivery(1, {"ana": "ok"})["copies"][0]["participant"]))
    day.receipts[key] = (0, "failed", "no such mailbox")
    assert [one.why for one in archive_findings(day)] == ["failed: no such mailbox"]
    day.receipts[key] = (0, "ok", "")
    assert archive_findings(day) == []


def test_days_are_due_until_they_are_settled() -> None:
    """The last whole day at first; later those in between, at most a week of them, and what was left open."""
    tuesday, friday = date(2026, 3, 3), date(2026, 3, 6)
    assert due_days(Told(None, {}), friday, None) == [friday]
    assert due_days(Told(0, {"2026-02-01": 2}), friday, date(2026, 3, 4)) == [
        date(2026, 2, 1),
        date(2026, 3, 5),
        friday,
    ]
    assert len(due_days(Told(0, {}), friday, date(2025, 1, 1))) == 7
    assert due_days(Told(0, {}), tuesday, tuesday) == []


@pytest.mark.parametrize("gap", [1, 6, 7, 8, 9, 40, 400])
def test_no_gap_keeps_reconciliation_from_going_on(gap: int) -> None:
    """However long nothing was reconciled, at the end all is settled: each day looked at or passed over, once, and counted."""
    connector, begin = ("lp", "", "liveperson"), date(2026, 3, 1)
    last, before = begin + timedelta(days=gap), Told(end_ms(begin), {"2026-02-01": 3})
    passed = days_passed_over(last, begin)
    if passed:
        status = to_status(
            connector, before, Result(passed[-1], end_ms(passed[-1]), passed_over=len(passed)), 5
        )
        assert (status["last_success_ms"], status["counters"]["2026-02-01"]) == (None, 3)
        before = told([status], "lp")
    looked = [day for day in due_days(before, last, _last_day(before)) if day > begin]
    assert passed + looked == [begin + timedelta(days=number) for number in range(1, gap + 1)]
    assert len(looked) == min(gap, 7)
    for day in looked:
        before = told([to_status(connector, before, Result(day, end_ms(day)), 6)], "lp")
    assert (before.up_to_ms, before.passed_over) == (end_ms(last), max(0, gap - 7))
    assert due_days(Told(before.up_to_ms, {}), last, _last_day(before)) == []


def _last_day(before: Told) -> date:
    assert before.up_to_ms is not None
    return date(1970, 1, 1) + timedelta(days=before.up_to_ms // DAY_MS - 1)


def end_ms(day: date) -> int:
    """Where the next one begins (UTC), ms since 1970."""
    return (day - date(1970, 1, 1)).days * DAY_MS + DAY_MS


def test_a_difference_is_told_until_it_is_dealt_with() -> None:
    """A good day after it changes nothing; only its own day, found equal, takes it away. A failed look leaves all as it was."""
    connector = ("lp", "LivePerson", "liveperson")
    tuesday = date(2026, 3, 3)
    first = to_status(connector, Told(None, {}), Result(MONDAY, BEGIN_MS + DAY_MS, differences=2), 5)
    assert (first["state"], first["captured_up_to_ms"]) == ("refused", BEGIN_MS + DAY_MS)
    second = to_status(connector, told([first], "lp"), Result(tuesday, BEGIN_MS + 2 * DAY_MS), 6)
    assert second["last_error"] is not None
    assert "2026-03-02 (2)" in second["last_error"]["message"]
    third = to_status(connector, told([second], "lp"), Result(tuesday, error="LivePerson is down"), 7)
    assert (third["state"], third["counters"]["2026-03-02"]) == ("waiting", 2)
    last = to_status(connector, told([third], "lp"), Result(MONDAY, BEGIN_MS + DAY_MS), 8)
    assert (last["state"], last["last_error"], last["captured_up_to_ms"]) == (
        "idle",
        None,
        BEGIN_MS + 2 * DAY_MS,
    )
    for status in (first, second, third, last):
        VALIDATOR.validate(json.loads(encode_status(status)))


def test_a_later_day_that_somebody_asked_for_skips_none() -> None:
    """Up to where all is compared moves day by day."""
    later = Result(date(2026, 3, 9), BEGIN_MS + 8 * DAY_MS)
    status = to_status(("lp", "", ""), Told(BEGIN_MS, {}), later, 5)
    assert status["captured_up_to_ms"] == BEGIN_MS


@pytest.fixture(params=["folder", pytest.param("azurite", marks=pytest.mark.azurite)])
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FolderSettings | AzureSettings:
    """An empty store of each kind."""
    if request.param == "folder":
        return FolderSettings(kind="folder", path=tmp_path / "store")
    blobs: Blobs = request.getfixturevalue("azurite")
    monkeypatch.setenv("TEST_RECONCILE", blobs.connection_string)
    return AzureSettings(
        kind="azure", container=f"reconcile-{uuid.uuid4().hex[:8]}", connection_string_env="TEST_RECONCILE"
    )


@pytest.mark.parametrize("quick", [False, True])
def test_files_are_compared_byte_by_byte(settings: FolderSettings | AzureSettings, *, quick: bool) -> None:
    """Missing ones and other bytes are found in every store; `quick` sees only other lengths."""
    asyncio.run(compared(settings, quick=quick))


async def compared(settings: FolderSettings | AzureSettings, *, quick: bool) -> None:
    """One mail with its copy, and three files of chats: one whole, one missing, one with other bytes."""
    good, other, missing = b"a mail", b"b mail", hashlib.sha256(b"gone").digest()
    store = open_store(settings)
    try:
        await store.check()
        day, digest = a_day({1}, {1}), hashlib.sha256(good).digest()
        (mail,) = day.deliveries
        day.deliveries[mail][0]["size"], day.deliveries[mail][0]["sha256"] = len(good), digest
        await store.create(day.deliveries[mail][0]["path"], good, content_type="message/rfc822")
        await store.create("ana/x.eml", other, content_type="message/rfc822")
        await store.create(content_path(digest.hex()), good, content_type="text/plain")
        day.contents = {digest: len(good), missing: 4}
        found = {(one.place, one.what, one.detail) for one in await store_findings(store, day, quick=quick)}
    finally:
        await store.close()
    assert found == {("contents", "missing", content_path(missing.hex()))} | (
        set() if quick else {("store", "different", "ana/x.eml")}
    )
