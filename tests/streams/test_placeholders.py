"""Which files of a mail have placeholders is decided when it is made first, also where it is none of them."""

import asyncio
from pathlib import Path

import pytest

from schemas import disposed
from schemas.disposed import Note
from schemas.records import ClosedSlice
from stores.folder import FolderStore
from stores.paths import content_path, disposed_path, placeholders_path
from streams.contents import Contents
from streams.placeholders import with_placeholders
from tests.streams.mail_cases import AGENT, CONTENTS, closed, said, stored

FILE = stored("offer.pdf")
MAIL = closed([said(0, AGENT, "hello", attachments=[FILE])])
NOTE = Note("ab" * 16, 1_790_000_000_000)


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    """A store that an order removed the file of the mail from, which came back since."""
    made = Contents(FolderStore(tmp_path, durable=False))
    assert FILE["content"] is not None
    asyncio.run(made.note(disposed_path(FILE["content"]["sha256"].hex()), NOTE.written()))
    asyncio.run(made.put(CONTENTS["offer.pdf"]))
    return made


def lost(folder: Path) -> None:
    """The file is gone, as after a backup that is older than it."""
    assert FILE["content"] is not None
    (folder / content_path(FILE["content"]["sha256"].hex())).unlink()


def made(contents: Contents, *, keep: bool) -> ClosedSlice:
    """The slice as its mail says it."""
    return asyncio.run(with_placeholders(contents, MAIL, keep=keep))


def outcome(found: ClosedSlice) -> str:
    """What became of the file."""
    return found["events"][0]["attachments"][0]["outcome"]


def test_a_file_that_was_there_when_its_mail_was_made_never_gets_a_placeholder(
    contents: Contents, tmp_path: Path
) -> None:
    """Who makes the mail again must miss the file, and not say that an order removed it: the bytes would be others."""
    assert outcome(made(contents, keep=True)) == "stored"
    lost(tmp_path)
    assert outcome(made(contents, keep=True)) == outcome(made(contents, keep=False)) == "stored"


def test_a_look_decides_nothing(contents: Contents, tmp_path: Path) -> None:
    """A comparison or a second set of mails is no mail of the archive."""
    assert outcome(made(contents, keep=False)) == "stored"
    lost(tmp_path)
    found = made(contents, keep=False)
    assert outcome(found) == "disposed"
    assert found["events"][0]["attachments"][0]["reason"] == NOTE.sentence()
    assert not (tmp_path / placeholders_path(MAIL["closing_id"].hex())).exists()


def test_of_two_who_make_a_mail_at_once_the_first_decides(
    contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one has looked when the file was gone already."""
    path, note = placeholders_path(MAIL["closing_id"].hex()), contents.note

    async def late(where: str, data: bytes) -> None:
        await note(path, disposed.written({}))
        await note(where, data)

    lost(tmp_path)
    monkeypatch.setattr(contents, "note", late)
    assert outcome(made(contents, keep=True)) == "stored"
