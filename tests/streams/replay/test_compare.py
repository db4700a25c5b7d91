"""What a comparison says of a mail and its copies, however its store compares."""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stores.folder import FolderStore
from stores.interface import CHUNK_SIZE, BlobMissingError, Comparing, Store, StoreUnavailableError
from stores.within import Within
from streams import contents
from streams.contents import Contents
from streams.replay.findings import Finding
from streams.replay.targets import Compare

PLACES = ("ann/m.eml", "ben/m.eml", "cem/m.eml", "dan/m.eml")


class Found:
    """Findings in memory."""

    def __init__(self) -> None:
        self.counts, self.explained, self.findings = Counter[str](), list[str](), list[Finding]()

    def add(self, finding: Finding) -> None:
        """Keep it."""
        self.findings.append(finding)

    def explain(self, path: str) -> None:
        """Keep it."""
        self.explained.append(path)


def copies_of(mail: bytes) -> Any:
    """A mail with four copies, in two segments."""
    data = (mail[:7], mail[7:])
    return {
        "connector_uid": "lp", "conversation": "c", "slice": "p0000", "path": "_mails/m.eml",
        "targets": [{"path": path} for path in PLACES],
        "segments": [{"data": one, "content": None, "encoding": "raw"} for one in data],
    }  # fmt: skip


def lay(root: Path, mail: bytes) -> None:
    """The mail, a copy as it should be, one that was changed, none, and a link."""
    for path, data in (("_mails/m.eml", mail), ("ann/m.eml", mail), ("ben/m.eml", mail[:-1] + b"!")):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    (root / "dan").mkdir()
    (root / "dan/m.eml").symlink_to(root / "ann/m.eml")


@pytest.mark.parametrize("size", [0, 1_200_000])  # put together in memory, or not
@pytest.mark.parametrize("at_once", [True, False])  # by what a folder can do, or by what every store can
def test_each_way_of_comparing_says_the_same(tmp_path: Path, size: int, *, at_once: bool) -> None:
    """Equal, different and missing are counted apart for mail and copies; findings have what should stand there."""
    mail = b"A: 1\r\n\r\n" + b"x" * size + b"\r\nend."
    lay(tmp_path / "in", mail)
    folder = FolderStore(tmp_path / "in") if at_once else FolderStore(tmp_path)
    store: Store = folder if at_once else Within(folder, "in")
    assert isinstance(store, Comparing) == at_once
    found = Found()
    asyncio.run(Compare(store, Contents(store)).handle(copies_of(mail), found))
    assert found.counts == {"equal": 1, "copies_equal": 1, "copies_different": 2, "copies_missing": 1}
    assert found.explained == ["_mails/m.eml", *PLACES]
    kinds = [(one.kind, one.path, one.copy) for one in found.findings]
    assert kinds == [
        ("different", "ben/m.eml", True), ("missing", "cem/m.eml", True), ("different", "dan/m.eml", True)
    ]  # fmt: skip
    assert {one.sha256 for one in found.findings} == {hashlib.sha256(mail).hexdigest()}
    told = [one.detail for one in found.findings]
    assert "the log says" in told[0]
    assert told[1] == "lp, conversation c, slice p0000"
    assert "symbolic link" in told[2]


class Losing(FolderStore):
    """A folder from which a file goes between the comparison and the look at what differs."""

    async def stream(self, path: str, *, chunk_size: int = CHUNK_SIZE) -> AsyncIterator[bytes]:
        """As if it were gone."""
        if path == "ben/m.eml":
            raise BlobMissingError(path)
        async for chunk in super().stream(path, chunk_size=chunk_size):
            yield chunk


def test_what_goes_while_it_is_looked_at_is_missing_and_the_others_are_told(tmp_path: Path) -> None:
    """A copy that differed and was removed before anybody could say where ends nothing: it counts once, as missing."""
    lay(tmp_path, mail := b"A: 1\r\n\r\nend.")
    store, found = Losing(tmp_path), Found()
    asyncio.run(Compare(store, Contents(store)).handle(copies_of(mail), found))
    assert found.counts == {"equal": 1, "copies_equal": 1, "copies_different": 1, "copies_missing": 2}
    assert found.explained == ["_mails/m.eml", *PLACES]
    assert [(one.kind, one.path) for one in found.findings] == [
        ("missing", "ben/m.eml"), ("missing", "cem/m.eml"), ("different", "dan/m.eml")
    ]  # fmt: skip


@pytest.mark.parametrize("size", [0, 1_200_000])
def test_a_pipe_in_place_of_a_copy_is_a_difference(tmp_path: Path, size: int) -> None:
    """Nobody waits for somebody to write into it."""
    lay(tmp_path, mail := b"A: 1\r\n\r\n" + b"x" * size + b"end.")
    (tmp_path / "ann/m.eml").unlink()
    os.mkfifo(tmp_path / "ann/m.eml")
    store, found = FolderStore(tmp_path, durable=False), Found()
    asyncio.run(Compare(store, Contents(store)).handle(copies_of(mail), found))
    assert found.counts == {"equal": 1, "copies_different": 3, "copies_missing": 1}


class Away(FolderStore):
    """A folder that gives each attachment at the second time of asking only, as a throttled store does."""

    asked = 0

    async def stream(self, path: str, *, chunk_size: int = CHUNK_SIZE) -> AsyncIterator[bytes]:
        """Not the first time."""
        if path.startswith("_content/"):
            self.asked += 1
            if self.asked % 2:
                raise StoreUnavailableError(path)
        async for chunk in super().stream(path, chunk_size=chunk_size):
            yield chunk


@pytest.mark.parametrize("size", [10, 1_200_000])
def test_a_comparison_waits_for_attachments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A store that is away while an attachment is fetched ends no comparison."""
    monkeypatch.setattr(contents, "FIRST_WAIT_SECONDS", 0.01)
    store, found, data = Away(tmp_path, durable=False), Found(), b"y" * size

    async def run() -> None:
        ref = await Contents(store).put(data)
        lay(tmp_path, b"A: 1\r\n\r\n" + data)
        copies = copies_of(b"A: 1\r\n\r\n")
        copies["segments"].append({"data": b"", "content": ref, "encoding": "raw"})
        await Compare(store, Contents(store)).handle(copies, found)

    asyncio.run(run())
    assert found.counts == {"equal": 1, "copies_equal": 1, "copies_different": 2, "copies_missing": 1}


@pytest.mark.parametrize("size", [10, 1_200_000])
def test_copies_of_a_mail_whose_attachment_is_gone_are_no_strangers(tmp_path: Path, size: int) -> None:
    """The mail can't be made, which is told of it alone: the log does explain what stands there."""
    lay(tmp_path, b"A: 1\r\n\r\n")
    copies, store, found = copies_of(b"A: 1\r\n\r\n"), FolderStore(tmp_path, durable=False), Found()
    ref = {"sha256": b"\0" * 32, "size": size}
    copies["segments"].append({"data": b"", "content": ref, "encoding": "raw"})
    with pytest.raises(BlobMissingError):
        asyncio.run(Compare(store, Contents(store)).handle(copies, found))
    assert found.explained == ["_mails/m.eml", *PLACES]
    assert not found.counts
