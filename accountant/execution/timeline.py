"""The interval [L, U] of a general balance, walked along its postings (Lemma 1, restarted; DESIGN section 4).

Every posting bounds what its transaction can have done without executing it; known outcomes say what
it did. G never goes below zero, so the walk restarts there: L ← max(0, L + δ). A walk begins anywhere, with the
static interval there (`index.static`), so a question looks at the latest postings alone.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from accountant.execution.outcome import Outcome
from accountant.index.port import Event
from accountant.index.posting import Posting, step_unknown
from accountant.index.unlimited import postings_of
from accountant.primitives.types import AccountId, Seq

KnownOutcome = Callable[[Seq], Outcome | None]

_seq = attrgetter("seq")


class Step(NamedTuple):
    """One posting of a walk, and what is known right after it."""

    posting: Posting
    net: int
    """What L moved by, were it not for the restart."""
    lower: int
    upper: int
    open: bool
    """Whether the outcome is not known, and would narrow the interval."""


class Walk(NamedTuple):
    """Where a walk ended: lower ≤ G ≤ upper, and the postings whose outcomes would narrow that."""

    lower: int
    upper: int
    unknown: tuple[Posting, ...] = ()
    whole: bool = True
    """Whether nothing before the beginning of the walk would narrow the interval."""
    start: tuple[int, int] = (0, 0)
    steps: tuple[Step, ...] = ()

    def covers(self, amount: int) -> bool | None:
        """Whether G is at least `amount`; None where the interval leaves it open."""
        if self.lower >= amount:
            return True
        return False if self.upper < amount else None


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


class Checkpoint(NamedTuple):
    """What is known of a general balance right before transaction `before`: lower ≤ G ≤ upper."""

    before: Seq
    lower: int
    upper: int


class Timeline:
    """A stretch of one account's postings, and the narrowest interval that is known right before each of them.

    It begins with a static interval and grows at both ends. What a walk found is kept, so that later walks may
    begin in its middle.
    """

    def __init__(self, account: AccountId, start: Checkpoint, whole: bool) -> None:
        """`whole`: whether `start` is exact, so that nothing before it matters."""
        self.account = account
        self.begin = self.end = start.before
        """Postings with begin ≤ seq < end are here."""
        self.whole = whole
        self.unasked: list[Seq] = []
        """Positions up to which nobody looked for checkpoints yet."""
        self._postings: list[Posting] = []
        self._best = [(start.lower, start.upper)]
        """Entry i: the interval right before posting i, narrowed only."""

    def append(self, postings: Sequence[Posting], end: Seq) -> None:
        """Add the account's postings from the old end up to a new one, ascending."""
        assert not postings or (self.end <= postings[0].seq and postings[-1].seq < end)
        self._postings += postings
        self._best += [(posting.lower, posting.upper) for posting in postings]
        self.end = end

    def prepend(self, postings: Sequence[Posting], start: Checkpoint, whole: bool) -> None:
        """Add the account's postings from `start` up to the old beginning, ascending."""
        assert not postings or (start.before <= postings[0].seq and postings[-1].seq < self.begin)
        earlier = [(start.lower, start.upper), *((posting.lower, posting.upper) for posting in postings)]
        self._best[:1] = [*earlier[:-1], _both(earlier[-1], self._best[0])]
        self._postings[:0] = postings
        self.begin, self.whole = start.before, whole

    def narrow(self, checkpoint: Checkpoint) -> None:
        """Use what somebody found out before, at a position that is here."""
        place = self.length(checkpoint.before)
        self._best[place] = _both(self._best[place], (checkpoint.lower, checkpoint.upper))

    def length(self, before: Seq) -> int:
        """How many postings lie between the beginning and `before`."""
        assert self.begin <= before <= self.end
        return bisect_left(self._postings, before, key=_seq)

    def settled(self, before: Seq) -> bool:
        """Whether a balance before `before` is known exactly, so that no longer stretch is needed."""
        return self._range(before, None)[0]

    def glance(self, before: Seq) -> Walk:
        """What is known right before `before` without walking."""
        return Walk(*self._best[self.length(before)])

    def open(self, before: Seq, most: int | None) -> Iterator[Seq]:
        """Those of the latest `most` postings before `before` that are not settled without their outcomes."""
        _, first, end = self._range(before, most)
        return (posting.seq for posting in self._postings[first:end] if not posting.certain)

    def _range(self, before: Seq, most: int | None) -> tuple[bool, int, int]:
        """Where a walk over at most so many postings begins and ends; whether nothing earlier matters."""
        end = self.length(before)
        first = 0 if most is None else max(0, end - most)
        best = self._best
        for place in range(end, first, -1):
            if best[place][0] == best[place][1]:
                return True, place, end
        return (self.whole and not first) or best[first][0] == best[first][1], first, end

    def walk(self, before: Seq, known: KnownOutcome, most: int | None = None) -> Walk:
        """The interval right before `before`, from the latest `most` postings and all known outcomes."""
        whole, first, end = self._range(before, most)
        start = lower, upper = self._best[first]
        steps: list[Step] = []
        for place, posting in enumerate(self._postings[first:end], first + 1):
            outcome, unknown = None, False
            if not posting.certain and not posting.decided(lower, upper):
                outcome = known(posting.seq)
                unknown = outcome is None
            if outcome is not None:
                net = outcome.credit_of(self.account) - outcome.debit_of(self.account)
                net -= posting.expense if outcome.funded else 0
                lower, upper = step_known(self.account, posting, outcome, lower, upper)
            else:
                net = posting.settled - posting.debit_most
                net += (posting.returned or 0) if upper < posting.expense else -posting.expense
                lower, upper = step_unknown(posting, lower, upper)
            lower, upper = self._best[place] = _both(self._best[place], (lower, upper))
            steps.append(Step(posting, net, lower, upper, unknown))
        return Walk(lower, upper, tuple(step.posting for step in steps if step.open), whole, start, tuple(steps))


def _both(left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int]:
    lower, upper = max(left[0], right[0]), min(left[1], right[1])
    assert lower <= upper
    return lower, upper


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
