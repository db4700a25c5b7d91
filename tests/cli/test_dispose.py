"""Disposition on a whole installation: what is ordered leaves archive, content store and replay, and the evidence knows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.demonstration.site import Site
from cli.words.summary import summarise
from consumers.reading import read_all
from schemas.codec import Codec
from schemas.deliveries import stands
from schemas.records import Delivery
from schemas.topics import DELIVERIES
from tests.cli.playground import REPOSITORY, Installation, install

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]
BY = ("--by", "dpo@bank.example", "--reason", "erasure request 17")


@pytest.fixture(scope="module")
def archived(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """LivePerson's week, archived and signed."""
    changes = {"[worker]": "[worker]"} if "[worker]" in site.config_path.read_text() else {}
    made = install(site, tmp_path_factory.mktemp("dispose") / "dispose", only="liveperson", changes=changes)
    done = made.chatledger("run", "--once", timeout_s=200)
    assert "Evidence: manifest 1 is signed" in done.stdout, done.stderr
    return made


def deliveries(one: Installation) -> list[Delivery]:
    """The ledger."""
    codec = Codec()
    return [codec.decode(record.value or b"").value for record in read_all(one.config.kafka, DELIVERIES)]


def order(one: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Give an order while a worker runs."""
    with one.running("work"):
        return one.chatledger("dispose", *arguments, timeout_s=120)


def compared(one: Installation) -> Any:
    """What a replay of everything finds."""
    return one.chatledger("replay", "--into", "compare", "--json", timeout_s=120)


def stranger(archive: Path) -> int:
    """The exit code of the verifier that knows nothing of ours."""
    return subprocess.run(
        [sys.executable, REPOSITORY / "docs/verify_evidence.py", archive], check=False
    ).returncode


def contents(one: Installation) -> set[str]:
    """Names of files in the content store."""
    return {path.name for path in (one.archive / "_content").rglob("*") if path.is_file()}


def test_what_an_order_would_remove_is_shown_before_it_is_asked_for(archived: Installation) -> None:
    """Counts, mailboxes and what is on hold; neither a look, nor a *no*, nor what a hold is known to refuse is an order."""
    wanted = next(one for one in deliveries(archived) if one["copies"])
    named = ("--connector", "liveperson", "--conversation", wanted["conversation"])
    placed = archived.chatledger(
        "hold", "place", *named, "--by", "legal", "--reason", "case 6"
    ).stdout.split()[1]
    looked = archived.chatledger("dispose", "order", *named, *BY, "--dry-run")
    assert looked.returncode == 0, looked.stderr
    assert "would be disposed of: 1 conversation, " in looked.stdout
    assert str(wanted["copies"][0]["mailbox"]) in looked.stdout
    assert f"on hold by legal (case 6), hold {placed}: the order will be refused" in looked.stdout
    for how in ([], ["--yes"]):
        refused = archived.chatledger("dispose", "order", *named, *BY, *how)
        assert refused.returncode == 1
        assert f"on hold by legal (case 6), hold {placed}: nothing is disposed of" in refused.stderr
        assert "can't be brought back" not in refused.stdout
        assert "no order was ever given" in archived.chatledger("dispose", "list").stdout
    archived.chatledger("hold", "release", placed, "--by", "legal", "--reason", "settled")
    asked = archived.chatledger("dispose", "order", *named, *BY)
    assert asked.returncode == 1
    assert "would be disposed of: 1 conversation, " in asked.stdout
    assert "can't be brought back" in asked.stdout
    assert "no order was ever given" in archived.chatledger("dispose", "list").stdout


@pytest.fixture(scope="module")
def erased(archived: Installation) -> tuple[Installation, Delivery, set[str]]:
    """A conversation with a file was erased; what the content store had before."""
    before = contents(archived)
    wanted = max(deliveries(archived), key=lambda one: _attachments(archived, one))
    done = order(
        archived, "order", "--connector", "liveperson", "--conversation", wanted["conversation"], *BY, "--yes"
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return archived, wanted, before


def _attachments(one: Installation, delivery: Delivery) -> int:
    return (one.archive / delivery["path"]).read_bytes().count(b"Content-Disposition: attachment")


def test_what_was_erased_is_gone_and_the_rest_is_there(
    erased: tuple[Installation, Delivery, set[str]],
) -> None:
    """Mails and copies of the conversation left, with files that nobody else refers to; nothing else did."""
    one, gone, before = erased
    for delivery in deliveries(one):
        there = delivery["conversation"] != gone["conversation"]
        paths = [delivery["path"], *(copy["path"] for copy in delivery["copies"] if copy["path"])]
        assert {(one.archive / path).exists() for path in paths} == {there}
    assert contents(one) < before


def test_a_replay_makes_and_misses_nothing_of_it(erased: tuple[Installation, Delivery, set[str]]) -> None:
    """The comparison is well and counts it; a rebuild does not bring it back."""
    one, gone, _ = erased
    done = compared(one)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["counts"]["disposed"] > 0
    assert one.chatledger("replay", "--into", "store", timeout_s=120).returncode == 0
    assert not (one.archive / gone["path"]).exists()


def test_the_summary_says_apart_what_was_disposed_of(
    erased: tuple[Installation, Delivery, set[str]],
) -> None:
    """What `run --once` counts has it, so as many as have left stand beside the count."""
    one, gone, _ = erased
    ours = [each for each in deliveries(one) if each["conversation"] == gone["conversation"]]
    copies = sum(stands(copy) for each in ours for copy in each["copies"])
    found = summarise(one.config, Codec(), 0.0)
    assert found.departed == (len(ours), copies)
    assert found.mails == len(deliveries(one))


def test_the_evidence_still_verifies_and_tells_of_it(erased: tuple[Installation, Delivery, set[str]]) -> None:
    """Closed after the order, the chain is whole, ours and the stranger's check agree, and the order stands there."""
    one, gone, _ = erased
    before = one.chatledger("evidence", "verify")
    assert before.returncode == 0, before.stdout
    assert ", not in a manifest yet" in before.stdout
    assert one.chatledger("evidence", "close").returncode == 0
    done = one.chatledger("evidence", "verify")
    assert done.returncode == 0, done.stdout
    assert f"conversation {gone['conversation']}" in done.stdout
    assert "by dpo@bank.example: erasure request 17" in done.stdout
    assert stranger(one.archive) == 0
    listed = one.chatledger("dispose", "list").stdout
    assert gone["conversation"] in listed


def test_what_came_back_from_a_backup_is_found_and_removed_again(
    erased: tuple[Installation, Delivery, set[str]],
) -> None:
    """The evidence says that it stands again; `dispose again` removes it."""
    one, gone, _ = erased
    path = one.archive / gone["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"from a backup")
    found = one.chatledger("evidence", "verify", str(one.archive))
    assert found.returncode == 1
    assert "was disposed of, but stands here" in found.stdout
    assert "1 mail, 0 copies and 0 files left the archive again" in one.chatledger("dispose", "again").stdout
    assert not path.exists()


@pytest.mark.long
def test_a_hold_refuses_until_it_is_released(erased: tuple[Installation, Delivery, set[str]]) -> None:
    """Nothing leaves the archive under a hold; what it refuses is not even on record."""
    one, gone, _ = erased
    held = next(d for d in deliveries(one) if d["conversation"] != gone["conversation"])
    name = ("--connector", "liveperson", "--conversation", held["conversation"])
    placed = one.chatledger("hold", "place", *name, "--by", "legal", "--reason", "case 7")
    refused = order(one, "order", *name, *BY, "--yes")
    assert refused.returncode == 1
    assert "on hold by legal (case 7)" in refused.stderr
    assert (one.archive / held["path"]).exists()
    assert "withdrawn" not in one.chatledger("dispose", "list").stdout
    hold = placed.stdout.split()[1]
    assert hold in one.chatledger("hold", "list").stdout
    assert one.chatledger("hold", "release", hold, "--by", "legal", "--reason", "settled").returncode == 0
    assert "nothing is on hold" in one.chatledger("hold", "list").stdout


@pytest.mark.long
def test_without_a_worker_the_order_waits_and_is_finished_later(
    erased: tuple[Installation, Delivery, set[str]],
) -> None:
    """What is under way could still be stored: the order says so, stands, and is finished once a worker ran."""
    one, gone, _ = erased
    other = next(d for d in reversed(deliveries(one)) if d["conversation"] != gone["conversation"])
    name = ("--connector", "liveperson", "--conversation", other["conversation"])
    done = one.chatledger("dispose", "order", *name, *BY, "--yes", "--patience", "2")
    assert done.returncode == 1
    assert "is a worker running?" in done.stderr
    assert (one.archive / other["path"]).exists()
    assert order(one, "finish").returncode == 0
    assert not (one.archive / other["path"]).exists()


@pytest.mark.long
def test_retention_disposes_of_all_that_is_past_its_term(
    erased: tuple[Installation, Delivery, set[str]],
) -> None:
    """The chats are months old: a term of a year keeps them, a term of a day does not; what is on hold stays."""
    one, _, _ = erased
    kept = next(d for d in deliveries(one) if (one.archive / d["path"]).exists())
    assert "no retention_days" in one.chatledger("dispose", "due").stdout
    text = one.path.read_text()
    one.path.write_text(
        text.replace(
            'name = "LivePerson (simulated)"', 'name = "LivePerson (simulated)"\nretention_days = 36500'
        )
    )
    assert "nothing is past 36,500 days" in one.chatledger("dispose", "due").stdout
    one.path.write_text(one.path.read_text().replace("36500", "1"))
    one.chatledger("hold", "place", "--connector", "liveperson", "--conversation", kept["conversation"],
                   "--by", "legal", "--reason", "case 8")  # fmt: skip
    shown = one.chatledger("dispose", "due", "--dry-run").stdout
    assert "would be disposed of: " in shown
    assert "stays, since it is on hold: 1 conversation, " in shown
    done = order(one, "due")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "what stays: the events in raw-events" in done.stdout
    left = {d["conversation"] for d in deliveries(one) if (one.archive / d["path"]).exists()}
    assert left == {kept["conversation"]}
    assert one.chatledger("evidence", "close").returncode == 0
    assert one.chatledger("evidence", "verify").returncode == 0
    assert compared(one).returncode == 0
