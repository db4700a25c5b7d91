"""What a comparison says of a mail and its copies, however its store compares."""

import asyncio
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stores.folder import FolderStore
from stores.interface import Comparing, Store
from stores.within import Within
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
