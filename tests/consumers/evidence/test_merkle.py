"""The tree of RFC 6962: its known roots, and paths that prove every leaf and nothing else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.evidence.merkle import Tree, root_of_path, siblings

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Published with the reference implementation of Certificate Transparency, for the first 1 to 8 of the leaves above."""


def tree(leaves: list[bytes]) -> Tree:
    """A tree of these leaves."""
    made = Tree()
    for leaf in leaves:
        made.add(leaf)
    return made


def by_definition(leaves: list[bytes]) -> bytes:
    """Section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + by_definition(leaves[:k]) + by_definition(leaves[k:])).digest()


@pytest.mark.parametrize("count", range(1, 9))
def test_the_published_roots(count: int) -> None:
    """Trees of one to eight leaves have the roots that others publish for them."""
    assert tree([bytes.fromhex(leaf) for leaf in LEAVES[:count]]).root().hex() == ROOTS[count - 1]


@given(leaves=st.lists(st.binary(max_size=4), max_size=70))
def test_any_tree_is_as_defined(leaves: list[bytes]) -> None:
    """Folding in memory of the tree's depth gives the root of the recursive definition."""
    assert tree(leaves).root() == by_definition(leaves)


@given(leaves=st.lists(st.binary(max_size=4), min_size=1, max_size=40, unique=True), data=st.data())
def test_a_path_proves_its_leaf_and_no_other(leaves: list[bytes], data: st.DataObject) -> None:
    """Each leaf's path leads to the root; another leaf, another place or a changed path does not."""
    at = data.draw(st.integers(0, len(leaves) - 1))
    path = [tree(leaves[start:end]).root() for start, end in siblings(at, 0, len(leaves))]
    root = tree(leaves).root()

    assert root_of_path(leaves[at], at, len(leaves), path) == root
    assert root_of_path(leaves[at] + b"x", at, len(leaves), path) != root
    assert root_of_path(leaves[at], at, len(leaves), [*path, root]) is None
    for other in range(len(leaves)):
        assert other == at or root_of_path(leaves[at], other, len(leaves), path) != root
