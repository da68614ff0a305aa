"""Comparison: the first outcome on which two accountants differ, in few requests, whatever the other one says."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.agreement import RangeDigests, Summary, range_digests, single_digest
from accountant.accounting.compare import Agreed, ChainsDiffer, Differs, PeerContradicts, compare
from accountant.accounting.numbers import Numbers
from accountant.primitives.hashes import sha256
from accountant.primitives.types import Hash, Height, Seq
from tests.support.memory_peer import MemoryPeer, blocks_of, digests_of

WRONG = sha256(b"wrong")


def pair(count: int, ours: dict[int, bytes], theirs: dict[int, bytes]) -> tuple[MemoryPeer, MemoryPeer]:
    blocks = blocks_of(count)
    return MemoryPeer("ours", blocks, ours), MemoryPeer("theirs", blocks, theirs)


@settings(max_examples=200)
@given(st.integers(0, 400), st.randoms(use_true_random=True))
def test_the_first_difference_is_found(count: int, random: Random) -> None:
    """Of what both observed, on chains of any length and with any gaps; and how many are the same before it."""
    known = digests_of(count)
    ours = {seq: known[seq] for seq in known if random.random() < random.choice([0.1, 0.9, 1.0])}
    theirs = {seq: known[seq] for seq in known if random.random() < random.choice([0.1, 0.9, 1.0])}
    if random.random() < 0.3:  # a prefix that both observed whole
        whole = {seq: known[seq] for seq in range(random.randrange(count + 1))}
        ours, theirs = ours | whole, theirs | whole
    wrong = [seq for seq in theirs if random.random() < random.choice([0.0, 0.01, 0.1])]
    theirs |= dict.fromkeys(wrong, WRONG)
    both = sorted(ours.keys() & theirs.keys())
    first = next((seq for seq in both if seq in wrong), None)
    found = compare(*pair(count, ours, theirs))
    if first is None:
        assert found == Agreed(Height(len(blocks_of(count))), count, len(both), len(ours), len(theirs))
    else:
        before = sum(seq < first for seq in both)
        assert found == Differs(
            Seq(first), before, single_digest(Seq(first), known[first]), single_digest(Seq(first), WRONG)
        )


@pytest.mark.parametrize("gaps", [False, True], ids=["all observed", "gaps"])
@pytest.mark.parametrize("count", [2**8, 2**12, 2**16, 2**18])
def test_requests_grow_with_the_logarithm(count: int, gaps: bool) -> None:
    """A quarter of a million transactions take two divisions more than two hundred, with gaps or without."""
    known = digests_of(count)
    if gaps:
        del known[3], known[count // 2]
    ours, theirs = pair(count, known, known | {count - 7: WRONG})
    found = compare(ours, theirs)
    assert isinstance(found, Differs)
    assert found.seq == count - 7
    divisions = -(-count.bit_length() // 8)
    assert (ours.requests, theirs.requests) <= (4 + divisions, 4 + divisions)


def test_running_hashes_narrow_what_windows_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a chain of many windows that both observed, halving takes the place of one window after the other."""
    monkeypatch.setattr("accountant.accounting.compare.SPAN_MOST", 64)
    known = digests_of(20_000)
    for wrong in (0, 63, 64, 9_999, 19_999):
        ours, theirs = pair(20_000, known, known | {wrong: WRONG})
        found = compare(ours, theirs)
        assert isinstance(found, Differs)
        assert (found.seq, found.outcomes) == (wrong, wrong)
        assert (ours.requests, theirs.requests) <= (18, 18)


def test_equal_running_hashes_end_it_at_once() -> None:
    """Two accountants that observed everything compare one hash, and no digest of a range."""
    known = digests_of(5_000)
    ours, theirs = pair(5_000, known, known)
    assert compare(ours, theirs) == Agreed(Height(500), 5_000, 5_000, 5_000, 5_000)
    assert (ours.requests, theirs.requests) == (2, 2)


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 60))
def test_chains_are_compared_first(fork: int, ours: int, theirs: int) -> None:
    """Where the chains differ, outcomes say nothing: the first block that differs is named."""
    mine = MemoryPeer("ours", blocks_of(10 * ours), digests_of(10 * ours))
    other = MemoryPeer("theirs", blocks_of(10 * theirs, fork=fork), digests_of(10 * theirs))
    found = compare(mine, other)
    if fork <= min(len(mine.blocks), len(other.blocks)) - 1:
        assert found == ChainsDiffer(Height(fork), mine.blocks[fork][0], other.blocks[fork][0])
        assert mine.requests <= 2 + (60).bit_length()
    else:
        assert isinstance(found, Agreed)


class Liar(MemoryPeer):
    """Digests something else where it likes."""

    def digests(self, first: Seq, span: int, parts: int, among: Numbers | None) -> RangeDigests:
        honest = super().digests(first, span, parts, among)
        return self.lie(first, span, honest)

    def lie(self, first: Seq, span: int, honest: RangeDigests) -> RangeDigests:
        raise NotImplementedError


class AboutRanges(Liar):
    """The whole differs, and none of its parts."""

    def lie(self, first: Seq, span: int, honest: RangeDigests) -> RangeDigests:
        return honest._replace(digests=(Hash(WRONG), *honest.digests[1:])) if span > 256 else honest


class AboutItsNumbers(Liar):
    """It observed more than it was asked for."""

    def lie(self, first: Seq, span: int, honest: RangeDigests) -> RangeDigests:
        return honest._replace(observed=Numbers.of(first, span, range(first, first + span)))


class ForgetsOne(Liar):
    """What it observed changes from answer to answer."""

    def lie(self, first: Seq, span: int, honest: RangeDigests) -> RangeDigests:
        return honest if not honest.digests else honest._replace(observed=Numbers.of(first, span, ()))


class AboutNothing(Liar):
    """It digests differently where nobody observed anything."""

    def lie(self, first: Seq, span: int, honest: RangeDigests) -> RangeDigests:
        return honest._replace(digests=(*honest.digests[:-1], Hash(WRONG))) if honest.digests else honest


class AboutItsRunningHash(MemoryPeer):
    """Its running hash is another one, and its outcomes are not."""

    at = 3

    def summary(self, height: Height | None) -> Summary:
        honest = super().summary(height)
        return honest._replace(running_hash=Hash(WRONG)) if honest.height >= self.at else honest


class HasNoneWhereItSaid(AboutItsRunningHash):
    """It covers more than it has hashes for."""

    def summary(self, height: Height | None) -> Summary:
        return super().summary(height)._replace(running_hash=None)


class OfAnotherBeginning(AboutItsRunningHash):
    """Its running hash differs before the first transaction."""

    at = 0


class OfAnotherHeight(MemoryPeer):
    """It speaks of another height than it was asked for."""

    def summary(self, height: Height | None) -> Summary:
        return super().summary(height)._replace(height=Height(4)) if height is not None else super().summary(height)


class OfAnotherCount(MemoryPeer):
    """The same block ends another number of transactions."""

    def summary(self, height: Height | None) -> Summary:
        honest = super().summary(height)
        return honest._replace(transactions=honest.transactions + 1)


@pytest.mark.parametrize(
    "kind",
    [
        AboutRanges,
        AboutItsNumbers,
        ForgetsOne,
        AboutNothing,
        AboutItsRunningHash,
        HasNoneWhereItSaid,
        OfAnotherBeginning,
        OfAnotherHeight,
        OfAnotherCount,
    ],
)
def test_a_liar_is_named(kind: type[MemoryPeer]) -> None:
    """Answers that contradict each other end the comparison within a few requests, and say whose they are."""
    known = {seq: digest for seq, digest in digests_of(1_000).items() if seq != 50}
    ours = {seq: digest for seq, digest in known.items() if seq not in (51, 999)}
    mine, liar = MemoryPeer("ours", blocks_of(1_000), ours), kind("the liar", blocks_of(1_000), known)
    with pytest.raises(PeerContradicts, match=r"^the liar contradicts itself"):
        compare(mine, liar)
    assert mine.requests < 25


def test_digests_are_of_the_numbers_that_count() -> None:
    """A part's digest is over number and digest of each counted outcome in order; an empty part's is of nothing."""
    stored = [(10, b"a" * 32), (11, b"b" * 32), (14, b"c" * 32)]
    found = range_digests(Seq(10), 6, 3, Numbers.of(Seq(10), 6, [10, 11, 12]), stored)
    assert found.observed.seqs() == [10, 11]
    both = (10).to_bytes(8, "big") + b"a" * 32 + (11).to_bytes(8, "big") + b"b" * 32
    assert found.digests == (sha256(both), sha256(b""), sha256(b""))
