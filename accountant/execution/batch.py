"""Which incomes are executed next, as many at once as are surely needed where several workers share the work."""

from itertools import islice

from accountant.execution.choice import cheapest, surely_needed
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
