"""What to execute next, while incomes may bring less than hoped (paper, Algorithm 4 with the accountant choosing Θ).

A plan is made for expected amounts and carried out only as far as no surprise can make it wrong; then the caller says
what it has gained and asks again. Integers alone, and the same answer for the same arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from accountant.accounting.theta.additive import choose_additive
from accountant.accounting.theta.candidate import (
    VALUE_MAX,
    Ancestry,
    Candidate,
    Choice,
    Int64,
    InvalidCandidate,
    Unsatisfiable,
)
from accountant.accounting.theta.closure import QUICK, choose_closure
from accountant.accounting.theta.relaxation import ranked
from accountant.accounting.theta.small import FEW, choose_few
from accountant.accounting.theta.union import check_ancestors

CLOSURE_MOST = 2_000
"""Above so many candidates ancestors are not shared between them in a plan: each counts with its direct ones."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to execute now, and the set that it is the beginning of."""

    batch: tuple[int, ...]
    """Places in order of execution. Whatever the others of the batch bring, none of them is needless. Empty when the
    target is reached."""
    choice: Choice
    """Under expected amounts; under the highest ones where the expected ones cannot reach the target."""


def plan(
    candidates: Sequence[Candidate], target: int, gained: int = 0, ancestry: Ancestry = (), most: int | None = None
) -> Plan | Unsatisfiable:
    """The next incomes to execute so that `gained` units become `target`, at most `most` of them.

    `candidates` are those not executed yet. Those marked `last` are considered when no other is left, in the order
    given. `Unsatisfiable` is proved: not even the highest amounts of all reach the target. Raises `InvalidCandidate`.
    """
    _validate(candidates, ancestry)
    highest = sum(candidate.amount_high for candidate in candidates)
    if gained + highest < target:
        return Unsatisfiable(gained + highest, target)
    short = target - gained
    if short <= 0:
        return Plan((), Choice((), 0, 0, 0, 0))
    useful = [place for place, candidate in enumerate(candidates) if candidate.amount_high]
    regular = [place for place in useful if not candidates[place].last]
    places = regular or useful
    these = [candidates[place] for place in places]
    goal = min(short, sum(candidate.amount_high for candidate in these))
    brings = [expected(candidate) for candidate in these]
    if sum(brings) < goal:
        brings = [candidate.amount_high for candidate in these]
    if not regular:
        choice, order = _in_order(these, brings, goal, ancestry), list(range(len(these)))
    else:
        choice, order = _cheapest(these, brings, goal, ancestry)
    batch = _certainly_needed([(place, these[place].amount_high) for place in order], short)
    whole = Choice(
        tuple(places[place] for place in choice.chosen),
        choice.amount,
        choice.cost,
        choice.lower_bound,
        choice.additive_cost,
    )
    return Plan(tuple(places[place] for place in batch[:most]), whole)


def expected(candidate: Candidate) -> int:
    """Units that an income brings on average, rounded down; at least one where it may bring any."""
    per_mille = 500 if candidate.likelihood is None else candidate.likelihood
    brings = candidate.amount_low + (candidate.amount_high - candidate.amount_low) * per_mille // 1000
    return max(brings, min(1, candidate.amount_high))


def _cheapest(
    candidates: list[Candidate], brings: list[int], goal: int, ancestry: Ancestry
) -> tuple[Choice, list[int]]:
    """The cheapest choice, and its members with the most units for the least gas first."""
    direct = _direct_costs(candidates, ancestry)
    choice: Choice | Unsatisfiable
    if len(candidates) <= FEW:
        choice = choose_few(candidates, ancestry, brings, goal)
    elif ancestry and len(candidates) <= CLOSURE_MOST:
        choice = choose_closure(candidates, ancestry, goal, amounts=brings, effort=QUICK)
    else:
        choice = choose_additive(brings, direct, goal)
    assert isinstance(choice, Choice), "the goal is at most what they bring"
    chosen = np.array(choice.chosen, dtype=np.int64)
    return choice, chosen[_by_ratio(np.array(brings, dtype=np.int64)[chosen], direct[chosen])].tolist()


def _by_ratio(amounts: Int64, costs: Int64) -> Int64:
    """Free ones first, then by cost for each unit."""
    free, priced = np.flatnonzero(costs == 0), np.flatnonzero(costs > 0)
    order = priced[ranked(amounts[priced], costs[priced])] if len(priced) else priced
    return np.concatenate([free, order])


def _direct_costs(candidates: list[Candidate], ancestry: Ancestry) -> Int64:
    if not ancestry:
        return np.array([candidate.cost for candidate in candidates], dtype=np.int64)
    return np.array(
        [min(VALUE_MAX, c.cost + sum(ancestry[ancestor].gas for ancestor in c.ancestors)) for c in candidates],
        dtype=np.int64,
    )


def _in_order(candidates: list[Candidate], brings: list[int], goal: int, ancestry: Ancestry) -> Choice:
    """What must come last comes as given, until it suffices. Nothing is claimed about other orders."""
    costs = _direct_costs(candidates, ancestry).tolist()
    amount = cost = count = 0
    while amount < goal:
        amount, cost, count = amount + brings[count], cost + costs[count], count + 1
    return Choice(tuple(range(count)), amount, cost, 0, cost)


def _certainly_needed(order: list[tuple[int, int]], short: int) -> list[int]:
    """The longest beginning in which each is needed even if all before it bring their highest amounts."""
    batch, reached = [], 0
    for place, high in order:
        if reached >= short:
            break
        batch.append(place)
        reached += high
    return batch


def _validate(candidates: Sequence[Candidate], ancestry: Ancestry) -> None:
    check_ancestors(candidates, ancestry)
    for place, candidate in enumerate(candidates):
        if not 0 <= candidate.amount_low <= candidate.amount_high <= VALUE_MAX:
            raise InvalidCandidate(f"income {place} brings {candidate.amount_low} to {candidate.amount_high}")
        if candidate.likelihood is not None and not 0 <= candidate.likelihood <= 1000:
            raise InvalidCandidate(f"income {place} has likelihood {candidate.likelihood}; it is 0 to 1000 per mille")
        if not 0 <= candidate.cost <= VALUE_MAX:
            raise InvalidCandidate(f"income {place} costs {candidate.cost}; a cost is 0 to 2^62")
