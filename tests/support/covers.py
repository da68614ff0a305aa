"""References for choosing Θ, small and slow: every number is a Python integer."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from accountant.accounting.theta.candidate import Ancestor, Candidate


def cheapest_cover(amounts: Sequence[int], costs: Sequence[int], target: int) -> int | None:
    """The least cost of incomes that reach the target, over all sums that occur; None if nothing reaches it."""
    cheapest = {0: 0}
    for amount, cost in zip(amounts, costs, strict=True):
        for reached, spent in list(cheapest.items()):
            more = min(max(target, 0), reached + amount)
            cheapest[more] = min(spent + cost, cheapest.get(more, spent + cost))
    return cheapest.get(max(target, 0))


def union_cost(candidates: Sequence[Candidate], ancestry: Sequence[Ancestor], chosen: Sequence[int]) -> int:
    """What executing a set takes, each ancestor once."""
    needed: set[int] = set()
    stack = [ancestor for place in chosen for ancestor in candidates[place].ancestors]
    while stack:
        ancestor = stack.pop()
        if ancestor not in needed:
            needed.add(ancestor)
            stack.extend(ancestry[ancestor].ancestors)
    return sum(candidates[place].cost for place in chosen) + sum(ancestry[a].gas for a in needed)


def cheapest_closure(candidates: Sequence[Candidate], ancestry: Sequence[Ancestor], target: int) -> int | None:
    """The least union cost over all sets whose lowest amounts reach the target."""
    sufficient = (s for s in _subsets(len(candidates)) if sum(candidates[p].amount_low for p in s) >= target)
    return min((union_cost(candidates, ancestry, s) for s in sufficient), default=None)


def _subsets(count: int) -> Iterator[tuple[int, ...]]:
    for size in range(count + 1):
        yield from combinations(range(count), size)
