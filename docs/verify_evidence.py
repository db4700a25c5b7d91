#!/usr/bin/env python3
"""Check a chatledger archive, or the proof of one mail, without chatledger; docs/evidence.md says what is checked.

verify_evidence.py ARCHIVE [--key HEX] [--root HEX] [--at-least N]     verify_evidence.py PROOF.json [MAIL.eml] [--key HEX]
Exit code 0, or 1 and a line for each thing that is wrong. Needs Python 3.11 and the package cryptography, nothing else.
"""

# fmt: off
# ruff: noqa: D103, E401, E731, I001 - one page, to be read as a whole
import argparse, gzip, hashlib, json, pathlib, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NAMES = ("plan.json", "leaves.jsonl.gz", "manifest.jsonl")
sha = lambda data: hashlib.sha256(data).digest()

def signed(statement, signature, key):
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), statement) is None
    except (InvalidSignature, ValueError, TypeError):
        return False

def root(hashes):  # RFC 6962, section 2.1, level by level: the last of an odd number goes up as it is
    while len(hashes) > 1:
        pairs = [sha(b"\1" + hashes[i] + hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)]
        hashes = pairs + hashes[len(pairs) * 2 :]
    return hashes[0] if hashes else sha(b"")

def climb(node, index, count, path):  # RFC 6962, section 2.1.1
    if count == 1:
        return b"" if path else node
    half = 1 << ((count - 1).bit_length() - 1)
    if index < half:
        return sha(b"\1" + climb(node, index, half, path[:-1]) + path[-1])
    return sha(b"\1" + path[-1] + climb(node, index - half, count - half, path[:-1]))

def check_proof(file, mail, key):
    proof = json.loads(file.read_bytes())
    said, leaf, path = json.loads(proof["statement"]), json.loads(proof["leaf"]), list(map(bytes.fromhex, proof["path"]))
    if not 0 <= proof["index"] < proof["count"] == said["count"]:
        yield "the place of the leaf is impossible"
    elif climb(sha(b"\0" + proof["leaf"].encode()), proof["index"], proof["count"], path).hex() != said["root"]:
        yield "the path does not lead to the root that was signed"
    if not signed(proof["statement"].encode(), proof["signature"], said["key"]) or key not in {None, said["key"]}:
        yield f"not signed with key {key or said['key']}"
    if mail and sha(mail.read_bytes()).hex() != leaf["sha256"]:
        yield f"{mail} is another mail"

def check_manifest(folder, number, before, digest, mails, disposed):
    statement, signature, end = (folder / NAMES[2]).read_bytes().split(b"\n")
    one, lines = json.loads(statement), gzip.decompress((folder / NAMES[1]).read_bytes()).split(b"\n")
    if (one["format"], one["number"], one["previous"], end) != ("chatledger evidence 1", number, digest, b""):
        yield f"manifest {number} does not follow the one before"
    if before.get("next_key", one["key"]) != one["key"] or not signed(statement, json.loads(signature)["signature"], one["key"]):
        yield f"manifest {number}: the signature is wrong, or of an unknown key"
    for topic, parts in before.get("ranges", {}).items():
        if [part[:2] for part in one["ranges"][topic]] != [[part, end] for part, _, end in parts]:
            yield f"manifest {number}: its range does not begin where the one before ends"
    if lines.pop() or (len(lines), root([sha(b"\0" + line) for line in lines]).hex()) != (one["count"], one["root"]):
        yield f"manifest {number}: the leaves are not those that were signed"
    for leaf in map(json.loads, lines):
        disposed.update(leaf.get("mails", ()))
        stands = leaf["kind"] in {"mail", "copy"} and leaf["path"] is not None
        if stands and mails.setdefault(leaf["path"], (leaf["sha256"], leaf.get("mail", leaf.get("id"))))[0] != leaf["sha256"]:
            yield f"{leaf['path']}: two manifests name different bytes"
    before |= one

def check_archive(top, key, wanted, at_least):
    files = {str(path.relative_to(top)): path for path in top.rglob("*") if path.is_file() and not path.is_symlink()}
    places = {path: re.fullmatch(r"_evidence/(\d{8})/(.+)", path) for path in files if path.startswith("_evidence/")}
    yield from (f"{path} does not belong to the evidence" for path, at in places.items() if not at or at[2] not in NAMES)
    last = max((int(at[1]) for at in places.values() if at and at[2] == NAMES[2]), default=0)
    mails, disposed, before, digest, seen = {}, set(), {}, None, set()
    for number in range(1, last + 1):
        try:
            yield from check_manifest(top / f"_evidence/{number:08d}", number, before, digest, mails, disposed)
            digest = sha((top / f"_evidence/{number:08d}" / NAMES[2]).read_bytes()).hex()
        except Exception as error:  # noqa: BLE001 - whatever was altered, it is told
            yield f"manifest {number} can't be read: {error!r}"
        seen |= {before.get("key"), before.get("root")}
    yield from (f"{one} is nowhere in the chain" for one in (key, wanted) if one and one not in seen)
    yield from [f"the chain ends with manifest {last}"] if last < max(1, at_least) else []
    shown = {path for path in files if path.startswith("_mails/") or not re.match("_|[.]|.*/[.]", path)}
    yield from (f"{path}: no manifest knows it" for path in sorted(shown - mails.keys()))
    for path, (digest, mail) in sorted(mails.items()):
        if path in shown and (mail in disposed or sha(files[path].read_bytes()).hex() != digest):
            yield f"{path}: {'was disposed of, but stands here' if mail in disposed else 'altered'}"
        elif path not in shown and mail not in disposed:
            yield f"{path}: removed"

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", type=pathlib.Path, nargs="+")
    for name, kind in (("--key", str), ("--root", str), ("--at-least", int)):
        parser.add_argument(name, type=kind, default=0 if kind is int else None)
    a = parser.parse_args()
    first, mail = (*a.what, None)[:2]
    faults = [*(check_archive(first, a.key, a.root, a.at_least) if first.is_dir() else check_proof(first, mail, a.key))]
    sys.exit(print("\n".join(faults) or "nothing is wrong") or bool(faults))
