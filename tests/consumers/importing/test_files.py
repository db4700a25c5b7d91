"""The import into a Maildir and into a folder of .eml files."""

import mailbox
from pathlib import Path

import pytest

from consumers.importing.settings import ImportSettings
from tests.consumers.importing.office import Office, id_of, mail_bytes, until

pytestmark = pytest.mark.kafka
ANA = "ana@bank.example"


def settings(kind: str, path: Path, **changes: object) -> ImportSettings:
    """An import into files below this folder."""
    return ImportSettings.model_validate(
        {
            "target": {"kind": kind, "path": path},
            "session_seconds": 2,
            "retry_seconds": 0.3,
            "settle_seconds": 0.2,
        }
        | changes
    )


def test_a_maildir_that_other_programs_read(office: Office, tmp_path: Path) -> None:
    """The standard library finds the folder and the mail in it, unread, with the conversation's date; twice changes nothing."""
    data = mail_bytes(1)
    office.file(1, [ANA], data)
    newest = office.imported(settings("maildir", tmp_path / "box"))
    box = mailbox.Maildir(tmp_path / "box" / ANA, create=False).get_folder("Webex Teams")
    assert [
        (box.get_bytes(key), box.get_message(key).get_subdir(), box.get_message(key).get_date())
        for key in box.iterkeys()
    ] == [(data, "new", 1_772_632_932.0)]
    assert newest[id_of(1), ANA]["item"] in {key.partition(":")[0] for key in box.iterkeys()}
    # A mail program has seen it, and all receipts are lost.
    message = box.get_message(next(box.iterkeys()))
    message.set_subdir("cur")
    message.add_flag("S")
    box[next(box.iterkeys())] = message
    assert "found" in again(office, settings("maildir", tmp_path / "box", group="another"))
    assert len(box) == 1


def again(office: Office, other: ImportSettings) -> list[str]:
    """Import once more as if the receipts were lost: how the items got there."""
    copy = dict(office.ledger[0]["copies"][0], routing=9)
    office.say({**office.ledger[0], "copies": [copy]}, 0)  # type: ignore[list-item]  # a copy with another number
    with office.importing(other, "another"):
        until(lambda: 9 in [one["routing"] for one in office.receipts()])
    return [one["how"] for one in office.receipts() if one["routing"] == 9]


def test_a_folder_of_eml_files(office: Office, tmp_path: Path) -> None:
    """Each at its path in the archive, and what has a header before it is another file with the original's hash."""
    data = mail_bytes(1)
    office.file(1, [ANA], data)
    office.imported(settings("folder", tmp_path / "out"))
    assert (tmp_path / "out" / ANA / "Webex Teams/2026/03/04/1.eml").read_bytes() == data
    assert again(office, settings("folder", tmp_path / "out", group="another")) == ["found"]


def test_a_copy_that_was_altered_goes_nowhere(office: Office, tmp_path: Path) -> None:
    """The ledger's hash is asked before anything leaves the archive; the copy waits with the reason, others go on."""
    one = office.file(1, [ANA])
    office.file(2, [ANA])
    path = office.archive / str(one["copies"][0]["path"])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"hello", b"jello"))
    newest = office.imported(settings("folder", tmp_path / "out"))
    assert (newest[id_of(1), ANA]["outcome"], newest[id_of(2), ANA]["outcome"]) == ("waiting", "ok")
    assert str(newest[id_of(1), ANA]["reason"]).startswith("the copy was altered")
    assert not list((tmp_path / "out").rglob("1.eml"))
