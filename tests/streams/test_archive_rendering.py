"""The archive stage between record and mails: claim checks, and what is refused before anything is stored."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import Codec, encode
from schemas.records import ClosedSlice, person
from schemas.topics import CONVERSATIONS, MAX_RECORD_BYTES
from stores.interface import BlobMissingError
from streams.contents import Contents
from streams.mail.assemble import mail_chunks
from streams.mail.render import UnknownFormatError, render
from streams.refusals import DependencyError
from streams.rendering import GROWTH, memory_of
from streams.room import UPLOAD_BYTES
from tests.schemas.registries import MemoryRegistry
from tests.streams.doubles import Bench, ShakyStore, down
from tests.streams.mail_cases import AGENT, KEN, MOD, closed, said


def bench_with(tmp_path: Path, *slices: Any, codec: Codec | None = None) -> Bench:
    """Closed slices that wait to be archived."""
    bench = Bench(tmp_path, codec=codec)
    for one in slices:
        bench.add_to(CONVERSATIONS, "ClosedSlice", one)
    bench.own(bench.archive)
    return bench


def body(contents: Contents, mail: Any) -> bytes:
    """The bytes of a mail."""

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in mail_chunks(mail["segments"], contents.stream)])

    return asyncio.run(collect())


def put(contents: Contents, data: bytes) -> Any:
    """A claim check."""
    return asyncio.run(contents.put(data))


@pytest.mark.parametrize("codec", [None, Codec(MemoryRegistry())], ids=["plain", "registry"])
@pytest.mark.parametrize("how", ["inline", "events_ref", "event overflow", "overflow"])
def test_a_claim_check_changes_no_byte(tmp_path: Path, how: str, codec: Codec | None) -> None:
    """Whether a slice came whole or in the content store: the same mail."""
    whole = closed([said(0, AGENT, "hello"), said(1, KEN, "dear")])
    bench = bench_with(tmp_path, codec=codec)
    contents, sent = bench.tools.contents, whole
    if how == "events_ref":
        sent = {
            **whole,
            "events": [],
            "events_ref": put(contents, encode("EventList", {"events": whole["events"]})),
        }
    if how == "event overflow":
        first = whole["events"][0]
        bare = {
            **first,
            "actor": None,
            "text": None,
            "raw": b"",
            "overflow": put(contents, encode("Event", first)),
        }
        sent = {**whole, "events": [bare, whole["events"][1]]}  # type: ignore[list-item]  # a spread is a dict to mypy
    if how == "overflow":
        sent = {**whole, "events": [], "people": [], "overflow": put(contents, encode("ClosedSlice", whole))}
    bench.add_to(CONVERSATIONS, "ClosedSlice", sent)
    asyncio.run(bench.work(bench.archive))

    (want,) = render(whole)
    assert bench.letters() == []
    assert bench.archived() == {bench.deliveries()[0]["path"]: body(contents, want)}


def many(count: int) -> list[Any]:
    """People with long ids, as Webex has them."""
    return [
        person("Y2lzY29zcGFyazovL3VzL1BFT1BMRS8" + f"{n:048d}", f"Person {n}", f"p{n}@bank.example", "member")
        for n in range(count)
    ]


@pytest.mark.parametrize(
    "slice_",
    [
        closed([said(0, AGENT, "x" * 3_000_000)]),
        closed([said(0, AGENT, "hello")], people=many(12_000)),
        closed([said(n, AGENT, "y" * 30_000) for n in range(100)], people=many(12_000)),
    ],
    ids=["a long text", "many people", "both"],
)
def test_slices_larger_than_a_record_come_by_claim_check_and_are_archived_whole(
    tmp_path: Path, slice_: ClosedSlice
) -> None:
    """What is archived are the same bytes and people; nothing of a mail is put aside, and no record is too large."""
    bench = Bench(tmp_path)
    ref = put(bench.tools.contents, encode("ClosedSlice", slice_))
    bench.add_to(CONVERSATIONS, "ClosedSlice", {**slice_, "events": [], "people": [], "overflow": ref})
    bench.flow()
    (want,) = render(slice_)

    assert bench.letters() == []
    contents = [path for path in (tmp_path / "archive" / "_content").rglob("*") if path.is_file()]
    assert [path.name for path in contents] == [ref["sha256"].hex()]
    archived = [data for path, data in bench.archived().items() if path.startswith("_mails/")]
    assert archived == [body(bench.tools.contents, want)]
    reached = {one["participant"]["id"] for delivery in bench.deliveries() for one in delivery["copies"]}
    assert reached == {one["id"] for one in want["participants"]}
    assert all(len(value) <= MAX_RECORD_BYTES for place in bench.log.records.values() for _, value in place)


def test_a_slice_without_events_is_refused_and_the_next_goes_on(tmp_path: Path) -> None:
    """No renderer could do anything with it, ever."""
    bench = bench_with(tmp_path, {**closed([said(0, MOD, "x")]), "events": []}, closed([said(1, MOD, "y")]))
    asyncio.run(bench.work(bench.archive))

    assert [letter["error"] for letter in bench.letters()] == ["RejectedError"]
    assert len(bench.deliveries()) == 1


def test_a_format_of_the_future_ends_the_worker(tmp_path: Path) -> None:
    """A newer version can write it, so it is not refused: the worker says so and waits for its update."""
    bench = bench_with(tmp_path, closed([said(0, MOD, "x")], changes={"format": 99}))
    with pytest.raises(UnknownFormatError):
        asyncio.run(bench.work(bench.archive))
    assert bench.letters() == []


def test_a_zone_that_tzdata_lacks_ends_the_worker(tmp_path: Path) -> None:
    """The installation is at fault and no record: nothing is refused, and the sentence says what to do."""
    bench = bench_with(tmp_path, closed([said(0, MOD, "x")], changes={"zone": "Europe/Atlantis"}))
    with pytest.raises(DependencyError, match="'Europe/Atlantis': install tzdata"):
        asyncio.run(bench.work(bench.archive))
    assert bench.letters() == []


def test_contents_that_are_gone_or_damaged_end_the_worker(tmp_path: Path) -> None:
    """That is the store's fault; refusing would dead-letter an archive for a wrong folder in the configuration."""
    bench = Bench(tmp_path)
    ref = put(bench.tools.contents, encode("EventList", {"events": [said(0, MOD, "x")]}))
    bench.add_to(
        CONVERSATIONS, "ClosedSlice", {**closed([said(0, MOD, "x")]), "events": [], "events_ref": ref}
    )
    bench.own(bench.archive)
    (file,) = [path for path in (tmp_path / "archive" / "_content").rglob("*") if path.is_file()]
    data = file.read_bytes()
    file.unlink()
    with pytest.raises(BlobMissingError):
        asyncio.run(bench.work(bench.archive))
    file.write_bytes(data[:-1] + b"!")
    with pytest.raises(DependencyError, match="other bytes"):
        asyncio.run(bench.work(bench.archive))
    assert bench.letters() == []


def test_a_store_that_is_down_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim check is asked for again, and meanwhile the worker can say on what it waits."""
    monkeypatch.setattr("streams.contents.FIRST_WAIT_SECONDS", 0.001)
    store = ShakyStore(tmp_path / "archive")
    contents = Contents(store)  # type: ignore[arg-type]  # the part of a store that streams use
    store.faults = [("create", down()), ("create", down()), ("read", down())]

    async def test() -> None:
        putting = asyncio.create_task(contents.put(b"data"))
        await asyncio.sleep(0)
        assert (contents.waiting, contents.trouble) == (1, "the store is down")
        ref = await putting
        assert ref == {"sha256": hashlib.sha256(b"data").digest(), "size": 4}
        assert await contents.get(ref) == b"data"

    asyncio.run(test())
    assert contents.waiting == 0
    assert store.calls == ["create"] * 3 + ["read"] * 2


def test_memory_is_told_before_anything_is_fetched() -> None:
    """Of what a record has and names; a slice that is all elsewhere counts as large."""
    whole, ref = closed([said(0, AGENT, "hello")]), {"sha256": bytes(32), "size": 7_000}
    assert memory_of(whole, 100) == GROWTH * 100
    assert memory_of({**whole, "events_ref": ref}, 100) == GROWTH * 7_100  # type: ignore[typeddict-item]  # a plain dict
    bare: Any = {**whole["events"][0], "overflow": ref}
    assert memory_of({**whole, "events": [bare, bare]}, 100) == GROWTH * 14_100
    assert memory_of({**whole, "overflow": ref}, 100) == UPLOAD_BYTES  # type: ignore[typeddict-item]  # as above
