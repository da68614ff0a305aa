"""Additive costs: the cheapest incomes that reach a target when each is paid for by itself (minimum knapsack cover)."""

import numpy as np

from accountant.accounting.theta.candidate import VALUE_MAX, Choice, Int64, Integers, Unsatisfiable, columns
from accountant.accounting.theta.core import solve_core
from accountant.accounting.theta.relaxation import relax
from accountant.accounting.theta.wide import exact_sum

STATES_MOST = 2_000_000
"""The exact solver's work limit: a second or two, and 16 MB to trace the choice back."""

BOUNDED_STATES_MOST = 200_000
"""Enough to improve greedy; above this the answer is only as good as its gap says."""

EXACT_MOST = 100_000
"""Up to so many incomes `choose_additive` searches within STATES_MOST, above within BOUNDED_STATES_MOST."""


def choose_additive(amounts: Integers, costs: Integers, target: int) -> Choice | Unsatisfiable:
    """The cheapest set, proved or with its gap, within work that the number of incomes decides."""
    if len(amounts) <= EXACT_MOST:
        return exact(amounts, costs, target)
    return bounded(amounts, costs, target)


def exact(
    amounts: Integers, costs: Integers, target: int, states_most: int | None = STATES_MOST
) -> Choice | Unsatisfiable:
    """The cheapest set, proved unless the search ends at its limit of states; without a limit it always ends proved.

    Raises `InvalidCandidate` for an amount or cost outside 0 ≤ v ≤ 2^62.
    """
    of_amount, of_cost = columns(amounts, costs)
    total = exact_sum(of_amount)
    if total < target:
        return Unsatisfiable(total, target)
    free = np.flatnonzero((of_cost == 0) & (of_amount > 0)) if target > 0 else np.empty(0, dtype=np.int64)
    short = target - exact_sum(of_amount[free])
    if short <= 0:
        return _choice(of_amount, of_cost, free, 0)
    priced = np.flatnonzero((of_cost > 0) & (of_amount > 0))
    useful = np.minimum(of_amount, min(short, VALUE_MAX))  # what passes the target counts no further
    relaxation = relax(useful[priced], of_cost[priced], short)
    ranked = priced[relaxation.order]
    solved = solve_core(useful[ranked], of_cost[ranked], short, relaxation, states_most)
    return _choice(of_amount, of_cost, np.concatenate([free, ranked[solved.ranks]]), solved.lower_bound)


def bounded(amounts: Integers, costs: Integers, target: int) -> Choice | Unsatisfiable:
    """Greedy, improved around the break within little work: for 10^6 incomes, with a gap that is stated."""
    return exact(amounts, costs, target, BOUNDED_STATES_MOST)


def _choice(amounts: Int64, costs: Int64, chosen: Int64, lower_bound: int) -> Choice:
    cost = exact_sum(costs[chosen])
    assert lower_bound <= cost
    return Choice(tuple(np.sort(chosen).tolist()), exact_sum(amounts[chosen]), cost, lower_bound, cost)
