"""What two accountants compare: a running hash over outcomes, and digests of ranges of them.

An outcome's digest is SHA-256 of its canonical bytes. A transfer of zero-cost money needs no execution and its outcome
is stored nowhere: it follows from the block, on which both agree before anything else, so neither hash counts it.

The running hash covers the observed prefix of the chain: R₀ = H("anh/outcomes" ‖ genesis), R' = H(R ‖ number ‖ digest)
for each transaction that needs execution, in order, as far as all are observed. It is kept for every block.
"""

from collections.abc import Iterable
from hashlib import sha256 as _sha256
from typing import NamedTuple

from accountant.accounting.numbers import Numbers
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Hash, Height, Seq

SPAN_MOST = 2**20
"""Numbers that one request may speak of: up to so many rows are read for it, and none of them is kept."""
PARTS_MOST = 256
"""Digests that one request may ask for."""


class Summary(NamedTuple):
    """Where an accountant stands at a height."""

    genesis_hash: Hash
    height: Height
    block_hash: Hash
    transactions: int
    """On the chain up to the height."""
    observed: int
    """Outcomes stored of those."""
    covered: Height
    """The highest block, of all, that the running hash covers."""
    running_hash: Hash | None
    """At the height; None where it is not covered."""


class RangeDigests(NamedTuple):
    """The numbers that were asked for and are observed, and the digest of each part of the range over those alone."""

    observed: Numbers
    digests: tuple[Hash, ...]


def first_running_hash(genesis_hash: Hash) -> Hash:
    """R₀."""
    return sha256(b"anh/outcomes\x00" + genesis_hash)


def next_running_hash(before: Hash, seq: Seq, digest: bytes) -> Hash:
    """R after one more transaction that needs execution."""
    return sha256(before + seq.to_bytes(8, "big") + digest)


def single_digest(seq: Seq, digest: bytes) -> Hash:
    """The digest of a range in which one outcome alone is observed."""
    return sha256(seq.to_bytes(8, "big") + digest)


def part_span(span: int, parts: int) -> int:
    """How many numbers each of `parts` parts of a range has; the last ones may have fewer, or none."""
    return -(-span // parts)


def range_digests(
    first: Seq, span: int, parts: int, among: Numbers | None, stored: Iterable[tuple[int, bytes]]
) -> RangeDigests:
    """The digests of `parts` equal parts of a range: of each SHA-256 over number ‖ digest of its outcomes, in order.

    `stored`: (number, digest) of the outcomes in the range, ascending. `among`: the numbers that count; None for all.
    """
    each = part_span(span, parts) if parts else span
    hashes = [_sha256() for _ in range(parts)]
    observed = []
    for seq, digest in stored:
        if among is None or among.has(seq):
            observed.append(seq)
            if parts:
                hashes[(seq - first) // each].update(seq.to_bytes(8, "big") + digest)
    return RangeDigests(Numbers.of(first, span, observed), tuple(Hash(made.digest()) for made in hashes))
