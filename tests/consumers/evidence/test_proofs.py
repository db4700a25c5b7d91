"""Proofs that prove nothing are refused with a sentence, and whose key it was is always told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from consumers.evidence.errors import EvidenceError
from consumers.evidence.prove import check, prove
from stores.folder import FolderStore
from tests.consumers.evidence.injector import manifest, relist
from tests.consumers.evidence.offline import make

MAIL = "2" * 32


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two manifests, made by hand."""
    return make(tmp_path)


@pytest.fixture
def proof(archive: Path) -> dict[str, Any]:
    """That of the second mail."""
    found: dict[str, Any] = json.loads(asyncio.run(prove(FolderStore(archive), MAIL)).encode())
    return found


def command(folder: Path, data: bytes, *more: str) -> Result:
    """As it is given."""
    (folder / "proof.json").write_bytes(data)
    return CliRunner().invoke(main, ["evidence", "check", str(folder / "proof.json"), *more])


MALFORMED: dict[str, dict[str, Any]] = {
    "index float": {"index": 1.0}, "index true": {"index": True}, "index below": {"index": -1}, "count float": {"count": 3.0},
    "count without end": {"count": 10**4000}, "one field more": {"note": 1}, "other format": {"format": "chatledger evidence 1"},
    "path text": {"path": "ab"}, "path number": {"path": [1]}, "path upper": {"path": ["AB" * 32]}, "path empty": {"path": []},
    "leaf surrogate": {"leaf": "\ud800"}, "leaf list": {"leaf": "[]"}, "leaf deep": {"leaf": "[" * 100_000},
    "leaf event": {"leaf": '{"kind":"event"}'}, "leaf no hash": {"leaf": '{"kind":"mail","path":"a","id":"b"}'},
    "leaf number": {"leaf": 5}, "statement surrogate": {"statement": "\ud800"}, "statement deep": {"statement": "[" * 100_000},
    "statement null": {"statement": None}, "signature list": {"signature": [1]}, "signature upper": {"signature": "AB" * 64},
}  # fmt: skip


@pytest.mark.parametrize("part", MALFORMED)
def test_a_malformed_proof_proves_nothing(tmp_path: Path, proof: dict[str, Any], part: str) -> None:
    """A sentence and exit code 1; no traceback."""
    data = json.dumps(proof | MALFORMED[part]).encode()
    with pytest.raises(EvidenceError):
        check(data)
    done = command(tmp_path, data)
    assert (done.exit_code, done.output[:7]) == (1, "Error: ")


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"[" * 100_000, b"\xff\xfe\xfd", b'{"format":"chatledger evidence proof 1"}'],
)
def test_what_is_no_proof_proves_nothing(data: bytes) -> None:
    """Whatever the file is."""
    with pytest.raises(EvidenceError, match="not a proof of ours"):
        check(data)


@pytest.mark.parametrize("name", ["format", "leaf", "index", "count", "path", "statement", "signature"])
def test_every_field_is_needed(proof: dict[str, Any], name: str) -> None:
    """Also the format: without it nobody knows what was meant."""
    del proof[name]
    with pytest.raises(EvidenceError, match="not the fields of a proof"):
        check(json.dumps(proof).encode())


def test_the_key_is_named_and_whether_it_was_compared(
    tmp_path: Path, archive: Path, proof: dict[str, Any]
) -> None:
    """A stranger's key proves nothing but that the stranger signed: the words say so."""
    key = json.loads(manifest(archive, 2).read_bytes().splitlines()[0])["key"]
    data = json.dumps(proof).encode()
    alone, compared = command(tmp_path, data), command(tmp_path, data, "--key", key)
    assert (alone.exit_code, f"signed with key {key}, which was not compared" in alone.output) == (0, True)
    assert (compared.exit_code, f"the key that was given, {key}" in compared.output) == (0, True)
    assert "not compared" not in compared.output
    assert command(tmp_path, data, "--key", "00" * 32).exit_code == 1


def test_a_damaged_leaf_is_not_proven(archive: Path) -> None:
    """Making a proof from leaves that nobody can read ends with a sentence too."""
    relist(archive, 2, lambda lines: [b'{"id":"%s"}' % MAIL.encode(), *lines[1:]])
    with pytest.raises(EvidenceError, match="can't be read"):
        asyncio.run(prove(FolderStore(archive), MAIL))


def test_a_name_writes_no_line_of_the_report(archive: Path) -> None:
    """A line feed, an escape sequence or half a character in a file's name is written out."""
    for name in (
        "x\n2 manifests checked: nothing is wrong\n.eml",
        "y\x1b[2K\r.eml",
        "z\u202e.eml",
        "\udcff.eml",
    ):
        (archive / "ana@bank.example" / name).write_bytes(b"x")
    done = CliRunner().invoke(main, ["evidence", "verify", str(archive)])
    lines = done.output.splitlines()
    assert (done.exit_code, len(lines)) == (1, 7)
    assert sum("`chatledger evidence close` first" in line for line in lines) == 1
    assert lines[-1].endswith("4 faults")
    assert all(line.isprintable() for line in lines)
    assert r"x\n2 manifests checked: nothing is wrong\n.eml" in done.output
