"""Merkle tree hashes as RFC 6962 defines them in section 2.1: 0x00 before a leaf, 0x01 before a node. Pure.

A tree of any size is folded in memory of its depth.
"""

import hashlib

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf, 32 bytes."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a node over its two subtrees, 32 bytes."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """Takes leaves one by one and knows their root at any time."""

    def __init__(self) -> None:
        self._whole: list[tuple[int, bytes]] = []  # (leaves, root) of full subtrees, the largest first
        self.count = 0

    def add(self, leaf: bytes) -> None:
        """One more leaf, to the right of all others."""
        size, node = 1, leaf_hash(leaf)
        while self._whole and self._whole[-1][0] == size:
            node = node_hash(self._whole.pop()[1], node)
            size *= 2
        self._whole.append((size, node))
        self.count += 1

    def root(self) -> bytes:
        """Hash of the tree of all leaves so far; of none, that of nothing."""
        if not self._whole:
            return EMPTY
        *others, (_, root) = self._whole
        for _, node in reversed(others):
            root = node_hash(node, root)
        return root


def split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2: where a tree divides."""
    return 1 << ((count - 1).bit_length() - 1)


def siblings(index: int, start: int, end: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose roots are the audit path of leaf `index` in the tree [start, end), from the leaf up."""
    if end - start == 1:
        return []
    middle = start + split(end - start)
    if index < middle:
        return [*siblings(index, start, middle), (middle, end)]
    return [*siblings(index, middle, end), (start, middle)]


def root_of_path(leaf: bytes, index: int, count: int, path: list[bytes]) -> bytes | None:
    """The root that a leaf at `index` of `count` and its audit path lead to; None if the path has the wrong length."""
    if not 0 <= index < count or len(path) != len(siblings(index, 0, count)):
        return None
    return _climb(leaf_hash(leaf), index, count, path)


def _climb(node: bytes, index: int, count: int, path: list[bytes]) -> bytes:
    if count == 1:
        return node
    middle, last = split(count), path[-1]
    if index < middle:
        return node_hash(_climb(node, index, middle, path[:-1]), last)
    return node_hash(last, _climb(node, index - middle, count - middle, path[:-1]))
