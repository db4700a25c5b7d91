"""Our check and the stranger's program agree on what docs/evidence.md decides, fault or none."""

import asyncio
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from consumers.evidence.errors import EvidenceError
from consumers.evidence.prove import check, prove
from stores.folder import FolderStore
from tests.consumers.evidence import test_malformed as malformed
from tests.consumers.evidence import test_proofs as proofs
from tests.consumers.evidence.injector import leaves, manifest, overwrite, own_key, sign
from tests.consumers.evidence.offline import make
from tests.consumers.evidence.rig import STRANGER


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two manifests, made by hand."""
    return make(tmp_path)


def theirs(*arguments: object) -> tuple[int, str]:
    """Exit code and words of the stranger's program; a traceback is none of them."""
    command = [sys.executable, "-I", str(STRANGER), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def added(name: str) -> Callable[[Path], None]:
    """A file more."""

    def change(archive: Path) -> None:
        (archive / name).parent.mkdir(parents=True, exist_ok=True)
        (archive / name).write_bytes(b"x")

    return change


def link(name: str) -> Callable[[Path], None]:
    """A link more, to something that is there."""
    return lambda archive: (archive / name).symlink_to(archive / "_mails")


def repacked(pack: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """The same leaves in another file."""
    return lambda archive: overwrite(
        leaves(archive, 2), pack(gzip.decompress(leaves(archive, 2).read_bytes()))
    )


def signature_line(change: Callable[[str], str]) -> Callable[[Path], None]:
    """The last manifest with its second line written otherwise: no later manifest holds its hash."""

    def altered(archive: Path) -> None:
        statement, line, _ = manifest(archive, 2).read_text().split("\n")
        overwrite(manifest(archive, 2), f"{statement}\n{change(json.loads(line)['signature'])}\n".encode())

    return altered


def made_again(*disposed: str, path: str = "_mails/lp/11/" + "1" * 32 + ".eml") -> Callable[[Path], None]:
    """The second manifest says of the first one's mail that it has other bytes, and which mails were disposed of."""

    def change(archive: Path) -> None:
        lines = gzip.decompress(leaves(archive, 2).read_bytes())
        for leaf in (
            {"kind": "mail", "id": "1" * 32, "path": path, "sha256": "0" * 64},
            {"kind": "audit", "what": "disposed", "mails": list(disposed)},
        ):
            lines += json.dumps(leaf).encode() + b"\n"
        overwrite(leaves(archive, 2), gzip.compress(lines))
        sign(archive, 2, own_key(archive), {})
        for mail in disposed:
            for gone in archive.rglob(f"{mail[0]}*.eml"):
                gone.unlink()

    return change


FAULTS: dict[str, Callable[[Path], None]] = {
    "hidden mail": added("ana@bank.example/.e.eml"), "hidden folder": added("ana@bank.example/.h/e.eml"),
    "hidden mail at the top": added(".x.EML"), "mail in a hidden folder of mails": added("_mails/lp/.x/a.eml"),
    "link": link("ana@bank.example/link.eml"), "link to a folder": link("ana@bank.example/linked"),
    "link in the evidence": link("_evidence/other"), "number 0": added("_evidence/00000000/manifest.jsonl"),
    "Arabic digits": added("_evidence/٠٠٠٠٠٠٠١/plan.json"), "plan 1": added("_evidence/00000002/plan-1.json"),
    "plan 100": added("_evidence/00000002/plan-100.json"), "plan 02": added("_evidence/00000002/plan-02.json"),
    "nine digits": added("_evidence/000000001/plan.json"),
    "members": repacked(lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:])),
    "zeros": repacked(lambda data: gzip.compress(data) + b"\0" * 512), "tail": repacked(lambda data: gzip.compress(data) + b"x"),
    "signature blanks": signature_line(lambda one: f'{{"signature": "{one}"}}'),
    "signature upper": signature_line(lambda one: f'{{"signature":"{one.upper()}"}}'),
    "signature padded": signature_line(lambda one: f'{{"signature":" {one}"}}'),
    "signature twice": signature_line(lambda one: f'{{"signature":"00","signature":"{one}"}}'),
    "other bytes": made_again(), "other bytes of what another order took": made_again("3" * 32),
    "other bytes in the place of another mail": made_again("1" * 32, path=f"_mails/lp/22/{'2' * 32}.eml"),
    "signature and more": signature_line(lambda one: f'{{"note":"added","signature":"{one}"}}'),
}  # fmt: skip

NONE: dict[str, Callable[[Path], None]] = {
    "made again after it was disposed of": made_again("1" * 32),
    "what file browsers leave": added("_mails/lp/.DS_Store"), "in a mailbox": added("ana@bank.example/.DS_Store"),
    "in the evidence": added("_evidence/.x/anything"), "hidden at the top": added(".incoming/a.eml"),
    "plan altered": malformed.in_place("plan.json", b"garbage"),
    "plan 2": added("_evidence/00000002/plan-2.json"), "plan 99": added("_evidence/00000002/plan-99.json"),
    "packed otherwise": repacked(lambda data: gzip.compress(data, 1)), "content": added("_content/ab/x"),
}  # fmt: skip


@pytest.mark.parametrize("damage", FAULTS)
def test_both_find_it(archive: Path, damage: str) -> None:
    """What the specification forbids."""
    FAULTS[damage](archive)
    assert malformed.ours(archive).faults
    assert theirs(archive)[0] == 1


@pytest.mark.parametrize("change", NONE)
def test_both_pass_over_it(archive: Path, change: str) -> None:
    """What the specification leaves to others."""
    NONE[change](archive)
    assert malformed.ours(archive).faults == []
    assert theirs(archive) == (0, "nothing is wrong\n")


@pytest.mark.parametrize("damage", malformed.MALFORMED)
def test_the_stranger_s_program_finds_what_is_malformed_too(archive: Path, damage: str) -> None:
    """As a line, never as a traceback."""
    malformed.MALFORMED[damage](archive)
    assert theirs(archive)[0] == 1


@pytest.mark.parametrize("part", proofs.MALFORMED)
def test_the_stranger_s_program_refuses_malformed_proofs_too(
    archive: Path, tmp_path: Path, part: str
) -> None:
    """As ours does."""
    proof = json.loads(asyncio.run(prove(FolderStore(archive), proofs.MAIL)).encode())
    (tmp_path / "proof.json").write_text(json.dumps(proof | proofs.MALFORMED[part]))
    assert theirs(tmp_path / "proof.json")[0] == 1


def test_a_stranger_s_key_is_named_by_both(archive: Path, tmp_path: Path) -> None:
    """All of it made anew: the proof fits together, and who gives no key is told that it was compared with none."""
    proof = asyncio.run(prove(FolderStore(archive), proofs.MAIL)).encode()
    (tmp_path / "proof.json").write_bytes(proof)
    key = check(proof).key
    code, said = theirs(tmp_path / "proof.json")
    assert (code, f"signed with key {key}, which was compared with none" in said) == (0, True)
    assert theirs(tmp_path / "proof.json", "--key", key)[0] == 0
    assert theirs(tmp_path / "proof.json", "--key", "00" * 32)[0] == 1
    (tmp_path / "proof.json").write_text(json.dumps({**json.loads(proof), "format": "other"}))
    assert theirs(tmp_path / "proof.json")[0] == 1
    with pytest.raises(EvidenceError):
        check((tmp_path / "proof.json").read_bytes())


def test_a_name_writes_no_line_of_their_report(archive: Path) -> None:
    """As in ours."""
    (archive / "ana@bank.example" / "x\nnothing is wrong\n.eml").write_bytes(b"x")
    assert theirs(archive) == (1, "ana@bank.example/x\\nnothing is wrong\\n.eml: no manifest knows it\n")


@pytest.mark.parametrize(
    "given", [["nowhere"], ["proof.json", "nowhere.eml"], ["nowhere.json", "proof.json"]]
)
def test_what_is_not_there_is_a_sentence(tmp_path: Path, given: list[str]) -> None:
    """Exit code 2 of both, as for any command line that can't be understood; never a traceback."""
    (tmp_path / "proof.json").write_text("{}")
    command = "check" if len(given) == 2 else "verify"
    for program in ([str(STRANGER)], ["-m", "cli.main", "evidence", command]):
        paths = [str(tmp_path / name) for name in given]
        done = subprocess.run(
            [sys.executable, *program, *paths],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=STRANGER.parents[1],
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "nowhere" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_wrong_file_is_told_apart_from_a_wrong_key(archive: Path, tmp_path: Path) -> None:
    """Each by its name, also a mail where a proof belongs, by both programs."""
    mail, proof = min((archive / "_mails").rglob("*.eml")), tmp_path / "proof.json"
    proof.write_bytes(asyncio.run(prove(FolderStore(archive), mail.stem)).encode())
    code, said = theirs(proof, STRANGER)
    assert (code, f"{STRANGER} is not what was proven: it has SHA-256 " in said) == (1, True)
    assert "not with the one that was given" not in said
    code, said = theirs(proof, mail, "--key", "0" * 64)
    assert (code, "not with the one that was given" in said) == (1, True)
    assert "is not what was proven" not in said
    code, said = theirs(mail)
    assert (code, said.startswith(f"{mail}, given as a proof, is not what")) == (1, True)
    key = json.loads(json.loads(proof.read_bytes())["statement"])["key"]
    assert theirs(proof, mail, "--key", key)[0] == 0


def test_the_stranger_s_program_is_a_page() -> None:
    """Under 100 lines, and nothing but the standard library and cryptography."""
    text = STRANGER.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 100
    names = re.findall(r"^(?:import|from) (.+?)(?: import .*)?$", text, re.MULTILINE)
    roots = {one.split(".")[0] for name in names for one in name.split(", ")}
    assert roots - {"cryptography"} <= sys.stdlib_module_names
