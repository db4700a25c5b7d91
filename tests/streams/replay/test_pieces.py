"""Small parts of a replay: where two mails differ, where to begin, what is a stranger, what a state file keeps."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.live import LIVE_GROUP
from stores.folder import FolderStore
from stores.within import Within
from streams.in_force import in_force
from streams.positions import Stand
from streams.replay.differing import LINE_BYTES, first_difference
from streams.replay.findings import Finding
from streams.replay.state import PartitionState
from streams.replay.strangers import Listing, owner
from tests.streams.logs import control, raw

ACTIVATED: Any = {**control("", "mapping", "", None), "details": {"version": "v"}}
FACTS = in_force(ACTIVATED, LIVE_GROUP, 0, 3)
DAY_MS = 86_400_000
HEAD: Any = {**raw(("a", "c", "s0"), [], "live", 0, None), "slice": "p0000", "slice_start_ms": 0}


async def chunked(data: bytes, size: int) -> AsyncIterator[bytes]:
    """The bytes, so many at a time."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


def difference(ours: bytes, theirs: bytes, sizes: tuple[int, int] = (7, 11)) -> str:
    """What is told of two mails."""
    return asyncio.run(first_difference(chunked(ours, sizes[0]), chunked(theirs, sizes[1])))


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        (b"A: 1\r\nB: 2\r\n\r\nx", b"A: 1\r\nB: 3\r\n\r\nx", r"header 2: the log says 'B: 2\r\n', the archive has 'B: 3\r\n'"),
        (b"A: 1\r\n\r\nx\r\ny", b"A: 1\r\n\r\nx\r\nz", "line 4: the log says 'y', the archive has 'z'"),
        (b"A: 1\r\n\r\nx\r\n", b"A: 1\r\n\r\nx", r"line 3: the log says 'x\r\n', the archive has 'x'"),
        (b"A: 1\r\n\r\nx\r\n", b"A: 1\r\n\r\n", r"line 3: the log says 'x\r\n', the archive has nothing more"),
        (b"A: 1\r\n\r\nx", b"A: 1\r\n\r\nx", ""),
    ],
)  # fmt: skip
def test_the_first_differing_header_or_line_is_told(ours: bytes, theirs: bytes, told: str) -> None:
    """Headers and lines are counted from 1, and told as both have them."""
    assert difference(ours, theirs) == told


@settings(deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=40), st.integers(1, 9), st.integers(1, 9))
def test_chunks_make_no_difference(ours: bytes, theirs: bytes, one: int, other: int) -> None:
    """However the stores cut, the same is told; nothing only for equal bytes."""
    told = difference(ours, theirs, (one, other))
    assert told == difference(ours, theirs, (100, 100))
    assert (told == "") == (ours == theirs)


def test_long_lines_are_not_held() -> None:
    """A line of many times LINE_BYTES is told in pieces."""
    long = b"x" * (3 * LINE_BYTES)
    assert (
        difference(long + b"a", long + b"b", (1000, 70_000))
        == "header 4: the log says 'a', the archive has 'b'"
    )


@pytest.mark.parametrize(
    ("path", "uid"),
    [
        ("_mails/wx/ab/abcd.eml", "wx"),
        ("ana@bank.example/Webex Teams/2026/03/02/wx-room-2026-03-02-r0.eml", "wx"),
        ("ana@bank.example/Webex Teams/2026/03/02/wx-2-room-2026-03-02-r0.eml", "wx-2"),
        (f"ana@bank.example/F/2026/03/02/{'l' * 36}-tail~1-2026-03-02-r0.eml", "l" * 40),
        ("ana@bank.example/notes.txt", ""),
    ],
)
def test_whose_a_path_is(path: str, uid: str) -> None:
    """The longest uid wins, so that no connector answers for another's mails."""
    assert owner(path, sorted(["wx", "wx-2", "l" * 40], key=len, reverse=True)) == uid


@pytest.mark.parametrize(
    ("connectors", "strangers"),
    [
        ({"wx"}, ["a@b/wx-r0.eml"]),
        ({"wx-2"}, ["a@b/wx-2-r0.eml"]),
        (set(), ["_mails/lp/ab/2.eml", "a@b/notes.txt", "a@b/wx-2-r0.eml", "a@b/wx-r0.eml"]),
    ],
)
def test_strangers_are_what_nobody_explains(
    tmp_path: Path, connectors: set[str], strangers: list[str]
) -> None:
    """Of the selected connectors, or of the whole archive; the content store and replays with a prefix are left out."""
    archive = tmp_path / "archive"
    copies = ("a@b/wx-r0.eml", "a@b/wx-2-r0.eml", "a@b/notes.txt")
    for path in (
        "_mails/wx/ab/1.eml",
        "_mails/lp/ab/2.eml",
        "_content/ab/ab",
        "_replay/x/_mails/wx/1.eml",
        *copies,
    ):
        (archive / path).parent.mkdir(parents=True, exist_ok=True)
        (archive / path).write_bytes(b"x")
    listing = Listing(tmp_path / "listing.sqlite")
    asyncio.run(listing.fill(FolderStore(archive), frozenset(connectors), ["wx", "lp", "wx-2"]))
    listing.explain(["_mails/wx/ab/1.eml"])
    assert list(listing.rest()) == strangers
    listing.close()


def test_what_is_not_committed_is_gone(tmp_path: Path) -> None:
    """Position, counters, findings, closings and what is in force change together, or not at all."""
    path = tmp_path / "0.sqlite"
    state = PartitionState.blank(path)
    state.days().of(5, HEAD)
    state.begin(5, 50, facts=FACTS, refused=[7])
    state.counts["mails"] += 1
    state.add(Finding("missing", "a.eml"))
    state.commit(Stand(8, 9))
    state.counts["mails"] += 1
    state.add(Finding("missing", "b.eml"))
    state.explain("b.eml")
    state.close()
    found = PartitionState.open(path)
    assert (found.stand, found.first, found.until, found.finished) == (Stand(8, 9), 5, 50, False)
    assert (dict(found.counts), found.findings()) == ({"mails": 1}, [Finding("missing", "a.eml")])
    assert (list(found.explained()), found.refused) == ([], {7})
    assert found.memory().mapping(0, 4) == "v"
    later: Any = {**HEAD, "slice_start_ms": 9 * DAY_MS}
    assert found.days().of(6, later) == date(1970, 1, 1)
    found.close()


def test_a_store_within_another(tmp_path: Path) -> None:
    """Paths go in and come out without the prefix; what stands outside of it is not seen."""

    async def use() -> list[str]:
        outer = FolderStore(tmp_path)
        inner = Within(outer, "_replay/one")
        await outer.create("other.eml", b"o", content_type="message/rfc822")
        made = await inner.create("a.eml", b"x", content_type="message/rfc822")
        copied = await inner.copy("a.eml", "b/c.eml", content_type="message/rfc822", sha256=made.sha256)
        found = await inner.stat("b/c.eml")
        assert (made.path, copied.path, found and found.path) == ("a.eml", "b/c.eml", "b/c.eml")
        assert await inner.read("b/c.eml") == b"x"
        return [one.path async for one in inner.list()]

    assert asyncio.run(use()) == ["a.eml", "b/c.eml"]
    assert (tmp_path / "_replay/one/b/c.eml").is_file()
