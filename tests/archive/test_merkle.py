"""The tree of RFC 6962, against a definition written straight from its section 2.1."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanggap.archive import merkle
from tanggap.archive.tiles import Edge

LEAVES = [merkle.leaf(bytes([n % 256, n // 256])) for n in range(70)]

# Known answers: the reference leaves of the Certificate Transparency test suite.
CT_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def mth(leaves):
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def subtree(level, index):
    return mth(LEAVES[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", CT_ROOTS)
def test_known_roots(size):
    leaves = [merkle.leaf(bytes.fromhex(data)) for data in CT_LEAVES[:size]]
    assert mth(leaves).hex() == CT_ROOTS[size]


def test_growing_gives_the_same_root():
    frontier, edge = merkle.Frontier(), Edge(1, 0)
    for size in range(len(LEAVES)):
        assert frontier.root() == edge.root() == mth(LEAVES[:size])
        frontier.append(LEAVES[size])
        edge.append(LEAVES[size])


def test_the_edge_over_two_tiers():
    frontier, edge, nodes = merkle.Frontier(), Edge(1, 0), []
    for number in range(256 * 256 + 300):
        one = number.to_bytes(32, "big")
        frontier.append(one)
        nodes += edge.append(one)
    assert edge.root() == frontier.root()
    assert [(n.tier, n.index) for n in nodes[-3:]] == [(1, 255), (2, 0), (1, 256)]
    assert len(nodes) == 258


@given(st.integers(1, len(LEAVES)), st.data())
def test_inclusion(size, data):
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion(index, size, subtree)
    root = mth(LEAVES[:size])
    assert merkle.root_from_inclusion(index, size, LEAVES[index], path) == root
    for wrong in ([*path, root], path[:-1]):
        if wrong != path:
            try:
                assert merkle.root_from_inclusion(index, size, LEAVES[index], wrong) != root
            except ValueError:
                pass


@given(st.integers(1, len(LEAVES)), st.data())
def test_consistency(new, data):
    old = data.draw(st.integers(1, new))
    path = merkle.consistency(old, new, subtree)
    roots = mth(LEAVES[:old]), mth(LEAVES[:new])
    assert merkle.is_consistent(old, new, *roots, path)
    assert not merkle.is_consistent(old, new, LEAVES[5], roots[1], path)
    assert not merkle.is_consistent(old, new, roots[0], LEAVES[5], path)


def test_what_is_not_in_the_tree():
    with pytest.raises(ValueError):
        merkle.inclusion(3, 3, subtree)
    with pytest.raises(ValueError):
        merkle.consistency(0, 3, subtree)
