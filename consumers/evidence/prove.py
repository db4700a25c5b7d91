"""The proof that one mail or copy stands in the evidence, to be checked without the archive and without the log."""

import json
from dataclasses import dataclass
from typing import Any

from consumers.evidence import chain
from consumers.evidence.errors import EvidenceError
from consumers.evidence.keys import is_signed
from consumers.evidence.merkle import Tree, root_of_path, siblings
from consumers.evidence.statement import Manifest, decode_manifest, encode_manifest
from stores.interface import Store

FORMAT = "chatledger evidence proof 1"


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
        if wanted in line and _names(json.loads(line), mail):
            return index, line
        index += 1
    return None


def _names(leaf: dict[str, Any], mail: str) -> bool:
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


def check(data: bytes, key: str | None = None) -> dict[str, Any]:
    """The leaf that a proof proves; EvidenceError if it proves nothing. `key`: the public key that must have signed it."""
    try:
        fields = json.loads(data)
        if fields.pop("format") != FORMAT:
            raise EvidenceError(f"not of format {FORMAT!r}")
        proof = Proof(**fields)
        one = decode_manifest(encode_manifest(proof.statement.encode(), proof.signature))
        path = [bytes.fromhex(node) for node in proof.path]
        root = root_of_path(proof.leaf.encode(), proof.index, proof.count, path)
        leaf: dict[str, Any] = json.loads(proof.leaf)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(f"not a proof of ours ({type(error).__name__})") from error
    _demand(one, proof, root, key)
    return leaf


def _demand(one: Manifest, proof: Proof, root: bytes | None, key: str | None) -> None:
    if root is None or root.hex() != one.statement.root or proof.count != one.statement.count:
        raise EvidenceError("the audit path does not lead from the leaf to the root that was signed")
    if not is_signed(one.signed, one.signature, one.statement.key):
        raise EvidenceError("the signature is not that of its key over the statement")
    if key is not None and one.statement.key != key:
        raise EvidenceError(f"signed with key {one.statement.key}, which is not the one that was asked for")
