#!/usr/bin/env python3
"""Check a chatledger archive, or the proof of one mail, without chatledger; docs/evidence.md says what is checked.
verify_evidence.py ARCHIVE [--key HEX] [--root HEX] [--at-least N]     verify_evidence.py PROOF.json [MAIL.eml] [--key HEX]
Exit code 0, or 1 and a line for each thing that is wrong; 2: what was named is not there. Needs Python 3.11 and the package cryptography, nothing else.
"""

# fmt: off
# ruff: noqa: BLE001, C408, D103, D205, E401, E501, E701, E731, I001, RUF005 - one page, to be read as a whole; whatever was altered, it is told
import argparse, hashlib, itertools, json, pathlib, re, sys, zlib
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HEX, N, TIME = "[0-9a-f]{64}", "(?:0|[1-9][0-9]{0,17})", r"[0-9]{4}(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2}\.[0-9]{3}Z"
FORM = (rf'(\{{"closed_at":"{TIME}","count":{N},"counts":\{{(?:"[^"]+":{N},?)*\}},"format":"chatledger evidence 1","key":"{HEX}",'
        rf'"next_key":"{HEX}","number":{N},"previous":(?:null|"{HEX}"),"ranges":\{{(?:"[^"]+":\[(?:\[{N},{N},{N}\],?)*\],?)*\}},'
        rf'"root":"{HEX}"\}})\n\{{"signature":"({HEX}{HEX})"\}}\n')
TEXTS = {"mail": ("path", "sha256", "id"), "copy": ("path", "sha256", "mail"), "audit": ("what",)}
sha = lambda data: hashlib.sha256(data).digest()
def told(what, faults):
    try: yield from faults
    except Exception as error: yield f"{what} is not what docs/evidence.md says: {error!r}"
def root(hashes):  # RFC 6962, section 2.1, level by level: the last of an odd number goes up as it is
    while len(hashes) > 1:
        hashes = [sha(b"\1" + a + b) if b else a for a, b in itertools.zip_longest(hashes[::2], hashes[1::2])]
    return hashes[0] if hashes else sha(b"")
def climb(node, index, count, path):  # RFC 6962, section 2.1.1
    if count == 1: return b"" if path else node
    half = 1 << ((count - 1).bit_length() - 1)
    if index < half: return sha(b"\1" + climb(node, index, half, path[:-1]) + path[-1])
    return sha(b"\1" + path[-1] + climb(node, index - half, count - half, path[:-1]))
def statement_of(text):  # what it states, and a function that raises if it is not signed
    said, signature = re.fullmatch(FORM, text).groups()
    if json.dumps(one := json.loads(said), sort_keys=True, separators=(",", ":")) != said: raise ValueError("not in its one form")
    return one, lambda: Ed25519PublicKey.from_public_bytes(bytes.fromhex(one["key"])).verify(bytes.fromhex(signature), said.encode())
def leaf_of(line):  # mails that it disposes of; path, hash and id of a mail or copy
    gone, texts = (leaf := json.loads(line)).get("mails", []), [leaf[name] for name in TEXTS.get(leaf["kind"], ())]
    "".join([leaf["kind"], *texts] + gone).encode()
    return gone if leaf["kind"] == "audit" else [], [texts[0], re.fullmatch(HEX, texts[1])[0], texts[2]] if len(texts) > 1 else None
def check_proof(file, mail, key):
    proof = json.loads(file.read_bytes())
    one, verify = statement_of(f'{proof["statement"]}\n{{"signature":"{proof["signature"]}"}}\n')
    line, index, count, path = proof["leaf"].encode(), proof["index"], proof["count"], [re.fullmatch(HEX, node)[0] for node in proof["path"]]
    if len(proof) != 7 or proof["format"] != "chatledger evidence proof 1" or not leaf_of(line)[1] or type(proof["path"]) is not list:
        yield "not the proof of a mail or copy"
    elif type(index) is not int or type(count) is not int or not 0 <= index < count == one["count"]:
        yield "the place of the leaf is impossible"
    elif climb(sha(b"\0" + line), index, count, list(map(bytes.fromhex, path))).hex() != one["root"]:
        yield "the path does not lead to the root that was signed"
    if key not in {None, one["key"]}: yield f"signed with key {one['key']}, not with the one that was given"
    if mail and (found := sha(mail.read_bytes()).hex()) != leaf_of(line)[1][1]: yield f"{mail} is not what was proven: it has SHA-256 {found}"
    print(f"signed with key {one['key']}, which was compared with {'yours' if key else 'none: give the one that you know with --key'}")
    verify()
def check_manifest(files, number, before, mails, disposed, differing):
    text, packed = [files[f"_evidence/{number:08d}/{name}"].read_bytes() for name in ("manifest.jsonl", "leaves.jsonl.gz")]
    (one, verify), unpack = statement_of(text.decode()), zlib.decompressobj(31)
    before_it = number, before["digest"], before.get("next_key", one["key"]), max(before.get("closed_at", ""), one["closed_at"])
    if (one["number"], one["previous"], one["key"], one["closed_at"]) != before_it:
        yield f"manifest {number} does not follow the one before"
    spans = {topic: [part[:2] for part in parts] for topic, parts in one["ranges"].items()}
    if any(spans.get(topic) != [[part, end] for part, _, end in parts] for topic, parts in before.get("ranges", {}).items()) or any(
            begin > end for parts in one["ranges"].values() for _, begin, end in parts):
        yield f"manifest {number}: its range does not begin where the one before ends, or ends before it begins"
    leaves = unpack.decompress(packed)
    lines = leaves.split(b"\n")[:-1] if leaves.count(b"\n") == one["count"] and leaves[-1:] in b"\n" else []
    whole = unpack.eof and not unpack.unused_data and max(map(len, lines), default=0) <= 1 << 25  # one member, nothing after it
    if not whole or (len(lines), root([sha(b"\0" + line) for line in lines]).hex()) != (one["count"], one["root"]):
        yield f"manifest {number}: the leaves are not those that were signed, or not packed as they must be"
    before |= one | {"digest": sha(text).hex(), "seen": before["seen"] | {("key", one["key"]), ("root", one["root"])}}
    for gone, stands in map(leaf_of, lines):
        disposed.update(gone)
        if stands and mails.setdefault(stands[0], stands[1:])[0] != stands[1]: differing.append((stands[0], {stands[2], mails[stands[0]][1]}))
    verify()
def check_archive(top, key, wanted, at_least):
    found = {path.relative_to(top).as_posix(): path for path in top.rglob("*") if path.is_symlink() or path.is_file()}
    found = {name: path for name, path in found.items() if not re.fullmatch(r"(?is)\.[^/]*/.*|(.*/)?\..*(?<!\.eml)", name)}
    files, numbers = {name: path for name, path in found.items() if not path.is_symlink()}, [0]
    for name in sorted(name for name in found if name.startswith("_evidence/")):
        at = re.fullmatch(r"_evidence/(?!0{8})([0-9]{8})/(plan(?:-[2-9]|-[1-9][0-9])?\.json|leaves\.jsonl\.gz|manifest\.jsonl)", name)
        numbers += [int(at[1])] if at and at[2] == "manifest.jsonl" else []
        yield from [] if at else [f"{name} does not belong to the evidence"]
    yield from (f"the manifest before {two} is missing" for one, two in itertools.pairwise(numbers) if two != one + 1)
    mails, disposed, differing, before = {}, set(), [], {"digest": None, "seen": {("key", None), ("root", None)}}
    for number in numbers[1:]:
        yield from told(f"manifest {number}", check_manifest(files, number, before, mails, disposed, differing))
    yield from (f"{name}: two manifests name different bytes" for name, both in differing if both - disposed)
    yield from (f"{what} {one} is nowhere in the chain" for what, one in {("key", key), ("root", wanted)} - before["seen"])
    yield from [f"the chain ends with manifest {numbers[-1]}"] if numbers[-1] < max(1, at_least) else []
    shown = {name for name in found if name.startswith("_mails/") or name[0] != "_"}
    yield from (f"{name}: no manifest knows it" for name in sorted(shown - mails.keys()))
    for name, (digest, mail) in sorted(mails.items()):
        if name in shown and (mail in disposed or name not in files or sha(files[name].read_bytes()).hex() != digest):
            yield f"{name}: {'was disposed of, but stands here' if mail in disposed else 'altered'}"
        elif name not in shown and mail not in disposed: yield f"{name}: removed"
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name, how in {"what": dict(type=pathlib.Path, nargs="+"), "--key": {}, "--root": {}, "--at-least": dict(type=int, default=0)}.items(): parser.add_argument(name, **how)
    first, mail = (*(a := parser.parse_args()).what, None)[:2]
    for one in a.what: one.exists() or parser.error(f"{one}: there is no such file or folder")
    name, faults = (first, check_archive(first, a.key, a.root, a.at_least)) if first.is_dir() else (f"{first}, given as a proof,", check_proof(first, mail, a.key))
    sys.exit(print("\n".join(lines := ["".join(one if one.isprintable() else ascii(one)[1:-1] for one in fault) for fault in told(name, faults)]) or "nothing is wrong") or bool(lines))
