"""The exact solver: dynamic programming over a core that grows around the break, until nothing outside can matter.

Covering a target at least cost is packing the rest at most value, so this is Pisinger's minimal algorithm (minknap)
for the 0-1 knapsack, mirrored. It starts from the relaxation's prefix. Incomes whose reduced cost alone takes the
bound to the best known cost are settled. The others are decided one by one, nearest to the break first, with states
that are dominated or cannot beat the best dropped (`states`). When none is left, the best is proved; when the work
limit ends it before, the cheapest completion that is left bounds the optimum. The limit counts states, not time.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accountant.accounting.theta.candidate import Int64
from accountant.accounting.theta.cardinality import cardinality_bound
from accountant.accounting.theta.relaxation import Relaxation
from accountant.accounting.theta.states import Column, Ratio, States
from accountant.accounting.theta.wide import LIMB, product_differences

_NARROW_MAX = 1 << 61
"""Sums up to this take one limb."""

_PATIENCE = 100_000
"""After so many states a second bound is worth its time."""

_TIGHTENED_MOST = 100_000
"""Up to so many incomes it is worth it at all: it ranks them some fifty times."""

_BISECTIONS = 40


@dataclass(frozen=True, slots=True)
class Solved:
    """Incomes that reach the target, by rank, and a lower bound on what any such set costs."""

    ranks: Int64
    cost: int
    lower_bound: int


def solve_core(amounts: Int64, costs: Int64, target: int, relaxation: Relaxation, states_most: int | None) -> Solved:
    """The cheapest cover of a ranking, or the best within `states_most` states. Amounts and costs are by rank, > 0."""
    core = _Core(amounts, costs, target, relaxation)
    bound = core.grow(states_most)
    inside = np.zeros(len(amounts), dtype=bool)
    inside[: relaxation.prefix] = True
    inside[core.flipped] ^= True
    return Solved(np.flatnonzero(inside), core.best + relaxation.cost, bound + relaxation.cost)


class _Core:
    """The search's state. Costs are relative to the prefix, incomes are ranks."""

    def __init__(self, amounts: Int64, costs: Int64, target: int, relaxation: Relaxation) -> None:
        self.amounts, self.costs, self.target, self.relaxation = amounts, costs, target, relaxation
        self.bound = relaxation.bound - relaxation.cost
        p, q = relaxation.ratio
        self.reduced = product_differences(costs, q, amounts, p)
        """q·cost − p·amount in two limbs, the reduced cost times q: at most 0 in the prefix, at least 0 outside."""
        self.best, self.flipped = self._completed_greedily()
        """The best set, as ranks in which it differs from the prefix."""

    def _completed_greedily(self) -> tuple[int, Int64]:
        """Three ways to complete the prefix: the break; the break without what it makes needless; one other income."""
        prefix, need = self.relaxation.prefix, self.target - self.relaxation.amount
        best, flipped = int(self.costs[prefix]), [prefix]
        needless = np.flatnonzero(self.amounts[:prefix] <= int(self.amounts[prefix]) - need)
        if len(needless):
            dearest = int(needless[self.costs[needless].argmax()])
            best, flipped = best - int(self.costs[dearest]), [prefix, dearest]
        enough = prefix + np.flatnonzero(self.amounts[prefix:] >= need)
        if len(enough):
            single = int(enough[self.costs[enough].argmin()])
            if int(self.costs[single]) < best:
                best, flipped = int(self.costs[single]), [single]
        return best, np.array(flipped, dtype=np.int64)

    def grow(self, states_most: int | None) -> int:
        """Decide incomes until the best is proved or the limit is reached. Returns a lower bound on the optimum."""
        order = list(self._unsettled())
        taken = [0, 0]
        states = self._start(*order)
        decided: list[int] = []
        steps: list[Int64] = []
        made, tightened = 0, len(self.amounts) > _TIGHTENED_MOST
        while len(states) and self.best > self.bound:
            ratios = self._next_ratio(order[0], taken[0]), self._next_ratio(order[1], taken[1])
            states = states.pruned(self.best, *ratios)
            if steps:
                steps[-1] = states.step
            if not len(states) or ratios == (None, None):
                break
            if made > _PATIENCE and not tightened:
                tightened = True
                self._tighten()
                continue
            if states_most is not None and made > states_most:
                return self._cheapest_completion(states, *ratios)
            adding = ratios[0] is None or (ratios[1] is not None and 2 * states.reached <= len(states))
            rank = int(order[adding][taken[adding]])
            taken[adding] += 1
            sign = 1 if adding else -1
            made += 2 * len(states)
            states = states.branched(-sign * int(self.amounts[rank]), sign * int(self.costs[rank]))
            decided.append(rank)
            steps.append(states.step)
            if self._improve(states, decided, steps):
                order = [ranks[done:][self._may_flip(ranks[done:])] for ranks, done in zip(order, taken, strict=True)]
                taken = [0, 0]
        return self.best

    def _tighten(self) -> None:
        """Raise the bound by what is known of how many incomes a choice holds."""
        base = self.relaxation.cost
        self.bound = max(self.bound, cardinality_bound(self.amounts, self.costs, self.target, self.best + base) - base)

    def _start(self, left: Int64, right: Int64) -> States:
        """The prefix alone. Narrow columns where no sum over the core can leave 64 bits."""
        need = self.target - self.relaxation.amount
        wide = []
        for values, start in ((self.amounts, need), (self.costs, self.best)):
            total = sum(int((values[side] >> 20).sum()) + len(side) for side in (left, right))
            wide.append((total << 20) + abs(start) >= _NARROW_MAX)
        return States(Column.single(need, wide[0]), Column.single(0, wide[1]), np.zeros(1, dtype=np.int64))

    def _improve(self, states: States, decided: list[int], steps: list[Int64]) -> bool:
        """Note the cheapest state that reaches the target, if it beats the best."""
        reached = states.reached
        if not reached:
            return False
        row = states.cost.take(slice(0, reached)).least()
        cost = states.cost.value(row)
        if cost >= self.best:
            return False
        self.best = cost
        flipped = []
        for rank, step in zip(reversed(decided), reversed(steps), strict=True):
            code = int(step[row])
            if code & 1:
                flipped.append(rank)
            row = code >> 1
        self.flipped = np.array(flipped, dtype=np.int64)
        return True

    def _unsettled(self) -> tuple[Int64, Int64]:
        """Ranks that a better set may flip, in and outside the prefix, nearest to the break first."""
        ranks = np.flatnonzero(self._may_flip(slice(None)))
        split = int(np.searchsorted(ranks, self.relaxation.prefix))
        return ranks[:split][::-1], ranks[split:]

    def _may_flip(self, ranks: Int64 | slice) -> npt.NDArray[np.bool_]:
        """Whether the relaxation's bound with an income flipped still lies below the best."""
        high, low = self.reduced[0][ranks], self.reduced[1][ranks]
        room = self.relaxation.ratio[1] * (self.best - 1 + self.relaxation.cost) - self.relaxation.bound_numerator
        if room < 0:
            return np.zeros(len(high), dtype=np.bool_)
        room = min(room, (1 << (LIMB + 62)) - 1)
        most_high, most_low = room >> LIMB, room & ((1 << LIMB) - 1)
        least_high, least_low = -room >> LIMB, -room & ((1 << LIMB) - 1)
        small: npt.NDArray[np.bool_] = (high < most_high) | ((high == most_high) & (low <= most_low))
        large: npt.NDArray[np.bool_] = (high > least_high) | ((high == least_high) & (low >= least_low))
        return small & large

    def _next_ratio(self, ranks: Int64, taken: int) -> Ratio | None:
        """Of the next undecided income, the extreme one of its side."""
        if taken == len(ranks):
            return None
        rank = int(ranks[taken])
        return int(self.costs[rank]), int(self.amounts[rank])

    def _cheapest_completion(self, states: States, left: Ratio | None, right: Ratio | None) -> int:
        """The largest bound that pruning alone proves for what the limit left undecided."""
        low, high = self.bound, self.best
        for _ in range(_BISECTIONS):
            middle = (low + high + 1) // 2
            cheaper = states.pruned(middle, left, right)
            if len(cheaper):
                high, states = middle - 1, cheaper
            else:
                low = middle
            if low == high:
                break
        return low
