"""`chatledger import` beside everything else: what was archived is in the mailboxes, and status says so."""

import json
from pathlib import Path

import pytest

from cli.demonstration.site import Site
from cli.words.mailboxes import not_imported
from tests.cli.playground import UNADDRESSED, Installation, chatledger, install

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
    (folder / "summary").write_text(done.stdout, encoding="utf-8")
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
def test_it_says_what_it_did(imported: Installation) -> None:
    """By connector: behind the summary of `run --once`, and in the importer's log when it ends."""
    document = json.loads(imported.chatledger("status", "--json").stdout)
    counts = document["import"]["copies"]["liveperson"]
    told = f"{counts['ok']:,} imported, {counts['partial']:,} imported in part, 0 skipped, 0 refused, 0 waiting\n"
    assert f"into mailboxes of liveperson: {told}" in (imported.folder / "summary").read_text(
        encoding="utf-8"
    )
    log = (imported.folder / "state" / "logs" / "import.log").read_text(encoding="utf-8")
    assert log.index("puts copies into ") < log.index("assigned: ")  # at once: what comes next takes its time
    assert log.endswith(f"since the start: liveperson: {told}")


def test_what_is_not_in_its_mailbox_is_a_fault_of_the_run() -> None:
    """One sentence for each connector; what was skipped by order is none."""
    outcomes = {"lp": {"ok": 3, "skipped": 2, "failed": 0, "waiting": 0}, "wx": {"failed": 1, "waiting": 1}}
    assert not_imported(outcomes) == [
        "wx: 2 copies are not in their mailboxes; `chatledger log wx` lists them"
    ]


@pytest.mark.slow
def test_check_looks_where_mailboxes_are(imported: Installation) -> None:
    """With the wait of each start; a folder that can't be made is a fault."""
    said = imported.chatledger("check").stdout
    assert "ok    import into maildir, each start waits 10 s (settle_seconds)\n" in said
    text = imported.path.read_text(encoding="utf-8")
    other = imported.path.with_name("other.toml")
    other.write_text(
        text.replace(f'path = "{imported.folder / "boxes"}"', f'path = "{imported.path}"'), encoding="utf-8"
    )
    done = chatledger("check", "-c", str(other))
    assert done.returncode == 1
    assert (
        f"FAIL  import into maildir: folder can't be written: {imported.path}: it is no folder" in done.stdout
    )


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
