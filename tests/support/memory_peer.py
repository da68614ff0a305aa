"""Accountants in memory, honest and otherwise, for comparisons."""

from collections.abc import Sequence

from accountant.accounting.agreement import (
    RangeDigests,
    Summary,
    first_running_hash,
    next_running_hash,
    range_digests,
)
from accountant.accounting.numbers import Numbers
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Hash, Height, Seq

GENESIS = sha256(b"genesis")


class MemoryPeer:
    """An honest accountant: blocks as (hash, end), digests of what it observed. All transactions need execution."""

    def __init__(self, name: str, blocks: Sequence[tuple[Hash, int]], digests: dict[int, bytes]) -> None:
        self._name = name
        self.blocks = [(GENESIS, 0), *blocks]
        self.known = dict(sorted(digests.items()))
        self._running = [first_running_hash(GENESIS)]
        first = 0
        for _, end in blocks:
            running = self._running[-1]
            if any(seq not in digests for seq in range(first, end)):
                break
            for seq in range(first, end):
                running = next_running_hash(running, Seq(seq), digests[seq])
            self._running.append(running)
            first = end
        self.requests = 0

    @property
    def name(self) -> str:
        return self._name

    def summary(self, height: Height | None) -> Summary:
        self.requests += 1
        at = Height(len(self.blocks) - 1) if height is None else height
        block_hash, end = self.blocks[at]
        observed = sum(seq < end for seq in self.known)
        covered = Height(len(self._running) - 1)
        running = self._running[at] if at <= covered else None
        return Summary(GENESIS, at, block_hash, end, observed, covered, running)

    def digests(self, first: Seq, span: int, parts: int, among: Numbers | None) -> RangeDigests:
        self.requests += 1
        stored = [(seq, digest) for seq, digest in self.known.items() if first <= seq < first + span]
        return range_digests(first, span, parts, among, stored)


def blocks_of(count: int, size: int = 10, fork: int | None = None) -> list[tuple[Hash, int]]:
    """Blocks of `size` transactions each; from height `fork` on they are another chain's."""
    ends = [min(count, end) for end in range(size, count + size, size)]
    return [
        (sha256(b"%d %d" % (height, fork is not None and height >= fork)), end) for height, end in enumerate(ends, 1)
    ]


def digests_of(count: int) -> dict[int, bytes]:
    """What every honest accountant finds."""
    return {seq: sha256(b"outcome %d" % seq) for seq in range(count)}
