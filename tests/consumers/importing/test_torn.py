"""Files that were begun and never finished: a full disk, a kill. They are not taken for the mail, and do not stay."""

import hashlib
import io
import json
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from consumers.importing.files import EmlTarget, MaildirTarget
from consumers.importing.shape import Shaped
from consumers.importing.troubles import HostError, ItemError
from schemas.records import Receipt

REPOSITORY = Path(__file__).parents[3]
EXAMPLE = REPOSITORY / "schemas" / "examples" / "Receipt.json"
ROOM = 200_000
LARGE = b"y" * 2 * ROOM
KILLED = """\
import os, signal, sys
from pathlib import Path
from tests.consumers.importing.test_torn import mail_of, one_of, session_of

class Deadly:
    def chunks(self):
        yield b"the first part"
        os.kill(os.getpid(), signal.SIGKILL)

session_of(sys.argv[1], Path(sys.argv[2])).put(one_of(), Deadly())
"""


def hash_of(data: bytes) -> bytes:
    """SHA-256 of a copy."""
    return hashlib.sha256(data).digest()


def one_of(**changes: Any) -> Receipt:
    """A blank receipt."""
    one: Receipt = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return {
        **one,
        "mail_id": b"m" * 32,
        "path": "ana/Webex/1.eml",
        "occasion": "live",
        "sha256": hash_of(b"whole"),
    } | changes  # type: ignore[return-value]  # any field


def mail_of(data: bytes) -> Shaped:
    """What is to be put."""
    return Shaped(io.BytesIO(data), (data,))


def session_of(kind: str, root: Path) -> Any:
    """A session of a target in files."""
    target = MaildirTarget(root, "Inbox/{folder}", read=False) if kind == "maildir" else EmlTarget(root)
    return target.open("ana@bank.example")


def begun(root: Path) -> list[str]:
    """Files that are there under a name of work in progress."""
    return [
        str(path)
        for path in root.rglob("*")
        if path.is_file() and (path.parent.name == "tmp" or path.suffix == ".part")
    ]


@pytest.mark.parametrize("kind", ["maildir", "folder"])
def test_what_a_full_disk_leaves_is_no_mail(kind: str, tmp_path: Path) -> None:
    """It is not found, it is gone, and with room again the whole mail is put."""
    one, before = one_of(sha256=hash_of(LARGE)), resource.getrlimit(resource.RLIMIT_FSIZE)
    session = session_of(kind, tmp_path / "out")
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        with pytest.raises(HostError, match="can't be written"):
            session.put(one, mail_of(LARGE))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (session.find(one), begun(tmp_path / "out")) == (None, [])
    name = session.put(one, mail_of(LARGE))
    assert session.find(one) == name


@pytest.mark.parametrize("kind", ["maildir", "folder"])
def test_what_a_kill_leaves_is_no_mail(kind: str, tmp_path: Path) -> None:
    """SIGKILL behind the first part: it is not found, and the next attempt puts the whole mail in its place."""
    root = tmp_path / "out"
    command = [sys.executable, "-c", KILLED, kind, str(root)]
    done = subprocess.run(command, check=False, cwd=REPOSITORY, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(begun(root)) == 1
    session = session_of(kind, root)
    assert session.find(one_of()) is None
    name = session.put(one_of(), mail_of(b"whole"))
    assert (session.find(one_of()), begun(root)) == (name, [])
    assert [path.read_bytes() for path in root.rglob("*") if path.is_file() and path.stat().st_size] == [
        b"whole"
    ]


@pytest.mark.parametrize("kind", ["maildir", "folder"])
def test_an_item_that_is_put_again_is_not_taken_for_the_older_one(kind: str, tmp_path: Path) -> None:
    """Only what its own replay has put is found, by the moment of the replay."""
    session = session_of(kind, tmp_path)
    session.put(one_of(), mail_of(b"whole"))
    anew = one_of(occasion="again", at_ms=7)
    assert session.find(anew) is None
    name = session.put(anew, mail_of(b"whole"))
    assert session.find(anew) == name != session.find(one_of())
    assert session.find(one_of(occasion="again", at_ms=8)) is None


def test_somebody_elses_file_is_not_taken_for_the_mail(tmp_path: Path) -> None:
    """Other bytes, or a link, at the path of a copy: it is refused and stays; the same bytes are the mail, also with a header."""
    session, place = session_of("folder", tmp_path), tmp_path / "ana/Webex/1.eml"
    place.parent.mkdir(parents=True)
    (tmp_path / "same.eml").write_bytes(b"whole")
    for stand in (lambda: place.write_bytes(b"other"), lambda: place.symlink_to(tmp_path / "same.eml")):
        stand()
        assert session.find(one_of()) is None
        with pytest.raises(ItemError, match="another file is there"):
            session.put(one_of(), mail_of(b"whole"))
        place.unlink()
    name = session.put(one_of(), mail_of(b"Content-Class: x\r\nwhole"))
    assert session.put(one_of(), mail_of(b"Content-Class: x\r\nwhole")) == name
    assert begun(tmp_path) == []
