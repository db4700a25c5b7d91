"""The proof that one mail or copy stands in the evidence, to be checked without the archive and without the log."""

import dataclasses
import json
import re
from dataclasses import dataclass
from typing import Any

from consumers.evidence import chain
from consumers.evidence.errors import EvidenceError
from consumers.evidence.expected import checked
from consumers.evidence.keys import is_signed
from consumers.evidence.merkle import Tree, root_of_path, siblings
from consumers.evidence.statement import Manifest, decode_manifest, encode_manifest
from stores.interface import Store

FORMAT = "chatledger evidence proof 1"
_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Proof:
    """A leaf, its audit path from the leaf up (hex), and the signed statement that has the root."""

    leaf: str
    index: int
    count: int
    path: list[str]
    statement: str
    signature: str

    def encode(self) -> bytes:
        """As a file."""
        return json.dumps({"format": FORMAT, **vars(self)}, indent=1).encode() + b"\n"


async def prove(store: Store, mail: str) -> Proof:
    """The proof of a mail by its id, or of a mail or copy by its path; of several manifests that have it, the newest.

    EvidenceError where no manifest has it.
    """
    for number in reversed((await chain.look(store)).manifests()):
        found = await _find(store, number, mail)
        if found is not None:
            index, leaf = found
            return await _proof(store, await chain.manifest(store, number), index, leaf)
    msg = f"no manifest knows {mail}; give the id of a mail (its file's name) or the path of a mail or copy"
    raise EvidenceError(msg)


async def _find(store: Store, number: int, mail: str) -> tuple[int, bytes] | None:
    wanted, index = json.dumps(mail).encode(), 0
    async for line in chain.lines(store, number):
        if wanted in line and _names(line, mail):
            return index, line
        index += 1
    return None


def _names(line: bytes, mail: str) -> bool:
    try:
        leaf = checked(json.loads(line))
    except (ValueError, RecursionError) as error:
        raise EvidenceError(
            f"a leaf that names {mail} can't be read; `chatledger evidence verify` says more"
        ) from error
    by_id = leaf["kind"] == "mail" and leaf["id"] == mail
    return by_id or (leaf["kind"] in {"mail", "copy"} and leaf["path"] == mail)


async def _proof(store: Store, one: Manifest, index: int, leaf: bytes) -> Proof:
    count = one.statement.count
    ranges = siblings(index, 0, count)
    trees = [Tree() for _ in ranges]
    at = 0
    async for line in chain.lines(store, one.statement.number):
        for tree, (start, end) in zip(trees, ranges, strict=True):
            if start <= at < end:
                tree.add(line)
        at += 1
    path = [tree.root().hex() for tree in trees]
    return Proof(leaf.decode(), index, count, path, one.signed.decode(), one.signature)


@dataclass(frozen=True)
class Proven:
    """A mail or copy that a proof proves: its leaf, and the key (hex) that signed for it."""

    leaf: dict[str, Any]
    key: str


def check(data: bytes, key: str | None = None) -> Proven:
    """What a proof proves; EvidenceError if that is nothing. `key`: the public key that must have signed it.

    Without `key` it proves no more than that somebody signed, with the key that is given back.
    """
    try:
        proof = _decoded(json.loads(data))
        one = decode_manifest(encode_manifest(proof.statement.encode(), proof.signature))
        leaf = checked(json.loads(proof.leaf.encode()))
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"not a proof of ours ({type(error).__name__}: {error})") from error
    if leaf["kind"] not in {"mail", "copy"}:
        raise EvidenceError(f"it proves a leaf of kind {leaf['kind']!r}, and no mail or copy")
    _demand(one, proof, key)
    return Proven(leaf, one.statement.key)


def _decoded(fields: Any) -> Proof:
    """The proof of these fields, each of its type; ValueError."""
    if not isinstance(fields, dict) or set(fields) != {
        "format",
        *(one.name for one in dataclasses.fields(Proof)),
    }:
        raise ValueError("not the fields of a proof")
    if fields.pop("format") != FORMAT:
        raise ValueError(f"not of format {FORMAT!r}")
    texts = (fields["leaf"], fields["statement"], fields["signature"])
    if not all(isinstance(one, str) for one in texts) or not isinstance(fields["path"], list):
        raise ValueError("leaf, statement and signature must be text, path a list")
    if not all(isinstance(one, str) and _HASH.fullmatch(one) for one in fields["path"]):
        raise ValueError("each of path must be 64 lower-case hexadecimal digits")
    if type(fields["index"]) is not int or type(fields["count"]) is not int:
        raise ValueError("index and count must be whole numbers")
    return Proof(**fields)


def _demand(one: Manifest, proof: Proof, key: str | None) -> None:
    if proof.count != one.statement.count:  # first: what was signed is no number without end
        raise EvidenceError("the count is not the one that was signed")
    path = [bytes.fromhex(node) for node in proof.path]
    root = root_of_path(proof.leaf.encode(), proof.index, proof.count, path)
    if root is None or root.hex() != one.statement.root:
        raise EvidenceError("the audit path does not lead from the leaf to the root that was signed")
    if not is_signed(one.signed, one.signature, one.statement.key):
        raise EvidenceError("the signature is not that of its key over the statement")
    if key is not None and one.statement.key != key:
        raise EvidenceError(f"signed with key {one.statement.key}, which is not the one that was asked for")
