"""An archive with two manifests made by hand, without Kafka: after docs/evidence.md, with nothing of what makes evidence."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.consumers.evidence.injector import leaves, manifest, sign


def make(folder: Path) -> Path:
    """Two manifests, a mail with a copy in each; the key beside the archive, as a thief would have it."""
    key, archive = Ed25519PrivateKey.generate(), folder / "archive"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evidence.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    for number in (1, 2):
        _close(archive, number, key)
    return archive


def _close(archive: Path, number: int, key: Ed25519PrivateKey) -> None:
    found = [*_deliver(archive, number), {"kind": "event", "id": "00", "connector": "lp"}]
    leaves(archive, number).parent.mkdir(parents=True)
    leaves(archive, number).write_bytes(
        gzip.compress(b"".join(json.dumps(leaf, sort_keys=True).encode() + b"\n" for leaf in found))
    )
    manifest(archive, number).with_name("plan.json").write_bytes(b"{}")  # nobody reads it
    before = manifest(archive, number - 1)
    previous = hashlib.sha256(before.read_bytes()).hexdigest() if before.exists() else None
    statement = {
        "format": "chatledger evidence 1", "number": number, "previous": previous,
        "closed_at": f"2026-03-0{number}T23:59:59.000Z", "ranges": {"deliveries": [[0, number - 1, number]]},
        "counts": {"mail": 1, "copy": 1, "event": 1},
    }  # fmt: skip
    manifest(archive, number).write_text(f"{json.dumps(statement)}\n")
    sign(archive, number, key, {})


def _deliver(archive: Path, number: int) -> list[dict[str, Any]]:
    data, mail = f"Subject: mail {number}\r\n\r\n".encode(), f"{number}" * 32
    paths = (f"_mails/lp/{mail[:2]}/{mail}.eml", f"ana@bank.example/LivePerson/{number}.eml")
    for path in paths:
        (archive / path).parent.mkdir(parents=True, exist_ok=True)
        (archive / path).write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    return [
        {"kind": "mail", "id": mail, "path": paths[0], "sha256": sha256},
        {"kind": "copy", "mail": mail, "path": paths[1], "sha256": sha256},
    ]
