"""Which income to execute next, greedily: the most units for the least gas first."""

from accountant.execution.timeline import Posting, Walk
from accountant.index.port import ChainIndex
from accountant.primitives.types import Seq

_SMALL = 512
"""Up to so many unknown postings the interval is walked again after every single execution."""

_PRICED = 256
"""So many of the largest candidates are compared by gas; more would cost more than it saves."""


def next_to_execute(index: ChainIndex, walk: Walk, amount: int, rounds: int) -> list[Seq]:
    """Transactions whose outcomes narrow the interval most cheaply; never empty while the interval is open.

    Own expenses come last and in chain order: they look free and drag in everything (DESIGN section 4).
    On long timelines the batch doubles every round, so that the walks stay O(n log n) together.
    """
    assert walk.unknown
    incomes = [posting for posting in walk.unknown if not posting.own]
    if not incomes:
        candidates = list(walk.unknown)
    else:
        largest = sorted(incomes, key=lambda p: (-_gain(p), -p.seq))[:_PRICED]
        gas = {located.seq: located.transaction.gas_limit for located in index.transactions([p.seq for p in largest])}
        short = amount - walk.lower
        candidates = sorted(largest, key=lambda p: (*_price(p, gas[p.seq], short), -p.seq))
    count = 1 if len(walk.unknown) <= _SMALL else 1 << min(rounds, 20)
    return [posting.seq for posting in candidates[:count]]


def _gain(posting: Posting) -> int:
    """The most units by which knowing the outcome can move the interval."""
    return posting.credit_most + posting.debit_most


def _price(posting: Posting, gas_most: int, short: int) -> tuple[int, int]:
    """Sorts by gas for each unit that is needed, in integers; what does not run code costs its check alone."""
    useful = max(1, min(_gain(posting), short))
    return (gas_most * 1_000_000 // useful, -useful)
