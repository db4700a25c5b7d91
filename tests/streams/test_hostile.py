"""Hostile but decodable: none of it may stop the flow, lose a byte or change another mail."""

import asyncio
import hashlib
import tempfile
import time
import tracemalloc
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.packing import encodable
from schemas import codec
from schemas.ids import event_id
from schemas.records import Mapping, event, person
from schemas.topics import CONVERSATIONS, MAPPINGS, MAX_RECORD_BYTES, RAW_EVENTS
from tests.streams.doubles import Bench
from tests.streams.hostile import REF, records
from tests.streams.logs import activation, control, raw
from tests.streams.mail_cases import AGENT, closed, said

CONTENT = b"hello"
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
WHERE = ("a", "c", "s0")
EVERYTHING = ("Control", control("a", "watermark", "live", 2**60))
MAPPING: Mapping = {"version": "v", "rows": [], "domains": ["bank.example", "b.example"], "catch_all": None}


def with_content(bench: Bench) -> Bench:
    """The one content that hostile references name."""
    ref = asyncio.run(bench.tools.contents.put(CONTENT))
    REF.update(ref)
    bench.add_to(MAPPINGS, "Mapping", MAPPING)
    bench.add("Control", activation("v"))
    return bench


def good(number: int) -> tuple[str, Any]:
    """An honest record in a conversation of its own."""
    record = raw(("good", f"c{number}", "s0"), [number], "live", captured=10, close_at=None)
    record["events"][0]["actor"], record["events"][0]["text"] = AGENT, "honest words"
    return "RawEvents", record


def assert_all_is_well(bench: Bench) -> None:
    """Every record is done, fits Kafka, and is accounted for in the ledger or the dead letters."""
    for stage in (bench.assemble, bench.archive):
        assert bench.waiting(stage) == []
    assert all(len(value) <= MAX_RECORD_BYTES for place in bench.log.records.values() for _, value in place)
    for delivery in bench.deliveries():
        data = bench.archived()[delivery["path"]]
        assert hashlib.sha256(data).digest() == delivery["sha256"]


@FUZZ
@given(st.lists(st.one_of(
    records("RawEvents").map(lambda one: ("RawEvents", one)), records("Control").map(lambda one: ("Control", one)),
), max_size=5))  # fmt: skip
def test_any_raw_events_and_control_records(log: list[tuple[str, Any]]) -> None:
    """Whatever they say, an honest conversation beside them is archived, and every id of theirs has a mail or a letter."""
    with tempfile.TemporaryDirectory() as folder:
        bench = with_content(Bench(Path(folder)))
        for name, record in [
            good(0),
            *log,
            good(1),
            EVERYTHING,
            ("Control", control("good", "watermark", "live", 2**60)),
        ]:
            bench.add(name, record)
        bench.flow()
        assert_all_is_well(bench)
        honest = {one["conversation"] for one in bench.deliveries() if one["connector_uid"] == "good"}
        assert honest >= {"c0", "c1"}
        _assert_nothing_is_lost(bench, [record for name, record in log if name == "RawEvents"])


def _assert_nothing_is_lost(bench: Bench, raws: list[Any]) -> None:
    """An event that came in is in a closed slice, in an open one, or its record is in a dead letter."""
    kept = {event["id"] for one in bench.slices() for event in one["events"]}
    assembly = bench.assemble.assemblies[0]
    for one in assembly.open.values():
        kept |= set(assembly._fold(map(assembly._scratch.read, one.records), set(), []).ids)
    refused = {letter["value"] for letter in bench.letters()}
    for record in raws:
        known = {event["id"] for event in record["events"]} <= kept
        assert known or codec.encode("RawEvents", record) in refused


@FUZZ
@given(records("ClosedSlice"))
def test_any_record_between_the_stages(hostile: Any) -> None:
    """The archive stage makes something of it or refuses it with its bytes; what comes behind it is not held up."""
    with tempfile.TemporaryDirectory() as folder:
        bench = with_content(Bench(Path(folder)))
        bench.add_to(CONVERSATIONS, "ClosedSlice", hostile)
        for entry in [good(0), ("Control", control("good", "watermark", "live", 2**60))]:
            bench.add(*entry)
        bench.flow()
        assert_all_is_well(bench)
        assert any(one["connector_uid"] == "good" for one in bench.deliveries())
        if not bench.letters():
            assert len({one["mail_id"] for one in bench.deliveries()}) >= 2


def test_a_body_of_ten_megabytes(tmp_path: Path) -> None:
    """It goes by claim check from the collector to the archive, and every character arrives."""
    bench = with_content(Bench(tmp_path))
    text = "Zehn Megabyte. " * 700_000
    whole = {
        **event(event_id("a", "big"), "big", "message", 5),
        "text": text,
        "actor": AGENT,
        "raw": text.encode(),
    }
    ref = asyncio.run(bench.tools.contents.put(codec.encode("Event", whole)))
    record = raw(WHERE, [], "live", captured=10, close_at=None)
    record["events"] = [{**whole, "text": None, "raw": b"", "overflow": ref}]
    for entry in [
        ("RawEvents", record),
        good(0),
        EVERYTHING,
        ("Control", control("good", "watermark", "live", 2**60)),
    ]:
        bench.add(*entry)
    bench.flow()

    assert_all_is_well(bench)
    assert bench.letters() == []
    sizes = {one["connector_uid"]: one["size"] for one in bench.deliveries()}
    assert sizes["a"] > 3 * len(text)  # plain, HTML, and as JSON with the raw span
    assert sizes["good"] < 10_000


def test_lone_surrogates_end_at_the_collector() -> None:
    """Avro cannot carry them: the collector writes U+FFFD, and the raw bytes still have what the source sent."""
    broken = {**event(event_id("a", "k"), "k", "message", 5), "text": "half \ud800", "raw": b'"half \\ud800"'}
    with pytest.raises(ValueError, match="surrogates"):
        codec.encode("Event", broken)
    repaired, data = encodable(broken)  # type: ignore[arg-type]  # a spread is a dict to mypy

    assert (repaired["text"], repaired["raw"]) == ("half \ufffd", b'"half \\ud800"')
    assert codec.expect("Event", data) == repaired


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A string with a surrogate's bytes in it, written by another's Avro library, is a dead letter with its bytes."""
    bench = Bench(tmp_path)
    record = raw(("a", "SURROGATE", "s0"), [1], "live", captured=10, close_at=None)
    value = codec.encode("RawEvents", record).replace(b"SURROGATE", b"SUR\xed\xa0\x80GATE"[:9])
    bench.log.add(RAW_EVENTS, value)
    bench.add(*good(0))
    bench.add("Control", control("good", "watermark", "live", 2**60))
    bench.flow()

    assert [letter["value"] for letter in bench.letters()] == [value]
    assert len(bench.deliveries()) == 1


def test_one_id_with_two_bodies(tmp_path: Path) -> None:
    """The first in the log stands, in one record, in two, and after the slice was archived."""
    bench = Bench(tmp_path)
    first = raw(WHERE, [1, 1], "live", captured=10, close_at=None)
    second = raw(WHERE, [1], "live", captured=11, close_at=None)
    texts = [first["events"][0], first["events"][1], second["events"][0]]
    for said_, text in zip(texts, ["the first", "the second", "the third"], strict=True):
        said_["text"] = text
    for entry in [("RawEvents", first), ("RawEvents", second), EVERYTHING, ("RawEvents", second), EVERYTHING]:
        bench.add(*entry)
    bench.flow()

    assert [[one["text"] for one in made["events"]] for made in bench.slices()] == [["the first"]]
    assert len(bench.deliveries()) == 1


@pytest.mark.parametrize("at", [-62_135_596_800_000, 253_402_300_799_999, 2**63 - 1, -(2**63)])
def test_times_at_the_ends_of_the_calendar(tmp_path: Path, at: int) -> None:
    """The year 1, the year 9999 and what no calendar holds: archived, under a day that anyone computes alike."""
    bench = with_content(Bench(tmp_path))
    record = raw(WHERE, [1], "live", captured=10, close_at=None)
    record["events"][0].update({"at_ms": at, "text": "far away", "actor": AGENT})
    record.update({"slice_start_ms": at, "slice_end_ms": min(at, 253_402_300_799_999)})
    for entry in [("RawEvents", record), EVERYTHING]:
        bench.add(*entry)
    bench.flow()

    assert_all_is_well(bench)
    assert bench.letters() == []
    assert [one["outcome"] for one in bench.deliveries()[0]["copies"]] == ["ok"]


@pytest.mark.parametrize("field", ["slice_end_ms", "captured_at_ms"])
def test_a_slice_that_no_watermark_can_close_is_refused(tmp_path: Path, field: str) -> None:
    """Behind the year 9999: its events would be in no mail ever, and the log could never be let go of."""
    bench = Bench(tmp_path)
    record = {**raw(WHERE, [1], "live", captured=10, close_at=None), field: 253_402_300_800_000}
    bench.add("RawEvents", record)
    bench.flow()

    assert [letter["value"] for letter in bench.letters()] == [codec.encode("RawEvents", record)]
    assert bench.assemble.assemblies[0].open == {}


def test_a_participant_without_an_address_and_one_without_anything(tmp_path: Path) -> None:
    """Both are in the mail and have an outcome each."""
    bench = with_content(Bench(tmp_path))
    events = [
        said(0, person("x", "No Address"), "hi"),
        said(1, person("", None), "who am I?"),
        said(2, None, "nobody"),
    ]
    bench.add_to(CONVERSATIONS, "ClosedSlice", closed(events))
    bench.flow()

    assert [one["outcome"] for one in bench.deliveries()[0]["copies"]] == ["failed", "failed"]
    (data,) = bench.archived().values()
    assert b"No Address" in data


def test_unknown_kinds_of_events_are_archived(tmp_path: Path) -> None:
    """With their raw bytes, in a mail like any other."""
    bench = with_content(Bench(tmp_path))
    record = raw(WHERE, [1], "live", captured=10, close_at=None)
    record["events"][0].update({"kind": "hologram", "raw": b'{"hologram": true}'})
    for entry in [("RawEvents", record), EVERYTHING]:
        bench.add(*entry)
    bench.flow()

    assert bench.letters() == []
    assert bench.deliveries()[0]["event_count"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        control("a", "watermark", "live", None),
        control("a", "hologram", "live", 2**60),
        control("a", "lane_closed", "never opened", None),
        control("", "", "", -(2**63)),
        control("nobody", "watermark", "live", 19),
    ],
)
def test_control_records_that_say_nothing_close_nothing(tmp_path: Path, wrong: Any) -> None:
    """They are passed over; the next good one closes what is due, once."""
    bench = Bench(tmp_path)
    said_ = ("RawEvents", raw(WHERE, [1], "live", captured=10, close_at=None))
    for entry in [said_, ("Control", wrong)]:
        bench.add(*entry)
    assert bench.flow().slices() == []
    bench.add(*EVERYTHING)
    assert len(bench.flow().slices()) == 1
    assert bench.letters() == []


def test_a_foreign_record_in_raw_events_is_refused(tmp_path: Path) -> None:
    """Decodable, but with no place there; also one without any value."""
    bench = Bench(tmp_path)
    bench.add("Person", person("p"))
    bench.log.add(RAW_EVENTS, b"")
    bench.add(*good(0))
    bench.flow()

    assert [letter["origin"] for letter in bench.letters()] == ["t-raw-events/0/0", "t-raw-events/0/1"]
    assert bench.stand(bench.assemble)[:2] == (2, 3)


def folded(bench: Bench, count: int, step: int) -> list[float]:
    """Fold so many events into one slice, so many to a record; CPU seconds of each ten records."""
    for at in range(0, count, step):
        record = raw(WHERE, list(range(at, at + step)), "live", captured=10, close_at=None)
        for one in record["events"]:
            one["text"] = "a message of a usual length, some sixty characters of it all"
        bench.add("RawEvents", record)
    bench.own(bench.assemble)
    costs = []
    while batch := bench.waiting(bench.assemble)[:10]:
        began = time.process_time()
        asyncio.run(bench.assemble.handle(batch))
        costs.append(time.process_time() - began)
    return costs


def test_open_slices_hold_positions_and_not_bytes(tmp_path: Path) -> None:
    """The events of an open slice lie in the scratch file; memory has a reference for each record."""
    tracemalloc.start()
    bench = Bench(tmp_path)
    folded(bench, 1000, 100)
    before, _ = tracemalloc.get_traced_memory()
    written = sum(map(len, bench.log.values(RAW_EVENTS)))
    bench.lose(bench.assemble)
    bench.log.records.clear()
    folded(bench, 10_000, 100)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    log_itself = sum(map(len, bench.log.values(RAW_EVENTS))) - written
    assert bench.scratch.live_bytes > 1_000_000
    assert held - before - log_itself < 200_000


@pytest.mark.slow
def test_a_hundred_thousand_events_in_a_slice(tmp_path: Path) -> None:
    """Folding costs the same per event from the first to the last; the mails hold each event once."""
    bench = Bench(tmp_path)
    costs = folded(bench, 100_000, 1000)
    bench.add(*EVERYTHING)
    bench.flow()

    third = len(costs) // 3
    assert median(costs[-third:]) < 4 * median(costs[:third])
    assert bench.letters() == []
    assert sum(one["event_count"] for one in bench.deliveries()) == 100_000
    assert len(bench.deliveries()) == bench.deliveries()[0]["parts"] >= 20
    assert bench.scratch.live_bytes == 0
