"""The last stage's shell: durable before it is said, never overwritten, never refused for the store's own trouble."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from schemas.records import Copies
from schemas.topics import COPIES, MAX_RECORD_BYTES
from stores.interface import StoreError
from stores.paths import mail_path
from streams.mail.render import render
from streams.positions import Stand
from streams.routing import Router
from tests.streams.doubles import Bench, Log, ShakyStore, down
from tests.streams.mail_cases import AGENT, CONTENTS, KEN, MOD, closed, mail_bytes, missing, said, stored

MAPPING: Any = {"version": "v", "rows": [], "domains": ["bank.example"], "catch_all": None}


def copies(number: int = 0, **fields: Any) -> Copies:
    """A mail of three, two of them inside."""
    events = [said(number, AGENT, "hello"), said(number + 1, KEN, "dear"), said(number + 2, MOD, "all")]
    (mail,) = render(closed(events, **fields))
    return Router(MAPPING).copies(mail)


def bench_with(tmp_path: Path, *records: Copies, store: Any = None, log: Log | None = None) -> Bench:
    """Copies that wait to be stored."""
    bench = Bench(tmp_path, log, store=store)
    for one in records:
        bench.add_to(COPIES, "Copies", one)
    bench.own(bench.keep)
    return bench


def work(bench: Bench) -> Bench:
    """Drain the stage."""
    asyncio.run(bench.work(bench.keep))
    return bench


def test_every_copy_has_the_bytes_of_the_mail(tmp_path: Path) -> None:
    """One mail, three mailboxes, one delivery with all outcomes."""
    bench = work(bench_with(tmp_path, copies()))
    (delivery,) = bench.deliveries()

    assert len(set(bench.archived().values())) == 1
    assert set(bench.archived()) == {delivery["path"], *(one["path"] for one in delivery["copies"])}
    assert [one["outcome"] for one in delivery["copies"]] == ["ok"] * 3


def test_a_repeat_changes_nothing(tmp_path: Path) -> None:
    """A redelivery finds everything in place and says the same again."""
    bench = work(bench_with(tmp_path, copies(), copies()))
    before = bench.archived()
    again = work(bench_with(tmp_path, log=bench.log))

    assert again.archived() == before
    assert len({str(one) for one in again.deliveries()}) == 1


@pytest.mark.parametrize(
    "path", ["ken@bank.example", "_mails/x/ab/abcd.eml", "a/b/2026/01/02/no-mail", "_mails"]
)
def test_a_path_that_routing_never_chooses_is_refused(tmp_path: Path, path: str) -> None:
    """A file where a mailbox's folder belongs would stop every copy below it, and the worker with it."""
    elsewhere, a_copy_elsewhere = copies(), copies()
    elsewhere["path"] = a_copy_elsewhere["targets"][0]["path"] = path
    bench = work(bench_with(tmp_path, elsewhere, a_copy_elsewhere, copies(7)))

    assert len(bench.letters()) == 2
    assert [one["outcome"] for one in bench.deliveries()[0]["copies"]] == ["ok"] * 3


def test_deliveries_come_after_the_files(tmp_path: Path) -> None:
    """Whoever reads the ledger finds what it names."""
    store = ShakyStore(tmp_path / "archive")
    bench = bench_with(tmp_path, copies(), store=store)
    store.faults = [("copy", RuntimeError("killed"))]
    with pytest.raises(ExceptionGroup):
        work(bench)
    assert bench.deliveries() == []
    assert bench.stand(bench.keep) == Stand(0, 0)
    assert len(work(bench).deliveries()) == 1


@pytest.mark.parametrize("call", ["create", "copy"])
def test_a_store_that_is_down_is_waited_for(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is refused and nothing becomes partial."""
    monkeypatch.setattr("streams.contents.FIRST_WAIT_SECONDS", 0.001)
    store = ShakyStore(tmp_path / "archive")
    store.faults = [(call, down()), (call, down())]
    bench = work(bench_with(tmp_path, copies(), store=store))

    assert bench.letters() == []
    assert [one["outcome"] for one in bench.deliveries()[0]["copies"]] == ["ok"] * 3


@pytest.mark.parametrize("call", ["create", "copy"])
def test_a_store_that_forbids_ends_the_worker(tmp_path: Path, call: str) -> None:
    """A wrong right or container is nobody's mail's fault: nothing is dead-lettered, all of it waits."""
    store = ShakyStore(tmp_path / "archive")
    store.faults = [(call, StoreError("let user 1 write there"))]
    bench = bench_with(tmp_path, copies(), copies(7), store=store)
    with pytest.raises(ExceptionGroup, match="unhandled") as caught:
        work(bench)
    assert isinstance(caught.value.exceptions[0], StoreError)
    assert bench.letters() == []
    assert bench.stand(bench.keep) == Stand(0, 0)


def test_other_bytes_at_a_copy_s_path_fail_that_copy_alone(tmp_path: Path) -> None:
    """They are left as they are, and ledger, dead letter and alarm say so."""
    one = copies()
    bench = bench_with(tmp_path, one)
    taken = str(one["targets"][1]["path"])
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
    one = copies()
    bench = bench_with(tmp_path, one, copies(7))
    path = tmp_path / "archive" / mail_path(one["connector_uid"], one["mail_id"].hex())
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
    bench = work(bench_with(tmp_path, copies(slice=label), copies(7, conversation=label)))

    assert bench.letters() == []
    assert bench.deliveries()[0]["slice"] == label
    assert len(bench.archived()) == 8


def test_a_hundred_missing_files_and_a_hundred_people_fit_the_ledger(tmp_path: Path) -> None:
    """The reasons are said once for the mail, and in short for each copy."""
    files = [missing(f"file {n} {'x' * 300}.pdf", "gone", "because " * 30) for n in range(100)]
    people = [{**AGENT, "id": f"a{n}", "email": f"a{n}@bank.example"} for n in range(100)]
    events = [said(n, who, "hello", attachments=files if n == 0 else []) for n, who in enumerate(people)]  # type: ignore[arg-type]  # a spread is a dict to mypy
    (mail,) = render(closed(events))
    bench = work(bench_with(tmp_path, Router(MAPPING).copies(mail)))

    (delivery,) = bench.deliveries()
    assert len(delivery["reasons"]) == 100
    assert {one["outcome"] for one in delivery["copies"]} == {"partial"}
    assert all("and 99 more" in one["reason"] for one in delivery["copies"])
    assert all(len(value) <= MAX_RECORD_BYTES for place in bench.log.records.values() for _, value in place)


def test_files_are_streamed_into_the_mail(tmp_path: Path) -> None:
    """An attachment goes from the content store into the mail, and its copy has the same bytes."""
    bench = Bench(tmp_path)
    (mail,) = render(closed([said(0, AGENT, "see", attachments=[stored("large.bin")])]))
    asyncio.run(bench.tools.contents.put(CONTENTS["large.bin"]))
    bench.add_to(COPIES, "Copies", Router(MAPPING).copies(mail))
    bench.own(bench.keep)
    work(bench)

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
    bench = Bench(tmp_path, store=store)
    store.look = lambda: bench.tools.steps["store"]
    ref = asyncio.run(bench.tools.contents.put(bytes(9_000_000)))
    file = {**stored("large.bin"), "content": ref}
    for number in range(6):
        (mail,) = render(closed([said(0, AGENT, "see", attachments=[file])], conversation=f"c{number}"))
        bench.add_to(COPIES, "Copies", Router(MAPPING).copies(mail))
    bench.own(bench.keep)
    work(bench)

    assert len(bench.deliveries()) == 6
    assert store.most == 2
    assert store.steps[-1] >= len(store.steps) > 6 * 9


def test_a_file_over_the_ceiling_makes_a_partial_copy_and_stays_in_the_content_store(tmp_path: Path) -> None:
    """The ledger says so for each mailbox, with the file and the reason."""
    bench = Bench(tmp_path)
    ref = asyncio.run(bench.tools.contents.put(CONTENTS["large.bin"]))
    events = [said(0, AGENT, "see", attachments=[stored("large.bin")]), said(1, KEN, "thanks")]
    (mail,) = render(closed(events, changes={"max_mail_bytes": 50_000}))
    bench.add_to(COPIES, "Copies", Router(MAPPING).copies(mail))
    bench.own(bench.keep)
    work(bench)

    (delivery,) = bench.deliveries()
    assert delivery["status"] == "partial"
    for one in delivery["copies"]:
        assert one["outcome"] == "partial"
        assert "large.bin" in one["reason"]
        assert "50,000 bytes" in one["reason"]
    assert asyncio.run(bench.tools.contents.get(ref)) == CONTENTS["large.bin"]
    assert ref["sha256"].hex().encode() in bench.archived()[delivery["path"]]
