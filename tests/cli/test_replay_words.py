"""What a person types after `chatledger replay`, and what is said to it; nothing here needs a server."""

from collections import Counter
from pathlib import Path

import click
import pytest

from cli.parts.config import Config
from cli.parts.replaying import file_not_in_force, goal, stranger
from cli.words.replay import Shown, rerouted_text, write_text
from consumers.mapping import load
from consumers.mapping_settings import MappingSettings
from stores.settings import AzureSettings, FolderSettings
from streams.replay.reroute import Rerouted
from streams.replay.session import Report

AZURE = AzureSettings(kind="azure", container="abc", connection_string_env="NONE")


@pytest.mark.parametrize(
    ("into", "kind", "place"),
    [
        ("dry-run", "dry-run", ""), ("compare", "compare", ""), ("store", "store", ""),
        ("_replay/july", "prefix", "july"), ("_replay/a/b", "prefix", "a/b"), ("/some/where", "folder", "/some/where"),
    ],
)  # fmt: skip
def test_what_is_meant_goes_there(into: str, kind: str, place: str) -> None:
    """Keywords, a prefix that says so, and paths that begin like one."""
    found = goal(into, AZURE)
    assert (found.kind, found.place) == (kind, place)


def test_a_folder_beside_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What begins with ./ counts from where the command is given."""
    monkeypatch.chdir(tmp_path)
    assert goal("./july", AZURE).place == str(tmp_path.resolve() / "july")


@pytest.mark.parametrize(
    ("into", "meant"),
    [
        ("dryrun", "dry-run"), ("Store", "store"), ("stroe", "store"), ("COMPARE", "compare"), ("july", "_replay/july"),
        ("mailboxes", "mailbox"),
        ("a/b", ""), ("../x", ""), ("~/x", ""), (".", ""), ("", ""), ("_replay", ""), ("_mails/webex", ""),
    ],
)  # fmt: skip
def test_a_slip_of_the_finger_is_refused(into: str, meant: str) -> None:
    """With all that is possible, and what was probably meant."""
    with pytest.raises(click.UsageError) as error:
        goal(into, AZURE)
    said = str(error.value)
    assert "dry-run, compare, store, mailbox, _replay/NAME" in said
    assert said.endswith(f"; did you mean {meant}?") if meant else "did you mean" not in said


@pytest.mark.parametrize("name", ["", "/x", "../x", "a//b", ".hidden"])
def test_no_prefix_leaves_its_place(name: str) -> None:
    """A path that a store can't hold, or that would lead elsewhere, is refused in a sentence."""
    with pytest.raises(click.UsageError, match="every store can hold"):
        goal(f"_replay/{name}", AZURE)


def test_no_prefix_looks_like_a_mailbox_in_another_one() -> None:
    """Orders of disposition look for prefixes within prefixes, and not within mailboxes."""
    assert goal("_replay/for-ana@bank.example", AZURE).place == "for-ana@bank.example"
    with pytest.raises(click.UsageError, match="as mailboxes have"):
        goal("_replay/july/ana@bank.example", AZURE)


def test_the_archive_is_no_folder_elsewhere(tmp_path: Path) -> None:
    """What is made there would be in no ledger."""
    for place in (tmp_path, tmp_path / "_mails", tmp_path / "x" / ".."):
        with pytest.raises(click.UsageError, match="lies in the archive"):
            goal(str(place), FolderSettings(kind="folder", path=tmp_path))


def a_config(tmp_path: Path) -> Config:
    """One connector, `bank`."""
    return Config.model_validate({
        "kafka": {"bootstrap": "127.0.0.1:1"}, "store": {"kind": "folder", "path": tmp_path}, "state_dir": tmp_path,
        "mapping": {"domains": ["bank.example"]},
        "connector": [{
            "kind": "webex", "uid": "bank", "name": "Bank", "client_id": "x", "client_secret": {"env": "X"},
            "token_file": "x",
        }],
    })  # fmt: skip


def test_an_unknown_connector_is_named_with_those_that_are_known(tmp_path: Path) -> None:
    """Also one that collected once and was taken out of the configuration is known."""
    config = a_config(tmp_path)
    assert stranger(config, ["typo"], ["gone"]) == "no connector typo; there are bank, gone"
    assert not stranger(config, ["bank", "gone"], ["gone"])
    assert not stranger(config, [])


def test_a_file_that_is_not_in_force_is_said(tmp_path: Path) -> None:
    """Another one, one with a fault; nothing where it is the one."""
    file = tmp_path / "users.csv"
    mapping = MappingSettings(file=file, domains=["bank.example"])
    file.write_text("ExternalUserId,O365UserMailbox\np0,ana@bank.example\n", encoding="utf-8")
    version = load(mapping)["version"]
    assert not file_not_in_force(mapping, version)
    assert "`chatledger mapping apply` first" in file_not_in_force(mapping, "0" * 64)
    file.write_text("nothing", encoding="utf-8")
    assert "is not in force, it has a fault" in file_not_in_force(mapping, version)


def table(into: str, **counts: int) -> list[str]:
    """The rows of a report as words."""
    shown = Shown(
        {"connectors": [], "conversations": [], "mailboxes": [], "from": None, "to": None}, into,
        Report({"mails": 3, "copies": 4, **counts}, [], None, {}), 1.0, resumed=False,
    )  # fmt: skip
    return [" ".join(line.replace("│", " ").split()) for line in write_text(shown).splitlines()]


def test_what_nobody_asked_has_no_number() -> None:
    """A dash in the table; 0 only where it was looked for."""
    assert "mails 3 - - - - -" in table("dry-run")
    assert "mails 3 0 3 0 - -" in table("store", new=3)
    assert "mails 3 3 - 0 0 -" in table("compare", equal=3)
    assert "mails 3 3 - 0 0 0" in table("compare", equal=3, unexplained=0)


def test_why_nothing_was_rerouted() -> None:
    """Nothing selected, or nothing differs; a rerouting that did something needs no reason."""

    def said(**counts: int) -> str:
        return rerouted_text(Rerouted(Counter(counts)), "abc", 1.0, as_json=False)

    assert "nothing in the ledger fits the selection" in said()
    assert "nothing differs under mapping abc" in said(mails=3)
    assert "nothing" not in said(mails=3, rerouted=1)
