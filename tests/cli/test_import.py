"""`chatledger import` beside everything else: what was archived is in the mailboxes, and status says so."""

import json
from pathlib import Path

import pytest

from cli.demonstration.site import Site
from tests.cli.playground import UNADDRESSED, Installation, install

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def imported(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """All of LivePerson's chats archived and put into Maildirs by one command."""
    folder = tmp_path_factory.mktemp("cli") / "imported"
    section = f'[import]\nsession_seconds = 2\n[import.target]\nkind = "maildir"\npath = "{folder / "boxes"}"\n\n[mapping]\n'
    users = f"{UNADDRESSED},robin.castell@bank.example\n"
    made = install(site, folder, users=users, only="liveperson", changes={"[mapping]\n": section})
    done = made.chatledger("run", "--once", timeout_s=200)
    assert done.returncode == 0, done.stderr
    return made


def relative(paths: list[Path], root: Path) -> list[tuple[str, bytes]]:
    """First folder below the root, and content."""
    return sorted((path.relative_to(root).parts[0], path.read_bytes()) for path in paths)


@pytest.mark.slow
def test_each_stored_copy_is_in_its_mailbox(imported: Installation) -> None:
    """As many items as copies, the same bytes for the same people; nothing waits."""
    copies = list(imported.archive.glob("*@*/**/*.eml"))
    items = list((imported.folder / "boxes").glob("*/.*/new/*"))
    assert len(copies) > 20
    assert relative(items, imported.folder / "boxes") == relative(copies, imported.archive)


@pytest.mark.slow
def test_status_shows_the_import(imported: Installation) -> None:
    """A table for people, the same for programs."""
    document = json.loads(imported.chatledger("status", "--json").stdout)
    counts = document["import"]["copies"]["liveperson"]
    assert counts["ok"] + counts["partial"] == len(list(imported.archive.glob("*@*/**/*.eml")))
    assert (counts["failed"], counts["waiting"], document["import"]["records"]) == (0, 0, 0)
    assert "importers: 0   mails to import: 0" in imported.chatledger("status").stdout


@pytest.mark.slow
def test_replay_brings_back_what_somebody_deleted(imported: Installation) -> None:
    """One item is gone: `--missing` appends it alone, and says so; both together, or neither, are refused."""
    gone = next(iter((imported.folder / "boxes").glob("*/.*/new/*")))
    data = gone.read_bytes()
    gone.unlink()
    done = imported.chatledger("replay", "--into", "mailbox", "--missing", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["appended"], report["there"]) == (1, report["selected"] - 1)
    assert gone.read_bytes() == data
    assert imported.chatledger("replay", "--into", "mailbox").returncode == 2
    assert imported.chatledger("replay", "--missing").returncode == 2


def test_without_a_section_it_says_what_is_missing(fresh: Installation) -> None:
    """One sentence, also from the health check."""
    for words in (["import"], ["health", "importer"]):
        done = fresh.chatledger(*words)
        assert done.returncode == 1
        assert "no section [import]" in done.stderr
