"""Damages an archive in every way that evidence must find. Shares no code with what makes or checks evidence.

It knows the layout and the format from docs/evidence.md: JSON lines, gzip, SHA-256, Ed25519.
"""

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def mails(archive: Path) -> list[Path]:
    """Mails, without copies."""
    return sorted((archive / "_mails").rglob("*.eml"))


def copies(archive: Path) -> list[Path]:
    """Copies in mailboxes."""
    return sorted(path for path in archive.rglob("*.eml") if path.relative_to(archive).parts[0] != "_mails")


def manifest(archive: Path, number: int) -> Path:
    """The signed file of a manifest."""
    return archive / f"_evidence/{number:08d}/manifest.jsonl"


def leaves(archive: Path, number: int) -> Path:
    """The leaves of a manifest."""
    return archive / f"_evidence/{number:08d}/leaves.jsonl.gz"


def overwrite(path: Path, data: bytes) -> None:
    """As somebody with all rights would: copies may be links of the same file, and only this one changes."""
    path.unlink()
    path.write_bytes(data)


def relist(archive: Path, number: int, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of the leaves."""
    path = leaves(archive, number)
    lines = change(gzip.decompress(path.read_bytes()).splitlines())
    overwrite(path, gzip.compress(b"".join(line + b"\n" for line in lines)))


def root(nodes: list[bytes]) -> bytes:
    """The tree's root from the hashes of its leaves, pair by pair."""
    while len(nodes) > 1:
        paired = [
            hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(nodes[::2], nodes[1::2], strict=False)
        ]
        nodes = paired + (nodes[-1:] if len(nodes) % 2 else [])
    return nodes[0]


def sign(archive: Path, number: int, key: Ed25519PrivateKey, changes: dict[str, Any]) -> None:
    """Sign a manifest anew, over the leaves as they stand now and with these fields changed."""
    statement = json.loads(manifest(archive, number).read_bytes().splitlines()[0])
    lines = gzip.decompress(leaves(archive, number).read_bytes()).splitlines()
    tree = root([hashlib.sha256(b"\0" + line).digest() for line in lines])
    public = key.public_key().public_bytes_raw().hex()
    statement |= {"root": tree.hex(), "count": len(lines), "key": public, "next_key": public, **changes}
    line = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    signature = json.dumps({"signature": key.sign(line).hex()}, separators=(",", ":")).encode()
    overwrite(manifest(archive, number), line + b"\n" + signature + b"\n")


def own_key(archive: Path) -> Ed25519PrivateKey:
    """The installation's own key, as a thief has it."""
    found = load_pem_private_key((archive.parent / "evidence.key").read_bytes(), None)
    assert isinstance(found, Ed25519PrivateKey)
    return found


def without_first_mail(lines: list[bytes]) -> list[bytes]:
    """The leaves but the first mail and its copies."""
    gone = next(json.loads(line)["id"] for line in lines if json.loads(line)["kind"] == "mail")
    return [line for line in lines if gone not in (json.loads(line).get("id"), json.loads(line).get("mail"))]


def _remove_mail(archive: Path) -> None:
    mails(archive)[0].unlink()


def _remove_copy(archive: Path) -> None:
    copies(archive)[-1].unlink()


def _add_mail(archive: Path) -> None:
    (archive / "_mails/lp/00").mkdir(exist_ok=True)
    (archive / "_mails/lp/00/added.eml").write_bytes(b"Subject: never sent\r\n\r\n")


def _add_copy(archive: Path) -> None:
    shutil.copy(copies(archive)[0], copies(archive)[0].with_name("again.eml"))


def _alter_mail(archive: Path) -> None:
    path = mails(archive)[1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    overwrite(path, bytes(data))


def _alter_copy(archive: Path) -> None:
    overwrite(copies(archive)[0], copies(archive)[0].read_bytes() + b"\r\n")


def _swap_mails(archive: Path) -> None:
    one, other = mails(archive)[:2]
    first, second = one.read_bytes(), other.read_bytes()
    overwrite(one, second)
    overwrite(other, first)


def _swap_copies(archive: Path) -> None:
    found = [path for path in copies(archive) if path.parts[-3] == "ana@bank.example"]
    first, second = found[0].read_bytes(), found[1].read_bytes()
    overwrite(found[0], second)
    overwrite(found[1], first)


def _rename_mail(archive: Path) -> None:
    path = mails(archive)[0]
    path.rename(path.with_name("0" * 32 + ".eml"))


def _remove_leaf(archive: Path) -> None:
    mails(archive)[0].unlink()
    relist(archive, 1, without_first_mail)


def _reorder_leaves(archive: Path) -> None:
    relist(archive, 2, lambda lines: [lines[1], lines[0], *lines[2:]])


def _add_leaf(archive: Path) -> None:
    relist(archive, 2, lambda lines: [*lines, lines[0]])


def _alter_leaf(archive: Path) -> None:
    relist(
        archive, 1, lambda lines: [line.replace(b"ana@bank.example", b"eve@bank.example") for line in lines]
    )


def _cut_leaves(archive: Path) -> None:
    overwrite(leaves(archive, 2), leaves(archive, 2).read_bytes()[:-9])


def _remove_leaves(archive: Path) -> None:
    leaves(archive, 2).unlink()


def _alter_statement(archive: Path) -> None:
    path = manifest(archive, 2)
    overwrite(path, path.read_bytes().replace(b'"closed_at":"2', b'"closed_at":"1'))


def _alter_signature(archive: Path) -> None:
    data = manifest(archive, 3).read_bytes()
    at = data.index(b'"signature":"') + 13
    overwrite(
        manifest(archive, 3), data[:at] + (b"0" if data[at : at + 1] != b"0" else b"1") + data[at + 1 :]
    )


def _remove_manifest(archive: Path) -> None:
    shutil.rmtree(manifest(archive, 2).parent)


def _remove_first(archive: Path) -> None:
    shutil.rmtree(manifest(archive, 1).parent)


def _swap_manifests(archive: Path) -> None:
    first, second = manifest(archive, 2).parent, manifest(archive, 3).parent
    first.rename(archive / "other")
    second.rename(first)
    (archive / "other").rename(second)


def _truncate(archive: Path) -> None:
    """The last manifest with all that it covers, so that what is left fits together."""
    names = gzip.decompress(leaves(archive, 3).read_bytes()).splitlines()
    for leaf in map(json.loads, names):
        if leaf["kind"] in {"mail", "copy"}:
            (archive / leaf["path"]).unlink()
    shutil.rmtree(manifest(archive, 3).parent)


def _forge(archive: Path) -> None:
    """A mail taken out, and the manifest signed anew with a key of one's own."""
    _remove_leaf(archive)
    sign(archive, 1, Ed25519PrivateKey.generate(), {})


def _fork_with_key(archive: Path) -> None:
    """A manifest in the middle signed anew with the stolen key: those after it name another one."""
    relist(archive, 2, without_first_mail)
    sign(archive, 2, own_key(archive), {})


def _fork_end(archive: Path) -> None:
    """The last manifest signed anew by a stranger."""
    sign(archive, 3, Ed25519PrivateKey.generate(), {})


def _skip_range(archive: Path) -> None:
    """The last manifest begins later than the one before ends, signed with the stolen key."""
    ranges = json.loads(manifest(archive, 3).read_bytes().splitlines()[0])["ranges"]
    ranges["raw-events"][0][1] += 1
    sign(archive, 3, own_key(archive), {"ranges": ranges})


def _second_chain(archive: Path) -> None:
    shutil.copytree(manifest(archive, 3).parent, archive / "_evidence/00000003-b")


def _remove_all(archive: Path) -> None:
    shutil.rmtree(archive / "_evidence")


def _restore_disposed(archive: Path) -> None:
    """A mail that was disposed of stands here again, as from an old backup."""
    path = archive / "_mails/lp" / (archive.parent / "disposed").read_text()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"Subject: mail 3\r\n\r\nline line line \r\n")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "mail removed": _remove_mail, "copy removed": _remove_copy, "mail added": _add_mail, "copy added": _add_copy,
    "mail altered": _alter_mail, "copy altered": _alter_copy, "mails swapped": _swap_mails, "copies swapped": _swap_copies,
    "mail renamed": _rename_mail, "leaf removed with its mail": _remove_leaf, "leaves re-ordered": _reorder_leaves,
    "leaf added": _add_leaf, "leaf altered": _alter_leaf, "leaves cut": _cut_leaves, "leaves removed": _remove_leaves,
    "statement altered": _alter_statement, "signature altered": _alter_signature, "manifest removed": _remove_manifest,
    "first manifest removed": _remove_first, "manifests swapped": _swap_manifests, "first manifest forged": _forge,
    "forked with the key": _fork_with_key, "end forked by a stranger": _fork_end, "range skipped": _skip_range,
    "second chain": _second_chain, "all evidence removed": _remove_all, "disposed mail restored": _restore_disposed,
}  # fmt: skip
"""What a check finds with nothing but the archive."""

FILES = (
    "mail removed", "copy removed", "mail added", "copy added", "mail altered", "copy altered", "mails swapped",
    "copies swapped", "mail renamed", "disposed mail restored",
)  # fmt: skip
"""Those of them that leave the evidence itself as it was."""

TRUNCATIONS: dict[str, Callable[[Path], None]] = {"chain truncated": _truncate}
"""What nobody can find with the archive alone: only who knows where the chain ended."""
