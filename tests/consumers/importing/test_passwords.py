"""A password for each mailbox, from a file."""

import os
from pathlib import Path

import pytest

from consumers.importing.passwords import PasswordsFile
from consumers.importing.settings import ImportSettings
from tests.consumers.importing.office import Office, id_of, settings_of, until
from tests.dovecot import Dovecot

PRECIOUS = "pr3c,ious"


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    """The file, replaced as a whole by one with this text."""
    new = path.with_name("new")
    new.write_text(text, encoding="utf-8")
    new.chmod(mode)
    return new.rename(path)


def settings(server: Dovecot, file: Path) -> ImportSettings:
    """An import with this file and no other password."""
    return settings_of(
        server, patience_seconds=0, target={"auth": {"method": "password", "passwords_file": file}}
    )


@pytest.mark.kafka
@pytest.mark.imap
def test_each_mailbox_has_its_own_password(office: Office, dovecot: Dovecot, tmp_path: Path) -> None:
    """A mailbox without a line waits and is named, others go on; a line that is added while it runs lets it go on."""
    ana, ben = (
        dovecot.add("ana.p@bank.example", password=PRECIOUS),
        dovecot.add("ben.p@bank.example", password="b"),
    )
    file = written(tmp_path / "passwords.csv", f'mailbox,password\n ANA.P@Bank.example,"{PRECIOUS}"\n')
    office.file(1, [ana, ben])
    with office.importing(settings(dovecot, file)):
        until(lambda: office.outcomes() == {(id_of(1), ana): "ok", (id_of(1), ben): "waiting"})
        assert (
            office.newest()[id_of(1), ben]["reason"] == f"no password: passwords_file has no line for {ben}"
        )
        written(file, f'mailbox,password\n{ana},"{PRECIOUS}"\n{ben},b\n')
        until(lambda: office.outcomes()[id_of(1), ben] == "ok")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """The sentence has the command that mends it."""
    file = written(tmp_path / "pass words.csv", "mailbox,password\na@b.example,x\n", mode)
    with pytest.raises(
        ValueError, match=r"others can read passwords_file .*; run `chmod 600 '.*pass words\.csv'`"
    ):
        PasswordsFile(file)
    file.chmod(0o600)
    assert PasswordsFile(file).passwords() == {"a@b.example": "x"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"a@b.example,{PRECIOUS}\n", "has not the headings mailbox,password"),
        (
            f"mailbox,password\na@b.example,x\nA@B.example,{PRECIOUS}\n",
            "line 3: A@B.example stands there twice",
        ),
        (f"mailbox,password\n,{PRECIOUS}\n", "line 2: the line needs a mailbox and a password"),
        ("mailbox,password\na@b.example\n", "line 2: a@b.example needs a mailbox and a password"),
    ],
)
def test_a_fault_is_named_by_its_line_and_without_a_password(tmp_path: Path, text: str, said: str) -> None:
    """The file is refused as a whole."""
    with pytest.raises(ValueError, match="passwords_file") as refused:
        PasswordsFile(written(tmp_path / "p.csv", text))
    assert said in str(refused.value)
    assert PRECIOUS not in str(refused.value)


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(ValueError, match=r"p\.csv can't be read: No such file or directory"):
        PasswordsFile(tmp_path / "p.csv")


def test_a_change_for_the_worse_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Half a file, one that is too open, none at all: the passwords stay, and it is said once each; a good one counts at once."""
    file = written(tmp_path / "p.csv", "mailbox,password\na@b.example,x\n")
    known = PasswordsFile(file)
    for number, worse in enumerate(
        ("mailbox,password\na@b.example", "mailbox,password\na@b.example,y\n", None)
    ):
        if worse:
            written(file, worse, 0o644 if number else 0o600)
        else:
            file.unlink()
        assert known.passwords() == known.passwords() == {"a@b.example": "x"}
        assert len(caplog.records) == number + 1
        assert "passwords stay as they were" in caplog.text
    written(file, "mailbox,password\na@b.example,z\n")
    os.utime(file, ns=(1, 1))  # an older time is another time too
    assert known.passwords() == {"a@b.example": "z"}
