"""Where replays put mails beside the archive: an order finds all of it, whatever the prefixes are called."""

import asyncio
from pathlib import Path

import pytest

from consumers.disposition.removing import new_remover
from stores.disposal import FolderDisposal

COPY = "ana@bank.example/Webex Teams/2026/03/02/wx-room0-day0-r0.eml"


@pytest.mark.parametrize(
    "names", [["july"], ["of/2026"], ["july", "july/second/look"], ["a", "a/b", "a/b/c"], ["for@ana", "x"]]
)
def test_prefixes_within_prefixes_are_found(tmp_path: Path, names: list[str]) -> None:
    """Mailboxes are none, so none of their folders is looked into."""
    for name in names:
        for path in ("_mails/wx/ad/ad36.eml", COPY):
            (tmp_path / "_replay" / name / path).parent.mkdir(parents=True)
            (tmp_path / "_replay" / name / path).write_bytes(b"x")
    remover = asyncio.run(new_remover(FolderDisposal(tmp_path)))
    assert remover.prefixes == [f"_replay/{name}" for name in names]
