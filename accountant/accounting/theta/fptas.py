"""Additive costs within a factor 1 + ε of the optimum, in time polynomial in the number of incomes and 1/ε."""

from fractions import Fraction

import numpy as np

from accountant.accounting.theta.additive import exact
from accountant.accounting.theta.candidate import Choice, Int64, Integers, Unsatisfiable, columns
from accountant.accounting.theta.relaxation import relax
from accountant.accounting.theta.wide import exact_sum
from accountant.primitives.errors import AccountantError


class InvalidPrecision(AccountantError):
    """An ε that is not positive."""

    code = "invalid_precision"


def fptas(amounts: Integers, costs: Integers, target: int, epsilon: Fraction) -> Choice | Unsatisfiable:
    """A set that costs at most (1 + ε) times the cheapest. The factor holds for every input, without a work limit.

    Proof. For a threshold m, let LP(m) be the relaxation's bound over incomes that cost at most m. If the dearest
    income of an optimum costs m, it costs at least max(m, LP(m)), and the ranking's prefix with its break costs at most
    LP(m) + m. So L = min over m of max(m, LP(m)) and U = that m's prefix with break satisfy L ≤ OPT ≤ U ≤ 2L.
    Costs are divided by K = εL/n and rounded down. A set S that is cheapest in the rounded costs c' satisfies

        cost(S) ≤ K·c'(S) + nK ≤ K·c'(optimum) + nK ≤ OPT + εL ≤ (1 + ε)·OPT.

    S is found by the exact solver: undominated states differ in their rounded cost, which lies between 0 and
    c'(S) + c'(prefix) ≤ 2U/K + n = O(n/ε), so n incomes take O(n²/ε) steps.

    Raises `InvalidPrecision` for ε ≤ 0 and `InvalidCandidate` for numbers outside 0 ≤ v ≤ 2^62.
    """
    if epsilon <= 0:
        raise InvalidPrecision(f"ε is positive; {epsilon} is not")
    of_amount, of_cost = columns(amounts, costs)
    total = exact_sum(of_amount)
    if total < target:
        return Unsatisfiable(total, target)
    least, most = _within_twice(of_amount, of_cost, target)
    usable = np.flatnonzero((of_cost <= most) & (of_amount > 0))
    scale = epsilon * least / max(1, len(usable))
    if scale <= 1:
        found = exact(of_amount[usable], of_cost[usable], target, None)
        assert isinstance(found, Choice)
        return Choice(tuple(usable[list(found.chosen)].tolist()), found.amount, found.cost, found.cost, found.cost)
    rounded = [cost * scale.denominator // scale.numerator for cost in of_cost[usable].tolist()]
    found = exact(of_amount[usable], rounded, target, None)
    assert isinstance(found, Choice)
    chosen = _without_needless(of_amount, of_cost, usable[list(found.chosen)], target)
    cost = exact_sum(of_cost[chosen])
    bound = max(least, _rounded_up(found.cost * scale), _rounded_up(cost / (1 + epsilon)))
    return Choice(tuple(np.sort(chosen).tolist()), exact_sum(of_amount[chosen]), cost, bound, cost)


def _within_twice(amounts: Int64, costs: Int64, target: int) -> tuple[int, int]:
    """L and U with L ≤ OPT ≤ U ≤ 2L. LP(m) falls and m rises, so the best threshold is found by halving."""
    thresholds = np.unique(np.append(costs, 0))
    low, high = 0, len(thresholds) - 1
    while low < high:
        middle = (low + high) // 2
        threshold = int(thresholds[middle])
        if (of := _at(amounts, costs, target, threshold)) is None or of[0] > threshold:
            low = middle + 1
        else:
            high = middle
    near = [
        (int(thresholds[place]), _at(amounts, costs, target, int(thresholds[place])))
        for place in {max(0, low - 1), low}
    ]
    bounds = [(max(threshold, of[0]), of[1]) for threshold, of in near if of is not None]
    return min(bound for bound, _ in bounds), min(most for _, most in bounds)


def _at(amounts: Int64, costs: Int64, target: int, threshold: int) -> tuple[int, int] | None:
    """LP(m), and what the prefix with its break costs; None if incomes up to the threshold do not reach the target."""
    free = exact_sum(amounts[costs == 0])
    if target <= free:
        return 0, 0
    rows = (costs > 0) & (costs <= threshold) & (amounts > 0)
    if free + exact_sum(amounts[rows]) < target:
        return None
    relaxation = relax(amounts[rows], costs[rows], target - free)
    return relaxation.bound, relaxation.cost + relaxation.ratio[0]


def _without_needless(amounts: Int64, costs: Int64, chosen: Int64, target: int) -> Int64:
    """Rounding makes cheap incomes free: give up what is not needed, dearest first."""
    surplus = exact_sum(amounts[chosen]) - target
    kept = []
    for place in chosen[np.argsort(-costs[chosen], kind="stable")].tolist():
        if int(amounts[place]) <= surplus:
            surplus -= int(amounts[place])
        else:
            kept.append(place)
    return np.array(kept, dtype=np.int64)


def _rounded_up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
