"""Whatever is malformed is a finding of the check, never a traceback."""

import asyncio
import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consumers.evidence.verify import Report, Verifier
from stores.folder import FolderStore
from tests.consumers.evidence.injector import leaves, overwrite, own_key, relist, sign
from tests.consumers.evidence.offline import make


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive to damage."""
    return make(tmp_path)


def ours(archive: Path) -> Report:
    """What our check finds."""
    return asyncio.run(Verifier(FolderStore(archive)).run())


def first_leaf(line: bytes) -> Callable[[Path], None]:
    """This in place of the first leaf of the last manifest, signed with the stolen key: no root gives it away."""

    def change(archive: Path) -> None:
        relist(archive, 2, lambda lines: [line, *lines[1:]])
        sign(archive, 2, own_key(archive), {})

    return change


def stated(changes: dict[str, Any]) -> Callable[[Path], None]:
    """The last manifest with other fields, signed with the stolen key."""
    return lambda archive: sign(archive, 2, own_key(archive), changes)


def in_place(name: str, data: bytes) -> Callable[[Path], None]:
    """Other bytes for a file of the last manifest."""
    return lambda archive: overwrite(archive / "_evidence/00000002" / name, data)


def linked(name: str) -> Callable[[Path], None]:
    """A link to the same bytes, in place of a file."""

    def change(archive: Path) -> None:
        path = archive / name
        path.rename(archive.parent / "elsewhere")
        path.symlink_to(archive.parent / "elsewhere")

    return change


def odd_name(archive: Path) -> None:
    """A copy whose name is no UTF-8."""
    Path(os.fsdecode(os.fsencode(archive) + b"/ana@bank.example/\xff\xfe.eml")).write_bytes(b"x")


def pipe(archive: Path) -> None:
    """Who opens it waits for ever."""
    leaves(archive, 2).unlink()
    os.mkfifo(leaves(archive, 2))


def far(archive: Path) -> None:
    """Nobody counts up to it."""
    shutil.copytree(archive / "_evidence/00000002", archive / "_evidence/99999999")


def short_lines(archive: Path) -> None:
    """A small file of many lines."""
    overwrite(leaves(archive, 2), gzip.compress(b"{}\n" * 3_000_000))


MALFORMED: dict[str, Callable[[Path], None]] = {
    "path dict": first_leaf(b'{"kind":"mail","path":{},"sha256":"x","id":"x"}'),
    "path number": first_leaf(b'{"kind":"mail","path":99999999999999999999999,"sha256":"%s","id":"x"}' % (b"0" * 64)),
    "path surrogate": first_leaf(b'{"kind":"mail","path":"\\ud800","sha256":"%s","id":"x"}' % (b"0" * 64)),
    "path null": first_leaf(b'{"kind":"mail","path":null,"sha256":"%s","id":"x"}' % (b"0" * 64)),
    "hash list": first_leaf(b'{"kind":"copy","path":"a","sha256":[],"mail":"x"}'),
    "hash short": first_leaf(b'{"kind":"copy","path":"a","sha256":"ab","mail":"x"}'),
    "mails dicts": first_leaf(b'{"kind":"audit","what":"disposed","order":"x","mails":[{}]}'),
    "mails number": first_leaf(b'{"kind":"audit","what":"disposed","order":"x","mails":5}'),
    "mails text": first_leaf(b'{"kind":"audit","what":"disposed","order":"x","mails":"abc"}'),
    "what list": first_leaf(b'{"kind":"audit","what":[]}'),
    "kind number": first_leaf(b'{"kind":5}'), "no kind": first_leaf(b"{}"), "leaf list": first_leaf(b"[]"),
    "leaf deep": first_leaf(b"[" * 200_000), "leaf no text": first_leaf(b"\xff\xfe\xfd"),
    "range short": stated({"ranges": {"deliveries": [[0, 1]]}}), "range empty": stated({"ranges": {"deliveries": [[]]}}),
    "range dict": stated({"ranges": {"deliveries": {}}}), "range backwards": stated({"ranges": {"deliveries": [[0, 1, 0]]}}),
    "range twice": stated({"ranges": {"deliveries": [[0, 9, 9], [0, 1, 2]]}}), "range number": stated({"ranges": 5}),
    "range long": stated({"ranges": {"deliveries": [[0, 1, 1 << 70]]}}),
    "range text": stated({"ranges": {"deliveries": ["012"]}}),
    "time backwards": stated({"closed_at": "2026-02-01T00:00:00.000Z"}), "no time": stated({"closed_at": "yesterday"}),
    "count text": stated({"count": "3"}), "counts list": stated({"counts": []}), "key dict": stated({"next_key": {}}),
    "more fields": stated({"note": "added"}),
    "manifest deep": in_place("manifest.jsonl", b"[" * 200_000 + b"\n{}\n"),
    "manifest null": in_place("manifest.jsonl", b"null\nnull\n"), "manifest empty": in_place("manifest.jsonl", b""),
    "leaves empty": in_place("leaves.jsonl.gz", b""), "leaves no gzip": in_place("leaves.jsonl.gz", b"x" * 99),
    "long line": in_place("leaves.jsonl.gz", gzip.compress(b"x" * (40 << 20) + b"\n" * 3)),
    "short lines": short_lines, "manifest link": linked("_evidence/00000002/manifest.jsonl"),
    "leaves link": linked("_evidence/00000002/leaves.jsonl.gz"), "folder link": linked("_evidence/00000001"),
    "evidence link": linked("_evidence"), "mails link": linked("_mails"),
    "mail link": linked("_mails/lp/11/" + "1" * 32 + ".eml"), "mailbox link": linked("ana@bank.example"),
    "name no text": odd_name, "leaves pipe": pipe, "number far": far,
}  # fmt: skip


def test_the_archive_made_by_hand_is_intact(archive: Path) -> None:
    """Else the damages below would prove nothing."""
    report = ours(archive)
    assert (report.faults, report.manifests, report.mails, report.copies) == ([], 2, 2, 2)


@pytest.mark.parametrize("damage", MALFORMED)
def test_what_is_malformed_is_a_finding(archive: Path, damage: str) -> None:
    """It is named, soon, and the check goes on to its end."""
    MALFORMED[damage](archive)
    assert 0 < len(ours(archive).faults) < 10


def test_leaves_beyond_the_signed_count_are_not_read(archive: Path) -> None:
    """Who adds millions of lines does not keep the check busy."""
    short_lines(archive)
    report = ours(archive)
    assert any("more leaves than were signed" in fault for fault in report.faults)
    assert any("a leaf can't be read" in fault for fault in report.faults)


def test_the_rest_of_the_leaves_counts_where_one_can_not_be_read(archive: Path) -> None:
    """One bad leaf makes no other mail unknown."""
    first_leaf(b'{"kind":5}')(archive)
    (one, other) = ours(archive).faults
    assert "manifest 2: a leaf can't be read" in one
    assert other.startswith("_mails/lp/22/")


def test_an_order_with_an_impossible_time_is_told_as_it_stands(archive: Path) -> None:
    """The words of the report never fail."""
    leaf = {"kind": "audit", "what": "disposition", "order": 7, "at_ms": 1e99, "before_ms": "x", "mails": []}
    relist(archive, 2, lambda lines: [*lines, json.dumps(leaf).encode()])
    sign(archive, 2, own_key(archive), {})
    report = ours(archive)
    assert report.faults == []
    assert [one.sentence()[:10] for one in report.disposals.all()] == ["1e+99 UTC,"]
