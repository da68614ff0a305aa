"""Merkle proofs that transactions stand on the chain, one by one: for documents, which people read."""

from collections.abc import Iterable
from typing import NamedTuple

from accountant.index.port import ChainIndex
from accountant.primitives import merkle
from accountant.primitives.types import Hash, Height, Seq

PATH_MOST = 64
"""Siblings of a path: more than any tree has."""


class Inclusion(NamedTuple):
    """A transaction stands at place `index` of the `count` in the block: `path` leads to its transaction root."""

    transaction: Hash
    height: Height
    block: Hash
    index: int  # type: ignore[assignment]
    count: int  # type: ignore[assignment]
    path: tuple[bytes, ...]
    """Siblings, bottom first (RFC 6962)."""


def inclusions_of(index: ChainIndex, transactions: Iterable[bytes]) -> list[Inclusion]:
    """The proofs of transactions of the chain, in their order; each block is read once."""
    hashes: dict[Height, list[Hash]] = {}
    found = []
    for name in map(Hash, transactions):
        seq = index.seq_of(name)
        assert seq is not None
        located = index.transaction(seq)
        block = index.block(located.height)
        assert block is not None
        if located.height not in hashes:
            seqs = [Seq(other) for other in range(block.first_seq, block.first_seq + block.count)]
            hashes[located.height] = [one.hash for one in index.transactions(seqs)]
        path = tuple(merkle.proof(hashes[located.height], located.index))
        found.append(Inclusion(name, located.height, block.hash, located.index, block.count, path))
    return found
