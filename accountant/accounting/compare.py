"""Finding the first transaction on which two accountants differ, in O(log n) requests.

First the chains: the same genesis and the same block at the common height, else the first block that differs. Then the
running hashes, as far as both cover the chain. Then, window by window, both digest the outcomes that both observed, and
the first part that differs is divided again. Nothing that the other side says is taken for more than what it says:
answers that contradict each other, or are no answers, are a `PeerContradicts`.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from accountant.accounting.agreement import PARTS_MOST, SPAN_MOST, RangeDigests, Summary, part_span
from accountant.accounting.numbers import Numbers
from accountant.primitives.errors import AccountantError
from accountant.primitives.types import Hash, Height, Seq


class Peer(Protocol):
    """An accountant as the other one sees it. Methods may raise errors of the way there."""

    @property
    def name(self) -> str:
        """Who it is, for people."""

    def summary(self, height: Height | None) -> Summary:
        """Where it stands at a height; None for its head."""

    def digests(self, first: Seq, span: int, parts: int, among: Numbers | None) -> RangeDigests:
        """Digests of a range: the answer has the form that was asked for, whatever it says."""


class PeerContradicts(AccountantError):
    """An accountant's answers contradict each other: it is broken, changes while it is asked, or lies."""

    code = "peer_contradicts"

    def __init__(self, peer: Peer, detail: str) -> None:
        super().__init__(f"{peer.name} contradicts itself: {detail}")


class Agreed(NamedTuple):
    """Both say the same of every transaction that both observed, up to the common height."""

    height: Height
    transactions: int
    outcomes: int
    ours: int
    theirs: int


class Differs(NamedTuple):
    """The first transaction that both observed and on which they differ; `outcomes` before it are the same."""

    seq: Seq
    outcomes: int
    ours: Hash
    theirs: Hash
    """Digests of the range that has this outcome alone."""


class ChainsDiffer(NamedTuple):
    """They follow different chains: these are the first blocks that differ."""

    height: Height
    ours: Hash
    theirs: Hash


def compare(ours: Peer, theirs: Peer) -> Agreed | Differs | ChainsDiffer:
    """What two accountants agree on, or where they first differ. Raises `PeerContradicts`, and what peers raise."""
    our_head, their_head = ours.summary(None), theirs.summary(None)
    if our_head.genesis_hash != their_head.genesis_hash:
        return ChainsDiffer(Height(0), our_head.genesis_hash, their_head.genesis_hash)
    height = min(our_head.height, their_head.height)
    pair = _Pair(ours, theirs)
    our_end, their_end = pair.at(height)
    if our_end.block_hash != their_end.block_hash:
        fork = _first(height, lambda h: len({summary.block_hash for summary in pair.at(Height(h))}) > 1)
        mine, other = pair.at(fork)
        return ChainsDiffer(fork, mine.block_hash, other.block_hash)
    if our_end.transactions != their_end.transactions:
        raise PeerContradicts(theirs, "the same block, and another number of transactions")
    return _Search(pair, our_end, their_end, min(our_head.covered, their_head.covered, height)).run()


class _Pair:
    """Both, asked for the same."""

    def __init__(self, ours: Peer, theirs: Peer) -> None:
        self.ours, self.theirs = ours, theirs
        self._summaries: dict[Height, tuple[Summary, Summary]] = {}

    def at(self, height: Height) -> tuple[Summary, Summary]:
        """Where both stand at a height."""
        if height not in self._summaries:
            both = self.ours.summary(height), self.theirs.summary(height)
            for peer, summary in zip((self.ours, self.theirs), both, strict=True):
                if summary.height != height:
                    raise PeerContradicts(peer, f"asked for height {height} it speaks of height {summary.height}")
            self._summaries[height] = both
        return self._summaries[height]

    def hashes(self, height: Height) -> tuple[Hash, Hash]:
        """Both running hashes at a height that both said to cover."""
        found = []
        for peer, summary in zip((self.ours, self.theirs), self.at(height), strict=True):
            if summary.running_hash is None:
                raise PeerContradicts(peer, f"it said that its running hash covers height {height}, and has none there")
            found.append(summary.running_hash)
        return found[0], found[1]

    def digests(self, first: Seq, span: int, parts: int, among: Numbers) -> tuple[RangeDigests, RangeDigests]:
        """Both sides' digests over the same numbers, all of which both said to have observed."""
        both = self.ours.digests(first, span, parts, among), self.theirs.digests(first, span, parts, among)
        for peer, answer in zip((self.ours, self.theirs), both, strict=True):
            if answer.observed != among:
                raise PeerContradicts(peer, f"it observed other outcomes from {first} on than it said before")
        return both


class _Search:
    """The comparison of outcomes on one chain."""

    def __init__(self, pair: _Pair, our_end: Summary, their_end: Summary, covered: Height) -> None:
        self._pair = pair
        self._our_end, self._their_end = our_end, their_end
        self._covered = covered
        self._outcomes = 0

    def run(self) -> Agreed | Differs:
        first, end = Seq(0), self._our_end.transactions
        mine, other = self._pair.hashes(self._covered)
        if mine != other:
            first, end = self._narrowed()
        else:
            covered = self._pair.at(self._covered)[0]
            self._outcomes, first = covered.observed, Seq(covered.transactions)
        while first < end:
            span = min(SPAN_MOST, end - first)
            found = self._window(first, span)
            if found is not None:
                return found
            first = Seq(first + span)
        if mine != other:
            raise PeerContradicts(self._pair.theirs, "its running hash differs, and no outcome does")
        ours, theirs = self._our_end, self._their_end
        return Agreed(ours.height, ours.transactions, self._outcomes, ours.observed, theirs.observed)

    def _narrowed(self) -> tuple[Seq, int]:
        """A range of one window, or one block, in which the running hashes part; counts what is the same before it."""
        same, other = Height(0), self._covered
        mine, theirs = self._pair.hashes(same)
        if mine != theirs:
            raise PeerContradicts(self._pair.theirs, "its running hash of an empty chain is not that of this genesis")
        while other - same > 1 and self._end(other) - self._end(same) > SPAN_MOST:
            middle = Height((same + other) // 2)
            mine, theirs = self._pair.hashes(middle)
            same, other = (middle, other) if mine == theirs else (same, middle)
        self._outcomes = self._pair.at(same)[0].observed
        return Seq(self._end(same)), self._end(other)

    def _end(self, height: Height) -> int:
        return self._pair.at(height)[0].transactions

    def _window(self, first: Seq, span: int) -> Differs | None:
        """The first difference in a range, or none; counts what is the same before it."""
        all_ours = self._pair.ours.digests(first, span, 0, None).observed
        if not all_ours.size:
            return None
        shared = self._pair.theirs.digests(first, span, 0, all_ours).observed
        if not shared.within(all_ours):
            raise PeerContradicts(self._pair.theirs, "it observed more than it was asked for")
        if not shared.size:
            return None
        found = self._divide(first, span, shared)
        if found is None:
            self._outcomes += shared.size
        return found

    def _divide(self, first: Seq, span: int, shared: Numbers) -> Differs | None:
        """Descends into the first part that differs, until it has one number."""
        descended = False
        while True:
            parts = min(PARTS_MOST, span)
            ours, theirs = self._pair.digests(first, span, parts, shared)
            each = part_span(span, parts)
            pairs = zip(ours.digests, theirs.digests, strict=True)
            place = next((place for place, (mine, other) in enumerate(pairs) if mine != other), None)
            if place is None:
                if descended:
                    raise PeerContradicts(self._pair.theirs, f"a range from {first} on differs, and none of its parts")
                return None
            start = Seq(min(first + place * each, first + span))
            self._outcomes += shared.part(first, start - first).size
            inner = shared.part(start, min(each, first + span - start))
            if not inner.size:
                raise PeerContradicts(self._pair.theirs, "it digests differently what nobody observed")
            if inner.span == 1:
                return Differs(start, self._outcomes, ours.digests[place], theirs.digests[place])
            first, span, shared, descended = start, inner.span, inner, True


def _first(height: Height, differs: Callable[[int], bool]) -> Height:
    """The lowest height that differs, where `height` does and 0 does not: log₂ of it questions."""
    same, other = 0, int(height)
    while other - same > 1:
        middle = (same + other) // 2
        same, other = (same, middle) if differs(middle) else (middle, other)
    return Height(other)
