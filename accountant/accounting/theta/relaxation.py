"""Incomes ranked by cost for each unit, and the linear relaxation's bound.

For every λ = p/q ≥ 0 no set that reaches T costs less than λT + Σ min(0, cost − λ·amount). At the ratio of the income
that completes the ranking's prefix (the break) this is Dantzig's bound, and the sum is over the prefix.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accountant.accounting.theta.candidate import Int64
from accountant.accounting.theta.wide import LIMB, exact_sum, first_reaching, product_differences

_APART = 1 + 2.0**-49
"""Ratios further apart than this stand in their true order: two conversions and a division err by less than 2^-51."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """The ranking, its prefix that falls just short of the target, and the bound at the break's ratio."""

    order: Int64
    """Places of the incomes, cheapest units first, equal ratios as given."""
    prefix: int
    """So many of `order` together fall short of the target, and one more reaches it."""
    amount: int
    """Of the prefix."""
    cost: int
    """Of the prefix."""
    ratio: tuple[int, int]
    """λ as p over q: cost and amount of the break."""
    bound_numerator: int
    """The bound times q."""

    @property
    def bound(self) -> int:
        """Rounded up: costs are integers."""
        return -(-self.bound_numerator // self.ratio[1])


def relax(amounts: Int64, costs: Int64, target: int) -> Relaxation:
    """Rank incomes with positive amounts and costs, which together reach the target > 0."""
    order = ranked(amounts, costs)
    amounts, costs = amounts[order], costs[order]
    prefix = first_reaching(amounts, target) - 1
    p, q = int(costs[prefix]), int(amounts[prefix])
    amount, cost = exact_sum(amounts[:prefix]), exact_sum(costs[:prefix])
    return Relaxation(order, prefix, amount, cost, (p, q), q * cost + p * (target - amount))


def ranked(amounts: Int64, costs: Int64) -> Int64:
    """Places by ratio in exact order, equal ones as given: sorted as floats first, then corrected in integers."""
    ratios = costs / amounts
    order = np.argsort(ratios)
    ratios = ratios[order]
    # the fast sort leaves equal keys in an order that depends on the machine; sorting stably takes four times as long
    key = np.zeros(len(order), dtype=np.int64)
    np.cumsum(ratios[1:] != ratios[:-1], out=key[1:])
    order = np.sort((key << 32) | order) & 0xFFFFFFFF
    wrong = _above_next(order, np.flatnonzero(ratios[1:] <= ratios[:-1] * _APART), amounts, costs)
    return _corrected(order, ratios, wrong, amounts, costs) if len(wrong) else order


def _above_next(order: Int64, near: Int64, amounts: Int64, costs: Int64) -> Int64:
    """Those of the ranks `near` whose ratio lies above the next one's."""
    these, those = order[near], order[near + 1]
    high, low = product_differences(costs[these], amounts[those], amounts[these], costs[those])
    return near[np.flatnonzero((high > 0) | ((high == 0) & (low > 0)))]


def _corrected(order: Int64, ratios: npt.NDArray[np.float64], wrong: Int64, amounts: Int64, costs: Int64) -> Int64:
    """Sort those runs of ratios that floats hardly tell apart in which something stands wrong."""
    order = order.copy()
    ends = np.append(np.flatnonzero(ratios[1:] > ratios[:-1] * _APART) + 1, len(order))
    for run in np.unique(np.searchsorted(ends, wrong, side="right")).tolist():
        start, end = (int(ends[run - 1]) if run else 0), int(ends[run])
        places = order[start:end].tolist()
        # unequal fractions of 62-bit numbers differ by more than 2^-124, so their floors differ as they do
        places.sort(key=lambda place: ((int(costs[place]) << 2 * LIMB + 1) // int(amounts[place]), place))
        order[start:end] = places
    return order
