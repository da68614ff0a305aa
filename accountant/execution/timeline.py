"""The interval [L, U] of a general balance, walked along its postings (Lemma 1, restarted; DESIGN section 4).

Every posting bounds what its transaction can have done without executing it; known outcomes say what
it did. G never goes below zero, so the walk restarts there: L ← max(0, L + δ).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from accountant.chain.rows import RowKind
from accountant.execution.outcome import Outcome
from accountant.index.port import Event
from accountant.primitives.types import AccountId, Seq

KnownOutcome = Callable[[Seq], Outcome | None]


class Posting(NamedTuple):
    """All that one transaction can do to one general balance, in base units.

    `expense`: the general_value that the account's owner signed away (users, Definition 1).
    `debit_most`: the cap on payouts (contracts). `credit_most`: the most that can arrive.
    `settled`: what arrives whatever is executed. `own`: signed by this account.
    """

    seq: Seq
    own: bool
    expense: int
    debit_most: int
    credit_most: int
    settled: int

    @property
    def certain(self) -> bool:
        """Whether the posting is settled without its outcome."""
        return not (self.expense or self.debit_most or self.credit_most)


class Walk(NamedTuple):
    """Where a walk ended: lower ≤ G ≤ upper, and the postings whose outcomes are not known."""

    lower: int
    upper: int
    unknown: tuple[Posting, ...]

    def covers(self, amount: int) -> bool | None:
        """Whether G is at least `amount`; None where the interval leaves it open."""
        if self.lower >= amount:
            return True
        return False if self.upper < amount else None


def postings_of(events: Sequence[Event]) -> list[Posting]:
    """Group an account's events, sorted by seq, into one posting a transaction."""
    postings: list[Posting] = []
    seq, own, expense, debit, credit, settled = Seq(-1), False, 0, 0, 0, 0
    for event in events:
        if event.seq != seq:
            if seq >= 0:
                postings.append(Posting(seq, own, expense, debit, credit, settled))
            seq, own, expense, debit, credit, settled = event.seq, False, 0, 0, 0, 0
        if event.kind == RowKind.EXPENSE:
            own, expense = True, event.cap
        elif event.kind == RowKind.CREDIT:
            credit = event.cap
        elif event.kind == RowKind.DEBIT:
            debit = event.cap
        elif event.kind == RowKind.SETTLED:
            settled = event.cap
    if seq >= 0:
        postings.append(Posting(seq, own, expense, debit, credit, settled))
    return postings


def step_known(account: AccountId, posting: Posting, outcome: Outcome, lower: int, upper: int) -> tuple[int, int]:
    """The interval after a transaction whose outcome is known."""
    if posting.expense:
        if outcome.funded:
            lower, upper = max(lower, posting.expense) - posting.expense, upper - posting.expense
        else:
            upper = min(upper, posting.expense - 1)
    moved = outcome.credit_of(account) - outcome.debit_of(account)
    assert upper + moved >= 0
    return max(0, lower + moved), upper + moved


def step_unknown(posting: Posting, lower: int, upper: int) -> tuple[int, int]:
    """The interval after a transaction that nobody executed: nothing but its posting is known."""
    if posting.expense:
        if lower >= posting.expense:  # surely funded
            lower, upper = lower - posting.expense, upper - posting.expense
        elif upper >= posting.expense:  # funded: at most the difference is left; not funded: less than expense is
            lower, upper = 0, max(upper - posting.expense, posting.expense - 1)
    lower = max(0, lower + posting.settled - posting.debit_most)
    return lower, upper + posting.settled + posting.credit_most


class Checkpoint(NamedTuple):
    """What is known of a general balance right before transaction `before`: lower ≤ G ≤ upper."""

    before: Seq
    lower: int
    upper: int


class Timeline:
    """One account's postings from a checkpoint on. What was walked over known outcomes is not walked again."""

    def __init__(self, account: AccountId, start: Checkpoint) -> None:
        self.account = account
        self.start = start
        self.end = start.before
        """Postings below this number are here."""
        self.kept = 0
        """How many of the postings the last stored checkpoint covers."""
        self._postings: list[Posting] = []
        self._seqs: list[Seq] = []
        self._settled = [(start.lower, start.upper)]
        """Entry i: the interval before posting i, while all postings before it are known."""
        self._walked = [(start.lower, start.upper)]
        """Entry i: the interval before posting i, from what was known when it was walked; at least as long."""

    def extend(self, events: Sequence[Event], end: Seq) -> None:
        """Add the account's events from the old end up to a new one, ascending."""
        postings = postings_of(events)
        assert not postings or (self.end <= postings[0].seq and postings[-1].seq < end)
        self._postings += postings
        self._seqs += [posting.seq for posting in postings]
        self.end = end

    def walk(self, before: Seq, known: KnownOutcome) -> Walk:
        """The interval right before transaction `before`, from all known outcomes."""
        end = self._position(before)
        first = min(len(self._settled) - 1, end)
        walk = self._step(self._settled[first], first, end, known)
        settled = self._position(walk.unknown[0].seq) if walk.unknown else end
        self._settled += self._walked[len(self._settled) : settled + 1]
        return walk

    def glance(self, before: Seq, known: KnownOutcome) -> Walk:
        """The same from where any walk was before, so that no posting is walked twice: perhaps wider.

        What became known since a posting was walked is unused. The unknown postings are those walked now.
        """
        end = self._position(before)
        first = min(len(self._walked) - 1, end)
        return self._step(self._walked[first], first, end, known)

    def _position(self, before: Seq) -> int:
        assert self.start.before <= before <= self.end
        return bisect_left(self._seqs, before)

    def _step(self, interval: tuple[int, int], first: int, end: int, known: KnownOutcome) -> Walk:
        lower, upper = interval
        intervals = [interval]
        unknown: list[Posting] = []
        for posting in self._postings[first:end]:
            outcome = None if posting.certain else known(posting.seq)
            if outcome is not None:
                lower, upper = step_known(self.account, posting, outcome, lower, upper)
            else:
                lower, upper = step_unknown(posting, lower, upper)
                if not posting.certain:
                    unknown.append(posting)
            assert lower <= upper
            intervals.append((lower, upper))
        self._walked[first : end + 1] = intervals
        return Walk(lower, upper, tuple(unknown))

    def unsettled(self, since: Seq) -> list[Seq]:
        """The transactions from `since` on whose outcomes would narrow the interval."""
        first = bisect_left(self._seqs, since)
        return [posting.seq for posting in self._postings[first:] if not posting.certain]

    def length(self, before: Seq) -> int:
        """How many postings lie between the start and `before`."""
        return bisect_left(self._seqs, before)

    def settled(self) -> tuple[int, Checkpoint]:
        """The end of the known prefix: how many postings it has, and the interval there."""
        count = len(self._settled) - 1
        before = self._seqs[count] if count < len(self._seqs) else self.end
        return count, Checkpoint(before, *self._settled[count])


def lower_bound_under(account: AccountId, initial: int, events: Sequence[Event], theta: KnownOutcome) -> int:
    """Lemma 1 with restart: G of the account is at least this, counting no outcome but those of Θ.

    `theta` gives the outcomes of Θ's members and None for everything else. A function of the chain and
    Θ alone, so contracts may ask for it (footprint entry `bound`).
    """
    for _, lower in lower_bounds_under(account, initial, events, theta):  # noqa: B007 - the last one
        pass
    return lower


def lower_bounds_under(
    account: AccountId, initial: int, events: Sequence[Event], theta: KnownOutcome
) -> Iterator[tuple[Seq, int]]:
    """The same bound right before each posting, ascending by transaction; last of all, at the end, under number −1."""
    lower = initial
    for posting in postings_of(events):
        yield posting.seq, lower
        outcome = theta(posting.seq)
        if outcome is None:
            lower = max(0, lower - posting.expense - posting.debit_most + posting.settled)
        else:
            lower, _ = step_known(account, posting, outcome, lower, 1 << 200)
    yield Seq(-1), lower
