"""The demo over its own output: what an order disposed of since is left out, and no traceback."""

import asyncio
from pathlib import Path

import pytest

from cli.demonstration.job import openings, why_unchecked
from cli.demonstration.pick import standing
from cli.demonstration.site import CONFIG, WRITTEN, StoreKind, put_aside
from stores.folder import FolderStore


def test_a_copy_that_was_disposed_of_is_not_worth_opening(tmp_path: Path) -> None:
    """The ledger still names it; what stands is shown all the same."""
    (tmp_path / "there.eml").write_bytes(b"Subject: chat\r\n\r\nwords\r\n")
    store = FolderStore(tmp_path, durable=False)
    found = asyncio.run(standing(store, [("webex", "gone.eml"), ("liveperson", "there.eml")]))
    assert [(one.source, one.path) for one in found] == [("liveperson", "there.eml")]


@pytest.mark.parametrize(
    ("store", "departed", "said"),
    [
        ("folder", (0, 0), ""),
        ("folder", (27, 60), "27 mails left by order"),
        ("folder", None, "not known how many"),
        ("azurite", (0, 0), "the checker reads a folder"),
    ],
)
def test_the_checker_is_asked_only_about_what_is_whole(
    store: StoreKind, departed: tuple[int, int] | None, said: str
) -> None:
    """The sources' ledgers have what was disposed of: a comparison would call it missing."""
    told = why_unchecked(store, departed)
    assert said in told
    assert bool(told) == bool(said)


def test_where_nothing_is_left_to_open_nothing_is_announced() -> None:
    """Three are announced as three, fewer as mails, none not at all."""
    one = (Path("a.eml"), "a customer's chat")
    assert list(openings([])) == []
    assert next(openings([one])) == "\nMails worth opening:"
    assert next(openings([one] * 3)) == "\nThree mails worth opening:"


def test_a_configuration_that_somebody_changed_is_put_aside(tmp_path: Path) -> None:
    """Every version of theirs is kept, and each time a sentence says where; what nobody touched is no matter."""
    path = tmp_path / CONFIG
    assert put_aside(tmp_path) == ""
    for one in (path, tmp_path / WRITTEN):
        one.write_text("ours")
    assert put_aside(tmp_path) == ""
    assert path.read_text() == "ours"
    for number, name in enumerate((f"{CONFIG}.yours", f"{CONFIG}.yours1")):
        path.write_text(f"theirs {number}")
        assert f"yours is {tmp_path / name} now" in put_aside(tmp_path)
        assert (tmp_path / name).read_text() == f"theirs {number}"
        assert not path.exists()
