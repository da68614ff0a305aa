"""Which incomes are executed next, as many at once as are surely needed where several workers share the work."""

from collections.abc import Iterable
from itertools import islice

from accountant.execution.choice import cheapest
from accountant.execution.session import Session
from accountant.execution.timeline import Walk
from accountant.primitives.types import Seq

_PICKS_MOST = 32
"""Incomes of one batch: more would only pile up before the workers."""


def next_batch(session: Session, walk: Walk, amount: int, first: list[Seq]) -> list[Seq]:
    """What to execute next so that the interval covers `amount` or does not: `first`, and what is needed besides."""
    if not session.shared:
        return first
    ranks = (candidate.seq for candidate in cheapest(walk, amount, session.estimates))
    order = dict.fromkeys([*first, *islice(ranks, _PICKS_MOST)])
    return max(first, surely_needed(walk, amount, order), key=len)


def next_of(session: Session, walk: Walk, amount: int, theta: list[Seq]) -> list[Seq]:
    """The same of a given Θ, in its order."""
    return surely_needed(walk, amount, theta) if session.shared else theta[:1]


def surely_needed(walk: Walk, amount: int, order: Iterable[Seq]) -> list[Seq]:
    """The shortest prefix of `order` whose outcomes could decide whether the interval covers `amount`.

    No shorter one can, whatever its members did: an income or payout moves the lower end up, and the upper end down,
    by no more than the units that were open in its posting; where the lower end passes an own expense that nobody
    looked at, the upper end falls by less than that expense besides; where the upper end falls below one, what comes
    back of it lifts the lower end. An own expense can decide by itself: that it failed says that less than its value
    was there.
    """
    postings = {posting.seq: posting for posting in walk.unknown}
    own = sum(posting.expense for posting in walk.unknown)
    back = sum(posting.returned or posting.credit_most for posting in walk.unknown if posting.own)
    prefix: list[Seq] = []
    moved = 0
    for seq in order:
        prefix.append(seq)
        posting = postings.get(seq)
        if posting is None:
            continue
        moved += posting.credit_most + posting.debit_most
        if posting.expense or walk.lower + moved + back >= amount or walk.upper - moved - own < amount:
            break
    return prefix
