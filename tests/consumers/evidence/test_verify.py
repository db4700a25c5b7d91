"""Damaged archives are found out, by our check and by the stranger's program alike; intact ones are not."""

import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.main import main
from consumers.evidence.anchor import announced
from consumers.evidence.close import Closer
from consumers.evidence.errors import EvidenceError
from consumers.evidence.prove import check, prove
from consumers.evidence.rotate import rotate
from consumers.evidence.verify import Anchor, Report, Verifier
from consumers.orders import audit, say
from schemas.admin import create_topics
from schemas.broker import KafkaSettings
from stores.folder import FolderStore
from tests.consumers.evidence.injector import DAMAGES, FILES, TRUNCATIONS, manifest
from tests.consumers.evidence.rig import STRANGER, Site
from tests.servers import Servers, wanted_way

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def site(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three manifests over six mails, one of which was disposed of."""
    folder = tmp_path_factory.mktemp("evidence")
    kafka = KafkaSettings(
        bootstrap=servers.broker(wanted_way()).bootstrap, partitions=2, topic_prefix=f"{folder.name}-"
    )
    create_topics(kafka)
    site = Site(kafka, folder)
    for number in range(6):
        site.capture(f"c{number}", 2)
        mail = site.deliver(number)
        if number == 3:
            _dispose(site, mail)
        if number % 2:
            site.close()
    yield site
    site.leave()


def _dispose(site: Site, mail: str) -> None:
    """As the command does: say it, then remove."""
    say(site.kafka, site.codec, [
        audit("cd" * 16, "disposition", at_ms=1, connector_uid="lp", conversation="c3", by="dpo", reason="erasure 4"),
        audit("cd" * 16, "disposed", at_ms=2, mails=bytes.fromhex(mail)), audit("cd" * 16, "finished", at_ms=3),
    ])  # fmt: skip
    (site.folder / "disposed").write_text(f"{mail[:2]}/{mail}.eml")
    for path in site.archive.rglob("*.eml"):
        if path.stem in {mail, "3"}:
            path.unlink()


@pytest.fixture
def archive(site: Site, tmp_path: Path) -> Iterator[Path]:
    """A copy to damage, with what a thief may have beside it."""
    shutil.copytree(site.folder, tmp_path / "copy")
    yield tmp_path / "copy" / "archive"
    shutil.rmtree(tmp_path / "copy")


def ours(archive: Path, anchor: Anchor | None = None) -> Report:
    """What our check finds."""
    return asyncio.run(Verifier(FolderStore(archive), anchor).run())


def theirs(*arguments: object) -> tuple[int, str]:
    """Exit code and words of the stranger's program, which can import nothing of ours."""
    command = [sys.executable, "-I", str(STRANGER), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd="/")
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_an_intact_archive_is_as_its_evidence_says(archive: Path) -> None:
    """Nothing is wrong, everything is counted, and what was disposed of is told with who and why."""
    report = ours(archive)
    assert report.faults == []
    assert (report.manifests, report.mails, report.copies) == (3, 5, 10)
    (disposal,) = report.disposals.all()
    assert "conversation c3: 1 mail" in disposal.sentence()
    assert "by dpo: erasure 4" in disposal.sentence()
    assert theirs(archive) == (0, "nothing is wrong\n")


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_found_by_both(archive: Path, damage: str) -> None:
    """Our check and the stranger's program find it, and name the same files where files were damaged."""
    DAMAGES[damage](archive)
    faults, (code, said) = ours(archive).faults, theirs(archive)

    assert faults
    assert code == 1
    if damage in FILES:
        assert _mails(faults) == _mails(said.splitlines()) != set()


def _mails(faults: list[str]) -> set[str]:
    return {fault.partition(": ")[0] for fault in faults if fault.partition(": ")[0].endswith(".eml")}


@pytest.mark.parametrize("damage", TRUNCATIONS)
def test_a_truncated_chain_is_found_by_who_knows_its_end(archive: Path, site: Site, damage: str) -> None:
    """The archive alone looks whole: the topic's roots, a noted root or a noted number show that it is not."""
    root = json.loads(manifest(archive, 3).read_bytes().splitlines()[0])["root"]
    TRUNCATIONS[damage](archive)
    known = {one["number"]: one["manifest"].hex() for one in announced(site.kafka, site.codec)}

    assert ours(archive).faults == []
    assert theirs(archive)[0] == 0
    assert ours(archive, Anchor(roots=known)).faults
    assert ours(archive, Anchor(root=root)).faults
    assert theirs(archive, "--root", root)[0] == 1
    assert ours(archive, Anchor(at_least=3)).faults
    assert theirs(archive, "--at-least", 3)[0] == 1


def stated(archive: Path, number: int) -> dict[str, Any]:
    """What a manifest states."""
    found: dict[str, Any] = json.loads(manifest(archive, number).read_bytes().splitlines()[0])
    return found


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_was_noted_of_an_intact_chain_is_found_in_it(archive: Path, number: int) -> None:
    """Key, root and number of any manifest: nothing is wrong, by our check, our command and the stranger's program."""
    one = stated(archive, number)
    assert ours(archive, Anchor(one["key"], one["root"], number)).faults == []
    noted = ("--key", one["key"], "--at-least", str(number))
    done = CliRunner().invoke(
        main, ["evidence", "verify", str(archive), *noted, "--expect-root", one["root"]]
    )
    assert done.exit_code == 0, done.output
    assert theirs(archive, *noted, "--root", one["root"]) == (0, "nothing is wrong\n")


@pytest.mark.parametrize(
    ("anchor", "option", "fault"),
    [
        (Anchor(key="ab" * 32), ("--key", "ab" * 32), "no manifest is signed with key abab"),
        (Anchor(root="cd" * 32), ("--root", "cd" * 32), "no manifest has the root cdcd"),
        (Anchor(at_least=4), ("--at-least", "4"), "ends with manifest 3, but there were 4"),
    ],
)
def test_what_was_noted_and_is_not_there_is_the_only_fault(
    archive: Path, anchor: Anchor, option: tuple[str, str], fault: str
) -> None:
    """Each is named for itself; a root is no key, nor the other way round."""
    (found,) = ours(archive, anchor).faults
    assert fault in found
    code, said = theirs(archive, *option)
    assert (code, said.count("\n")) == (1, 1)
    one = stated(archive, 1)
    swapped = ours(archive, Anchor(key=one["root"], root=one["key"])).faults
    assert [
        each.partition(f" {value}")[0] for each, value in zip(swapped, (one["root"], one["key"]), strict=True)
    ] == [
        "no manifest is signed with key",
        "no manifest has the root",
    ]


def test_a_key_counts_when_its_signature_does(archive: Path) -> None:
    """A manifest that names a key which did not sign it is not signed with it."""
    path = manifest(archive, 3)
    one, other = stated(archive, 3)["key"], "ef" * 32
    path.write_bytes(path.read_bytes().replace(f'"key":"{one}"'.encode(), f'"key":"{other}"'.encode(), 1))
    assert any(
        "no manifest is signed with key efef" in fault for fault in ours(archive, Anchor(key=other)).faults
    )


def test_keys_before_and_after_a_change_are_both_found(site: Site, tmp_path: Path) -> None:
    """The new one once it has signed; before that the check says that it is only introduced."""
    changing = Site(_another(site), tmp_path)
    changing.capture("c0", 1)
    changing.close()
    made = asyncio.run(
        rotate(changing.closer(), changing.kafka, changing.codec, changing.key_file, "ana", "yearly")
    )
    old, new = made.statement.key, made.statement.next_key
    (early,) = ours(changing.archive, Anchor(key=new)).faults
    assert "only introduces it" in early
    changing.capture("c1", 1)
    changing.close()
    changing.leave()
    for key in (old, new):
        assert ours(changing.archive, Anchor(key=key)).faults == []
        assert theirs(changing.archive, "--key", key) == (0, "nothing is wrong\n")


def _another(site: Site) -> KafkaSettings:
    """Topics of their own on the same broker."""
    kafka = site.kafka.model_copy(update={"topic_prefix": f"{site.kafka.topic_prefix}changing-"})
    create_topics(kafka)
    return kafka


def test_a_chain_made_by_somebody_else_is_found_by_who_knows_the_key(archive: Path, site: Site) -> None:
    """All of the evidence made anew with another key looks whole, but not to who noted the key or asks the topic."""
    statement = json.loads(manifest(archive, 1).read_bytes().splitlines()[0])
    shutil.rmtree(archive / "_evidence")
    (archive.parent / "evidence.key").unlink()
    forger = Site(site.kafka, archive.parent)
    known = {one["number"]: one["manifest"].hex() for one in announced(site.kafka, site.codec)}
    with pytest.MonkeyPatch.context() as patch:  # a forger has no use for our topic
        patch.setattr("consumers.evidence.anchor.announced", lambda *_: [])
        patch.setattr("consumers.evidence.anchor.announce", lambda *_: None)
        asyncio.run(Closer(site.kafka, site.codec, FolderStore(archive), forger.key_file).close())

    assert ours(archive).faults == []
    assert theirs(archive)[0] == 0
    (fault,) = ours(archive, Anchor(key=statement["key"])).faults
    assert "somebody else made this chain" in fault
    assert theirs(archive, "--key", statement["key"])[0] == 1
    assert ours(archive, Anchor(roots=known)).faults


def test_a_manifest_that_was_begun_is_no_fault(archive: Path) -> None:
    """Killed before the signature: the check says that closing again finishes it."""
    folder = archive / "_evidence/00000004"
    folder.mkdir()
    (folder / "plan.json").write_bytes((archive / "_evidence/00000003/plan.json").read_bytes())
    report = ours(archive)
    assert (report.faults, len(report.notes)) == ([], 1)
    assert theirs(archive)[0] == 0


@pytest.mark.parametrize("index", range(4))
def test_a_mail_is_proven_alone(archive: Path, tmp_path: Path, index: int) -> None:
    """By the id of a mail or the path of a copy; the proof needs no archive, and holds for that file only."""
    mails = sorted((archive / "_mails").rglob("*.eml"))
    path = mails[index]
    copy = next(
        one for one in archive.rglob("*.eml") if one not in mails and one.read_bytes() == path.read_bytes()
    )
    for name in (path.stem, str(copy.relative_to(archive))):
        proof = asyncio.run(prove(FolderStore(archive), name)).encode()
        leaf = check(proof).leaf
        assert leaf["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        (tmp_path / "proof.json").write_bytes(proof)
        code, said = theirs(tmp_path / "proof.json", path)
        assert (code, said.splitlines()[-1]) == (0, "nothing is wrong")
        assert theirs(tmp_path / "proof.json", mails[index - 1])[0] == 1
        assert theirs(tmp_path / "proof.json", "--key", "00" * 32)[0] == 1


@pytest.mark.parametrize("part", ["leaf", "index", "path", "statement", "signature", "count"])
def test_a_changed_proof_proves_nothing(archive: Path, tmp_path: Path, part: str) -> None:
    """Whatever is changed in it, both refuse."""
    mail = min((archive / "_mails").rglob("*.eml")).stem
    proof = json.loads(asyncio.run(prove(FolderStore(archive), mail)).encode())
    changed = {
        "leaf": proof["leaf"].replace("lp", "xx"), "index": proof["index"] ^ 1, "path": proof["path"][::-1],
        "statement": proof["statement"].replace('"number":', '"number":1'), "count": proof["count"] + 1,
        "signature": proof["signature"][::-1],
    }  # fmt: skip
    (tmp_path / "proof.json").write_text(json.dumps({**proof, part: changed[part]}))
    with pytest.raises(EvidenceError):
        check((tmp_path / "proof.json").read_bytes())
    assert theirs(tmp_path / "proof.json")[0] == 1


def test_what_is_not_there_can_not_be_proven(archive: Path) -> None:
    """The sentence says what to give."""
    with pytest.raises(EvidenceError, match="no manifest knows"):
        asyncio.run(prove(FolderStore(archive), "0" * 32))


def test_the_stranger_s_program_is_short_and_knows_nothing_of_ours() -> None:
    """Under 100 lines, the standard library and cryptography only."""
    text = STRANGER.read_text(encoding="utf-8")
    imports = {
        word.strip(",")
        for line in text.splitlines()
        if line.startswith("import ")
        for word in line.split()[1:]
    }
    assert len(text.splitlines()) < 100
    assert imports <= set(sys.stdlib_module_names)
    assert {line.split()[1].partition(".")[0] for line in text.splitlines() if line.startswith("from ")} == {
        "cryptography"
    }


def test_the_commands_work_on_a_folder_alone(archive: Path, tmp_path: Path) -> None:
    """verify, prove and check need no configuration and no Kafka; exit codes say what they found."""
    mail = min((archive / "_mails").rglob("*.eml"))
    proof = CliRunner().invoke(main, ["evidence", "prove", mail.stem, "--archive", str(archive)])
    assert proof.exit_code == 0, proof.output
    (tmp_path / "proof.json").write_text(proof.output)
    checked = CliRunner().invoke(main, ["evidence", "check", str(tmp_path / "proof.json"), str(mail)])
    assert (checked.exit_code, mail.stem in checked.output) == (0, True)
    other = CliRunner().invoke(main, ["evidence", "check", str(tmp_path / "proof.json"), str(STRANGER)])
    assert (other.exit_code, "is not what was proven" in other.output) == (1, True)
    assert CliRunner().invoke(main, ["evidence", "verify", str(archive)]).exit_code == 0
    mail.unlink()
    found = CliRunner().invoke(main, ["evidence", "verify", str(archive)])
    assert (found.exit_code, f"{mail.name}: removed" in found.output) == (1, True)
