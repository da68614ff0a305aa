"""Closure costs: the incomes of least total cost when a shared ancestor is paid for once.

A feasible set comes from greedy completions, from what the relaxation takes under better and better shares, and, if
asked for, from a mixed-integer solver. The lower bound comes from shares and a search with them, in integers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from accountant.accounting.theta.additive import BOUNDED_STATES_MOST, choose_additive, exact
from accountant.accounting.theta.candidate import VALUE_MAX, Ancestry, Candidate, Choice, Limits, Unsatisfiable, column
from accountant.accounting.theta.greedy import improved, nearby
from accountant.accounting.theta.search import search
from accountant.accounting.theta.sharing import Sharing, rounds, shared, whole
from accountant.accounting.theta.union import Bools, Union, check_ancestors, flatten, flattens
from accountant.accounting.theta.wide import exact_sum


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work is done; all three are counts, so that the answer does not depend on time."""

    rounds: int
    """Of better shares."""
    tries: int
    """Members that the search nearby bars."""
    nodes: int
    """Opened to prove the bound."""


FULL = Effort(rounds=200, tries=60, nodes=1_000)
"""Seconds at 2,000 incomes over 20,000 ancestors."""

QUICK = Effort(rounds=20, tries=0, nodes=0)
"""For plans that are made again and again."""

_SEARCH_WORK = 5_000_000
"""Pairs of income and ancestor that are looked at in all of them."""

_EVERY = 10
"""So many rounds of shares per set that is made of what they take."""


def choose_closure(
    candidates: Sequence[Candidate],
    ancestry: Ancestry,
    target: int,
    limits: Limits | None = None,
    amounts: Sequence[int] | None = None,
    effort: Effort = FULL,
) -> Choice | Unsatisfiable:
    """The cheapest set of incomes that brings at least the target, proved or with its gap.

    Counts each candidate with its lowest amount, or with `amounts`. With limits, HiGHS improves both ends within them
    (`closure_exact`, tens of megabytes and seconds at 2,000 incomes over 20,000 ancestors); without, the answer is a
    function of the arguments alone. Above 2^27 incomes times ancestors closures are not flattened, and shares go to
    direct ancestors only: still feasible and bounded, with a wider gap. Raises `InvalidCandidate`.
    """
    brings = [c.amount_low for c in candidates] if amounts is None else list(amounts)
    if not flattens(candidates, ancestry):
        return _coarse(candidates, ancestry, target, brings)
    union = flatten(candidates, ancestry, brings)
    total = sum(brings)
    if total < target:
        return Unsatisfiable(total, target)
    if target <= 0:
        return Choice((), 0, 0, 0, 0)
    naive = exact(union.amounts, union.alone, target, BOUNDED_STATES_MOST)
    assert isinstance(naive, Choice)
    additive_cost = union.cost(np.array(naive.chosen, dtype=np.int64))
    additive = _bools(len(candidates), naive.chosen)
    found = _Found(union, target, effort, improved(union, target, additive))
    found.offer(additive)
    found.offer(np.zeros(len(candidates), dtype=np.bool_))
    found.share()
    found.prove()
    if limits is not None:
        found.solve(limits)
        found.prove()
    chosen = np.flatnonzero(found.best)
    return Choice(
        tuple(chosen.tolist()), sum(brings[p] for p in chosen.tolist()), found.cost, found.bound, additive_cost
    )


def closure_exact(
    candidates: Sequence[Candidate], ancestry: Ancestry, target: int, limits: Limits
) -> Choice | Unsatisfiable:
    """`choose_closure` with the mixed-integer solver; optimal within its limits, proved where integers prove it."""
    return choose_closure(candidates, ancestry, target, limits)


def closure_greedy(candidates: Sequence[Candidate], ancestry: Ancestry, target: int) -> Choice | Unsatisfiable:
    """`choose_closure` without it: deterministic work, at every size."""
    return choose_closure(candidates, ancestry, target)


@dataclass
class _Found:
    """The best set so far, and the best bound."""

    union: Union
    target: int
    effort: Effort
    best: Bools
    bound: int = 0
    sharing: Sharing | None = None

    @property
    def cost(self) -> int:
        """Of the best set."""
        return self.union.cost(np.flatnonzero(self.best))

    def offer(self, inside: Bools) -> None:
        """Complete and reduce a set, and keep the result, or the set itself where it suffices, if it is the cheapest.

        Both, since completing goes by scaled costs, which leave the last digits of large gas.
        """
        suffices = exact_sum(self.union.amounts[inside]) >= self.target
        for each in (improved(self.union, self.target, inside), *((inside,) if suffices else ())):
            if self.union.cost(np.flatnonzero(each)) < self.cost:
                self.best = each

    def share(self) -> None:
        """Find shares, and sets on the way."""
        for number, sharing in enumerate(rounds(self.union, self.target, self.effort.rounds)):
            if self.sharing is None or sharing.bound > self.sharing.bound:
                self.sharing = sharing
            if number % _EVERY == 0:
                self.offer(sharing.taken)
                if self.union.unscaled_up(self.sharing.bound) >= self.cost:
                    break
        assert self.sharing is not None
        self.offer(nearby(self.union, self.target, self.best, self.effort.tries))
        self.bound = max(self.bound, whole(self.union, self.target, self.sharing))

    def solve(self, limits: Limits) -> None:
        """The same from the mixed-integer solver, which is imported only here: most processes never need it."""
        from accountant.accounting.theta.milp import relaxed_shares, solved

        assert self.sharing is not None
        if self.bound == self.cost:
            return
        shares = relaxed_shares(self.union, self.target, limits)
        if shares is not None:
            sharing = shared(self.union, self.target, shares)
            self.bound = max(self.bound, whole(self.union, self.target, sharing))
            if sharing.bound > self.sharing.bound:
                self.sharing = sharing
        inside = solved(self.union, self.target, self.best, limits)
        if inside is not None:
            self.offer(inside)

    def prove(self) -> None:
        """Branch and bound, while they differ."""
        assert self.sharing is not None
        if self.bound < self.cost and self.effort.nodes:
            size = 1 + len(self.union.own) + len(self.union.income)
            nodes_most = min(self.effort.nodes, _SEARCH_WORK // size)
            best, bound = search(self.union, self.target, self.sharing, self.best, nodes_most)
            self.offer(best)
            self.bound = max(self.bound, min(bound, self.cost))


def _bools(count: int, places: Sequence[int]) -> Bools:
    inside = np.zeros(count, dtype=np.bool_)
    inside[list(places)] = True
    return inside


def _coarse(
    candidates: Sequence[Candidate], ancestry: Ancestry, target: int, brings: list[int]
) -> Choice | Unsatisfiable:
    """Additive over direct ancestors: in full to choose, shared evenly for the bound. Linear work."""
    check_ancestors(candidates, ancestry)
    column([ancestor.gas for ancestor in ancestry], "an ancestor's gas")
    users = np.zeros(len(ancestry), dtype=np.int64)
    for candidate in candidates:
        for ancestor in set(candidate.ancestors):
            users[ancestor] += 1
    of_gas = [ancestor.gas for ancestor in ancestry]
    shares = [gas // max(1, count) for gas, count in zip(of_gas, users.tolist(), strict=True)]
    dear, cheap = (
        [min(VALUE_MAX, c.cost + sum(price[a] for a in set(c.ancestors))) for c in candidates]
        for price in (of_gas, shares)
    )
    choice, below = choose_additive(brings, dear, target), choose_additive(brings, cheap, target)
    if isinstance(choice, Unsatisfiable) or isinstance(below, Unsatisfiable):
        return choice
    needed: set[int] = set()
    stack = [ancestor for place in choice.chosen for ancestor in candidates[place].ancestors]
    while stack:
        ancestor = stack.pop()
        if ancestor not in needed:
            needed.add(ancestor)
            stack.extend(ancestry[ancestor].ancestors)
    cost = sum(candidates[place].cost for place in choice.chosen) + sum(of_gas[a] for a in needed)
    return Choice(choice.chosen, choice.amount, cost, min(cost, below.lower_bound), cost)
