"""Merkle trees as in RFC 6962."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.primitives import merkle
from accountant.primitives.types import Hash

# The reference inputs and roots of the Certificate Transparency project.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word: split at the largest power of two below the count."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _mth(leaves[:split]) + _mth(leaves[split:])).digest()


def _committed(tree: bytes, count: int) -> bytes:
    return hashlib.sha256(b"\x02" + count.to_bytes(8, "big") + tree).digest()


@pytest.mark.parametrize("count", range(1, 9))
def test_certificate_transparency_vectors(count: int) -> None:
    """The tree's hash under the committed count is the published one."""
    assert _mth(CT_LEAVES[:count]).hex() == CT_ROOTS[count - 1]
    assert merkle.root(CT_LEAVES[:count]) == _committed(bytes.fromhex(CT_ROOTS[count - 1]), count)


def test_the_empty_tree() -> None:
    """No leaves: the hash of nothing, under the count 0."""
    assert merkle.root([]) == _committed(hashlib.sha256(b"").digest(), 0)


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_roots_are_the_rfcs(leaves: list[bytes]) -> None:
    """Level by level or by the RFC's recursion: the same root."""
    assert merkle.root(leaves) == _committed(_mth(leaves), len(leaves))


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40, unique=True), st.data())
def test_proofs_prove_their_leaf_and_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    """A path verifies for its leaf, index and count, and fails for another leaf, index, count or length."""
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, path = merkle.root(leaves), merkle.proof(leaves, index)
    assert merkle.verify(leaves[index], index, len(leaves), path, root)
    assert not merkle.verify(leaves[index] + b"x", index, len(leaves), path, root)
    assert not merkle.verify(leaves[index], index, len(leaves) + 1, path, root)
    assert not merkle.verify(leaves[index], index, len(leaves), [*path, bytes(32)], root)
    assert not merkle.verify(leaves[index], len(leaves), len(leaves), path, root)
    assert not merkle.verify(leaves[index], index, len(leaves), path, Hash(bytes(32)))
    if path:
        assert not merkle.verify(leaves[index], index, len(leaves), path[:-1], root)
    for other in range(len(leaves)):
        assert merkle.verify(leaves[index], other, len(leaves), path, root) == (other == index)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40, unique=True), st.data())
def test_one_proof_for_many_leaves_proves_exactly_these(leaves: list[bytes], data: st.DataObject) -> None:
    """The chosen leaves are proved together; a changed, added or missing leaf or node, or another count, is not."""
    chosen = data.draw(st.sets(st.integers(0, len(leaves) - 1), min_size=1))
    expected = merkle.root(leaves)
    proved = {index: leaves[index] for index in chosen}
    nodes = merkle.proof_of_many(leaves, chosen)
    assert merkle.verify_many(proved, len(leaves), nodes, expected)
    index = min(chosen)
    assert not merkle.verify_many({**proved, index: leaves[index] + b"!"}, len(leaves), nodes, expected)
    assert not merkle.verify_many(proved, len(leaves) + 1, nodes, expected)
    assert not merkle.verify_many(proved, len(leaves), [*nodes, bytes(32)], expected)
    assert not merkle.verify_many({**proved, len(leaves): b""}, len(leaves), nodes, expected)
    if nodes:
        assert not merkle.verify_many(proved, len(leaves), nodes[1:], expected)
        assert not merkle.verify_many(proved, len(leaves), [bytes(32), *nodes[1:]], expected)
    if len(chosen) > 1:
        rest = {i: leaf for i, leaf in proved.items() if i != index}
        assert not merkle.verify_many(rest, len(leaves), nodes, expected)
    assert len(nodes) <= sum(len(merkle.proof(leaves, i)) for i in chosen)


def test_no_leaves_prove_the_empty_tree_alone() -> None:
    """Without a leaf nothing is said of a tree but that it is empty."""
    assert merkle.verify_many({}, 0, [], merkle.root([]))
    assert not merkle.verify_many({}, 0, [], merkle.root([b"a"]))
    assert not merkle.verify_many({}, 1, [], merkle.root([b"a"]))
    assert merkle.proof_of_many([b"a", b"b"], []) == []


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_leaves_that_come_one_by_one_have_the_same_root(leaves: list[bytes]) -> None:
    """Whatever their number, none included."""
    assert merkle.streamed_root(iter(leaves)) == merkle.root(leaves)
