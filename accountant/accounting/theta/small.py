"""Few incomes: every set that could be cheapest is looked at, which takes less than setting up a relaxation."""

from collections.abc import Sequence

from accountant.accounting.theta.candidate import Ancestry, Candidate, Choice

FEW = 10
"""At most 2^10 sets."""


def choose_few(candidates: Sequence[Candidate], ancestry: Ancestry, brings: Sequence[int], target: int) -> Choice:
    """The cheapest set that brings the target, proved; the target is at most what all bring together.

    Of sets that cost the same, the first in the order of the candidates.
    """
    groups = _groups(candidates, ancestry)
    shared = _Search(brings, groups, target)
    apart = _Search(brings, [(1 << place, gas) for members, gas in groups for place in _places(members)], target)
    chosen = shared.cheapest()
    cost = shared.cost(chosen)
    places = _places(chosen)
    return Choice(tuple(places), sum(brings[place] for place in places), cost, cost, shared.cost(apart.cheapest()))


def _groups(candidates: Sequence[Candidate], ancestry: Ancestry) -> list[tuple[int, int]]:
    """Gas by the set of incomes that need it."""
    users = [0] * len(ancestry)
    for place, candidate in enumerate(candidates):
        for ancestor in candidate.ancestors:
            users[ancestor] |= 1 << place
    for ancestor in range(len(ancestry) - 1, -1, -1):
        for earlier in ancestry[ancestor].ancestors:
            users[earlier] |= users[ancestor]
    gas: dict[int, int] = {}
    for ancestor, members in enumerate(users):
        gas[members] = gas.get(members, 0) + ancestry[ancestor].gas
    for place, candidate in enumerate(candidates):
        gas[1 << place] = gas.get(1 << place, 0) + candidate.cost
    return [(members, price) for members, price in gas.items() if members and price]


def _places(members: int) -> list[int]:
    return [place for place in range(members.bit_length()) if members >> place & 1]


class _Search:
    """Depth first over the incomes in their order, with each taken and then left."""

    def __init__(self, brings: Sequence[int], groups: list[tuple[int, int]], target: int) -> None:
        self._brings, self._groups, self._target = brings, groups, target
        self._of = [[group for group in groups if group[0] >> place & 1] for place in range(len(brings))]
        self._rest = [sum(brings[place:]) for place in range(len(brings) + 1)]
        self._best = (1 << len(brings)) - 1
        self._least = self.cost(self._best)

    def cost(self, chosen: int) -> int:
        """Of a set of places, as bits: each group once."""
        return sum(gas for members, gas in self._groups if members & chosen)

    def cheapest(self) -> int:
        """The set, as bits."""
        self._from(0, 0, 0, self._target)
        return self._best

    def _from(self, place: int, chosen: int, cost: int, short: int) -> None:
        if short <= 0:
            if cost < self._least:
                self._best, self._least = chosen, cost
            return
        if self._rest[place] < short:
            return
        taken = cost + sum(gas for members, gas in self._of[place] if not members & chosen)
        if taken < self._least:
            self._from(place + 1, chosen | 1 << place, taken, short - self._brings[place])
        self._from(place + 1, chosen, cost, short)
