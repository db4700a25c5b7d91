"""The archive stage: durable before it is said, never overwritten, never refused for the store's own trouble."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from schemas.records import ClosedSlice, Copies, Event, Mapping
from schemas.topics import CONVERSATIONS, MAPPINGS, MAX_RECORD_BYTES
from stores import paths
from stores.interface import StoreError
from streams import routing
from streams.archive import ArchiveStage
from streams.mail.render import render
from streams.positions import Stand
from streams.routing import Router
from tests.streams.doubles import Bench, Log, ShakyStore, down
from tests.streams.mail_cases import AGENT, CONTENTS, KEN, MOD, closed, mail_bytes, missing, said, stored

MAPPING: Mapping = {"version": "v", "rows": [], "domains": ["bank.example"], "catch_all": None}


def a_slice(number: int = 0, **fields: Any) -> ClosedSlice:
    """A slice of three people, all of them inside; each number is another conversation."""
    events = [said(number, AGENT, "hello"), said(number + 1, KEN, "dear"), said(number + 2, MOD, "all")]
    return ours(events, **{"conversation": f"c{number}", **fields})


def ours(events: list[Event], **fields: Any) -> ClosedSlice:
    """A slice of these events that names the mapping."""
    return closed(events, mapping_version="v", **fields)


def copies_of(one: ClosedSlice) -> Copies:
    """Where its only mail and its copies will be."""
    (mail,) = render(one)
    return Router(MAPPING).copies(mail)


def bench_with(tmp_path: Path, *slices: ClosedSlice, store: Any = None, log: Log | None = None) -> Bench:
    """Slices that wait to be archived."""
    bench = Bench(tmp_path, log, store=store)
    bench.add_to(MAPPINGS, "Mapping", MAPPING)
    for one in slices:
        bench.add_to(CONVERSATIONS, "ClosedSlice", one)
    bench.own(bench.archive)
    return bench


def work(bench: Bench) -> Bench:
    """Drain the stage."""
    asyncio.run(bench.work(bench.archive))
    return bench


def test_every_copy_has_the_bytes_of_the_mail(tmp_path: Path) -> None:
    """One mail, three mailboxes, one delivery with all outcomes."""
    bench = work(bench_with(tmp_path, a_slice()))
    (delivery,) = bench.deliveries()

    assert len(set(bench.archived().values())) == 1
    assert set(bench.archived()) == {delivery["path"], *(one["path"] for one in delivery["copies"])}
    assert [one["outcome"] for one in delivery["copies"]] == ["ok"] * 3


def test_a_repeat_changes_nothing(tmp_path: Path) -> None:
    """A redelivery finds everything in place and says the same again."""
    bench = work(bench_with(tmp_path, a_slice(), a_slice()))
    before = bench.archived()
    again = work(bench_with(tmp_path, log=bench.log))

    assert again.archived() == before
    assert len({str(one) for one in again.deliveries()}) == 1


@pytest.mark.parametrize(
    "path", ["ken@bank.example", "_mails/x/ab/abcd.eml", "a/b/2026/01/02/no-mail", "_mails"]
)
def test_a_path_that_is_no_place_for_a_copy_is_refused(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where a mailbox's folder belongs would stop every copy below it, and the worker with it."""
    right = paths.copy_path
    monkeypatch.setattr(
        routing, "copy_path", lambda **told: path if told["conversation"] == "c0" else right(**told)
    )
    bench = work(bench_with(tmp_path, a_slice(), a_slice(7)))

    assert [letter["error"] for letter in bench.letters()] == ["RejectedError"]
    assert [one["outcome"] for one in bench.deliveries()[0]["copies"]] == ["ok"] * 3
    assert len(bench.archived()) == 4, "a slice is refused before anything of it is stored"


@pytest.mark.parametrize("mailbox", ["_mails", "..", "_content/ab", ".", "a/../../b"])
def test_no_mailbox_leads_out_of_its_folder(tmp_path: Path, mailbox: str) -> None:
    """Whatever a mapping says, a copy is six levels deep and none of the archive's own folders is one of them."""
    bench = Bench(tmp_path)
    row = {"external_user_id": KEN["id"], "mailbox": mailbox}
    bench.add_to(MAPPINGS, "Mapping", {**MAPPING, "rows": [row]})
    bench.add_to(CONVERSATIONS, "ClosedSlice", a_slice())
    bench.flow()

    assert bench.letters() == []
    (ken,) = [one for one in bench.deliveries()[0]["copies"] if one["participant"]["id"] == KEN["id"]]
    assert len(ken["path"].split("/")) == 6
    assert not ken["path"].startswith(("_", "."))


def test_deliveries_come_after_the_files(tmp_path: Path) -> None:
    """Whoever reads the ledger finds what it names."""
    store = ShakyStore(tmp_path / "archive")
    bench = bench_with(tmp_path, a_slice(), store=store)
    store.faults = [("copy", RuntimeError("killed"))]
    with pytest.raises(RuntimeError, match="killed"):
        work(bench)
    assert bench.deliveries() == []
    assert bench.stand(bench.archive) == Stand(0, 0)
    assert len(work(bench).deliveries()) == 1


@pytest.mark.parametrize("call", ["create", "copy"])
def test_a_store_that_is_down_is_waited_for(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is refused and nothing becomes partial."""
    monkeypatch.setattr("streams.contents.FIRST_WAIT_SECONDS", 0.001)
    store = ShakyStore(tmp_path / "archive")
    store.faults = [(call, down()), (call, down())]
    bench = work(bench_with(tmp_path, a_slice(), store=store))

    assert bench.letters() == []
    assert [one["outcome"] for one in bench.deliveries()[0]["copies"]] == ["ok"] * 3


@pytest.mark.parametrize("call", ["create", "copy"])
def test_a_store_that_forbids_ends_the_worker(tmp_path: Path, call: str) -> None:
    """A wrong right or container is nobody's mail's fault: nothing is dead-lettered, all of it waits."""
    store = ShakyStore(tmp_path / "archive")
    store.faults = [(call, StoreError("let user 1 write there"))]
    bench = bench_with(tmp_path, a_slice(), a_slice(7), store=store)
    with pytest.raises(StoreError, match="let user 1 write there"):
        work(bench)
    assert bench.letters() == []
    assert bench.stand(bench.archive) == Stand(0, 0)


def test_other_bytes_at_a_copy_s_path_fail_that_copy_alone(tmp_path: Path) -> None:
    """They are left as they are, and ledger, dead letter and alarm say so."""
    one = a_slice()
    bench = bench_with(tmp_path, one)
    taken = str(copies_of(one)["targets"][1]["path"])
    (tmp_path / "archive" / taken).parent.mkdir(parents=True)
    (tmp_path / "archive" / taken).write_bytes(b"somebody else's")
    work(bench)

    assert [copy["outcome"] for copy in bench.deliveries()[0]["copies"]] == ["ok", "failed", "ok"]
    assert "other bytes" in bench.deliveries()[0]["copies"][1]["reason"]
    assert bench.archived()[taken] == b"somebody else's"
    assert [letter["error"] for letter in bench.letters()] == ["StoreConflictError"]
    ((position, message),) = bench.tools.alarms.values()
    assert (position, taken in message) == (0, True)


def test_other_bytes_at_the_mail_s_path_refuse_that_mail_alone(tmp_path: Path) -> None:
    """One identity with two contents is a fault to look at; the rest of the batch goes on."""
    one = a_slice()
    bench = bench_with(tmp_path, one, a_slice(7))
    path = tmp_path / "archive" / copies_of(one)["path"]
    path.parent.mkdir(parents=True)
    path.write_bytes(b"somebody else's")
    work(bench)

    assert [letter["error"] for letter in bench.letters()] == ["StoreConflictError"]
    assert bench.tools.alarms
    assert len(bench.deliveries()) == 1
    assert path.read_bytes() == b"somebody else's"


@pytest.mark.parametrize("label", ["", " ", "été", "tab\tand\nline", "x" * 5000, "~"])
def test_no_slice_name_is_too_odd_to_be_stored(tmp_path: Path, label: str) -> None:
    """Metadata is a convenience; a store that takes only ASCII must not stop the archive."""
    bench = work(bench_with(tmp_path, a_slice(slice=label), a_slice(7, conversation=label)))

    assert bench.letters() == []
    assert label in {one["slice"] for one in bench.deliveries()}
    assert len(bench.archived()) == 8


def test_a_hundred_missing_files_and_a_hundred_people_fit_the_ledger(tmp_path: Path) -> None:
    """The reasons are said once for the mail, and in short for each copy."""
    files = [missing(f"file {n} {'x' * 300}.pdf", "gone", "because " * 30) for n in range(100)]
    people = [{**AGENT, "id": f"a{n}", "email": f"a{n}@bank.example"} for n in range(100)]
    events = [said(n, who, "hello", attachments=files if n == 0 else []) for n, who in enumerate(people)]  # type: ignore[arg-type]  # a spread is a dict to mypy
    bench = work(bench_with(tmp_path, ours(events)))

    (delivery,) = bench.deliveries()
    assert len(delivery["reasons"]) == 100
    assert {one["outcome"] for one in delivery["copies"]} == {"partial"}
    assert all("and 99 more" in one["reason"] for one in delivery["copies"])
    assert all(len(value) <= MAX_RECORD_BYTES for place in bench.log.records.values() for _, value in place)


def test_files_are_streamed_into_the_mail(tmp_path: Path) -> None:
    """An attachment goes from the content store into the mail, and its copy has the same bytes."""
    one = ours([said(0, AGENT, "see", attachments=[stored("large.bin")])])
    bench = bench_with(tmp_path, one)
    asyncio.run(bench.tools.contents.put(CONTENTS["large.bin"]))
    work(bench)

    (mail,) = render(one)
    assert len(bench.archived()) == 2
    assert set(bench.archived().values()) == {mail_bytes(mail)}


class Uploads(ShakyStore):
    """Counts who is reading a mail's bytes, and how many steps the stage has made by then."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.now, self.most, self.steps = 0, 0, list[int]()
        self.look: Any = lambda: 0

    async def create(self, path: str, data: Any, **more: Any) -> Any:
        """See `Store`; a body in pieces takes a while."""
        return await super().create(path, data if isinstance(data, bytes) else self._slowly(data), **more)

    async def _slowly(self, data: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        self.now += 1
        self.most = max(self.most, self.now)
        async for chunk in data:
            await asyncio.sleep(0.001)
            self.steps.append(self.look())
            yield chunk
        self.now -= 1


def test_large_mails_are_written_a_few_at_a_time_and_are_seen_to_move(tmp_path: Path) -> None:
    """Memory is bounded however many wait; each piece is a step, or the watch would end a worker with a slow store."""
    store = Uploads(tmp_path / "archive")
    bench = bench_with(tmp_path, store=store)
    store.look = lambda: bench.tools.steps["archive"]
    ref = asyncio.run(bench.tools.contents.put(bytes(9_000_000)))
    file = {**stored("large.bin"), "content": ref}
    for number in range(6):
        one = ours([said(number, AGENT, "see", attachments=[file])], conversation=f"c{number}")
        bench.add_to(CONVERSATIONS, "ClosedSlice", one)
    work(bench)

    assert len(bench.deliveries()) == 6
    assert store.most == 2
    assert store.steps[-1] >= len(store.steps) > 6 * 9


def test_a_file_over_the_ceiling_makes_a_partial_copy_and_stays_in_the_content_store(tmp_path: Path) -> None:
    """The ledger says so for each mailbox, with the file and the reason."""
    events = [said(0, AGENT, "see", attachments=[stored("large.bin")]), said(1, KEN, "thanks")]
    bench = bench_with(tmp_path, ours(events, changes={"max_mail_bytes": 50_000}))
    ref = asyncio.run(bench.tools.contents.put(CONTENTS["large.bin"]))
    work(bench)

    (delivery,) = bench.deliveries()
    assert delivery["status"] == "partial"
    for one in delivery["copies"]:
        assert one["outcome"] == "partial"
        assert "large.bin" in one["reason"]
        assert "50,000 bytes" in one["reason"]
    assert asyncio.run(bench.tools.contents.get(ref)) == CONTENTS["large.bin"]
    assert ref["sha256"].hex().encode() in bench.archived()[delivery["path"]]


PARTS = {"part_events": 1}


def test_a_slice_of_parts_is_refused_whole_or_not_at_all(tmp_path: Path) -> None:
    """All parts are rendered and routed before one is stored: what can't be routed leaves nothing behind."""
    bench = bench_with(tmp_path)
    events = [said(0, AGENT, "hello"), said(1, KEN, "dear")]
    bench.add_to(CONVERSATIONS, "ClosedSlice", closed(events, mapping_version="unknown", changes=PARTS))
    work(bench)

    assert [letter["error"] for letter in bench.letters()] == ["RejectedError"]
    assert (bench.archived(), bench.deliveries()) == ({}, [])


def test_a_part_whose_place_is_taken_hinders_no_other(tmp_path: Path) -> None:
    """The other parts are stored and in the ledger; the slice is one dead letter, and one alarm says where."""
    one = ours([said(0, AGENT, "hello"), said(1, KEN, "dear"), said(2, MOD, "all")], changes=PARTS)
    bench = bench_with(tmp_path, one)
    second = Router(MAPPING).copies(render(one)[1])["path"]
    (tmp_path / "archive" / second).parent.mkdir(parents=True)
    (tmp_path / "archive" / second).write_bytes(b"somebody else's")
    work(bench)

    assert sorted(delivery["part"] for delivery in bench.deliveries()) == [1, 3]
    assert [letter["error"] for letter in bench.letters()] == ["StoreConflictError"]
    assert [second in message for _, message in bench.tools.alarms.values()] == [True]


def test_slices_of_a_batch_are_stored_side_by_side_within_the_limit(tmp_path: Path) -> None:
    """A store that takes its time is asked by as many at once as are allowed, and nothing moves before the last."""
    store = Slow(tmp_path / "archive", 5)
    bench = bench_with(tmp_path, *map(a_slice, range(0, 60, 3)), store=store)
    bench.archive = ArchiveStage(bench.tools, lambda: bench.log.read(MAPPINGS, 0), bench.store, concurrency=5)
    store.look = lambda: bench.stand(bench.archive)
    work(bench)

    assert store.most == 5
    assert store.stands == {Stand(0, 0)}
    assert bench.stand(bench.archive) == Stand(20, 20)


def test_large_slices_are_held_in_memory_a_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are allowed at a time: their mails wait in memory for a store that is slow."""
    monkeypatch.setattr("streams.archive.memory_of", lambda *_: 7_000_000)
    store = Slow(tmp_path / "archive", 2)
    bench = bench_with(tmp_path, *map(a_slice, range(0, 60, 3)), store=store)
    work(bench)

    assert store.most == 2
    assert len(bench.deliveries()) == 20


class Slow(ShakyStore):
    """Answers when `wanted` have come, a moment later; counts who came, and notes what would be committed meanwhile."""

    def __init__(self, folder: Path, wanted: int) -> None:
        super().__init__(folder)
        self.wanted, self.now, self.most, self.stands = wanted, 0, 0, set[Stand]()
        self.look: Any = lambda: 0
        self.enough = asyncio.Event()

    async def create(self, path: str, data: Any, **more: Any) -> Any:
        """See `Store`."""
        self.now += 1
        self.most = max(self.most, self.now)
        if self.most >= self.wanted:
            self.enough.set()
        await asyncio.wait_for(self.enough.wait(), 30)
        await asyncio.sleep(0.005)
        self.stands.add(self.look())
        self.now -= 1
        return await super().create(path, data, **more)
