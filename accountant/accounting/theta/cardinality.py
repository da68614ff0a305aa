"""A bound that knows how many incomes a choice must hold: what the linear relaxation misses when costs are alike.

Where a cost is its amount plus the same constant for all (an execution's fixed gas), the relaxation takes a fraction of
one income too many, and no core closes that gap. Every set that reaches T holds at least k incomes (the k largest
reach T), and every set that costs less than the best holds at most K (the K cheapest). So for μ ≥ 0

    cost(S) ≥ kμ + Σ_S (cost − μ)      and      cost(S) ≥ −Kμ + Σ_S (cost + μ),

each of which the relaxation bounds again. Both are concave in μ, and any integer μ is valid.
"""

import numpy as np

from accountant.accounting.theta.candidate import VALUE_MAX, Int64
from accountant.accounting.theta.relaxation import relax
from accountant.accounting.theta.wide import exact_sum, first_reaching


def cardinality_bound(amounts: Int64, costs: Int64, target: int, best: int) -> int:
    """A lower bound on what reaching the target costs, or `best` if nothing is cheaper than that."""
    fewest = first_reaching(np.sort(amounts)[::-1], target)
    most = first_reaching(np.sort(costs), best) - 1 if exact_sum(costs) >= best else len(costs)
    if most < fewest:
        return best
    bound, held = _relaxed(amounts, costs, target, 0)
    if held < fewest:
        return min(best, _highest(amounts, costs, target, fewest, 0, int(costs.max())))
    if held >= most:
        return min(best, _highest(amounts, costs, target, most, int(costs.max()) - VALUE_MAX, 0))
    return min(best, bound)


def _highest(amounts: Int64, costs: Int64, target: int, held: int, low: int, high: int) -> int:
    """The largest bound over μ from `low` to `high`, by its slope: `held` less the relaxation's own number.

    That is its whole incomes and a part of one more, so the slope is positive or zero exactly if those are fewer.
    """
    best = 0
    while low <= high:
        shift = (low + high) // 2
        bound, count = _relaxed(amounts, costs, target, shift)
        best = max(best, bound + held * shift)
        if count < held:
            low = shift + 1
        else:
            high = shift - 1
    return best


def _relaxed(amounts: Int64, costs: Int64, target: int, shift: int) -> tuple[int, int]:
    """The relaxation's bound with every cost lowered by `shift`, and how many incomes it holds whole."""
    shifted = costs - shift
    gainful = shifted <= 0
    gain = int(gainful.sum()) * shift - exact_sum(costs[gainful])
    short = target - exact_sum(amounts[gainful])
    if short <= 0:
        return -gain, int(gainful.sum())
    rest = ~gainful
    relaxation = relax(amounts[rest], shifted[rest], short)
    return relaxation.bound - gain, int(gainful.sum()) + relaxation.prefix
