"""Closure costs: incomes whose executions share ancestors, each of which is paid for once over the chosen set.

Ancestors have ancestors; here every income's closure is flattened. Ancestors that the same incomes need are merged,
what only one income needs becomes its own cost, and what is observed (gas 0) or needed by none disappears. Costs are
exact as Python integers; searches compare them as int64 in a common scale, rounded down, and never past 2^60 in total.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accountant.accounting.theta.candidate import Ancestry, Candidate, Int64, InvalidCandidate, column

Bools = npt.NDArray[np.bool_]

CELLS_MOST = 1 << 27
"""Incomes times ancestors: up to so many closures are flattened (128 MiB while that is done)."""

_TOTAL_BITS = 60
_GAS_BITS = 32
"""Of the largest merged ancestor in the scale of searches: what `sharing` multiplies by weights of 28 bits."""


@dataclass(frozen=True, slots=True)
class Union:
    """The flattened problem."""

    amounts: Int64
    own_exact: tuple[int, ...]
    """By income: gas that no other income shares."""
    gas_exact: tuple[int, ...]
    """By group of merged ancestors, each needed by at least two incomes."""
    income: Int64
    """Pairs (income, group) that need each other, by income and then group."""
    group: Int64
    scale: int
    """`own` and `gas` are the exact numbers times 2^scale, rounded down."""
    own: Int64
    gas: Int64
    by_group: Int64
    """The order of the pairs by group and then income."""
    income_start: Int64
    """Where each income's pairs start, and their number at the end."""
    group_start: Int64
    """The same for groups, in `by_group`."""

    def groups_of(self, income: int) -> Int64:
        """What an income needs."""
        return self.group[self.income_start[income] : self.income_start[income + 1]]

    def incomes_of(self, group: int) -> Int64:
        """Who needs a group."""
        return self.income[self.by_group[self.group_start[group] : self.group_start[group + 1]]]

    def cost(self, chosen: Int64) -> int:
        """What executing a set takes, exactly."""
        groups = np.unique(np.concatenate([self.groups_of(place) for place in chosen.tolist()] or [chosen]))
        own = (self.own_exact[place] for place in chosen.tolist())
        total: int = sum(own) + sum(self.gas_exact[group] for group in groups.tolist())
        return total

    @property
    def alone(self) -> Int64:
        """By income: what executing it takes if nothing else is, scaled."""
        return self.own + self.by_income(self.gas[self.group])

    def covered(self, inside: Bools) -> Bools:
        """By group: whether a set needs it."""
        return self.of_group(inside[self.income].astype(np.int64)) > 0

    def unscaled_up(self, bound: int) -> int:
        """The least exact cost that a bound in the common scale allows: exact ≥ scaled / 2^scale, rounded up."""
        if self.scale < 0:
            return bound << -self.scale
        return -(-bound >> self.scale)

    def by_income(self, of_pairs: Int64) -> Int64:
        """Sums of a number of each pair, by income."""
        return _sums(of_pairs, self.income_start)

    def of_group(self, of_pairs: Int64) -> Int64:
        """Sums of a number of each pair, by group."""
        return _sums(of_pairs[self.by_group], self.group_start)


def _sums(values: Int64, start: Int64) -> Int64:
    running = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=running[1:])
    return running[start[1:]] - running[start[:-1]]


def flattens(candidates: Sequence[Candidate], ancestry: Ancestry) -> bool:
    """Whether closures are small enough to be laid out in full."""
    cells = len(candidates) * len(ancestry)
    return cells <= CELLS_MOST and len(ancestry) ** 2 <= 8 * CELLS_MOST


def flatten(candidates: Sequence[Candidate], ancestry: Ancestry, amounts: Sequence[int] | None = None) -> Union:
    """The problem over the candidates' lowest amounts, or over other amounts.

    Raises `InvalidCandidate` for numbers out of range and for ancestors that do not exist or do not come earlier.
    """
    of_amount = column(amounts if amounts is not None else [c.amount_low for c in candidates], "an amount")
    own = column([c.cost for c in candidates], "a cost").tolist()
    gas = column([a.gas for a in ancestry], "an ancestor's gas").tolist()
    check_ancestors(candidates, ancestry)
    needed = _closures(candidates, ancestry)
    users = np.packbits(needed.T, axis=1) if len(candidates) else np.zeros((len(gas), 0), dtype=np.uint8)
    count = needed.sum(axis=0, dtype=np.int64).tolist()
    merged: dict[bytes, int] = {}
    of_group: list[int] = []
    first: list[int] = []
    for ancestor, price in enumerate(gas):
        if price == 0 or count[ancestor] == 0:
            continue
        if count[ancestor] == 1:
            own[int(needed[:, ancestor].argmax())] += price
            continue
        place = merged.setdefault(users[ancestor].tobytes(), len(merged))
        if place == len(of_group):
            of_group.append(0)
            first.append(ancestor)
        of_group[place] += price
    income, group = np.nonzero(needed[:, first])
    return _scaled(of_amount, own, of_group, income, group)


def check_ancestors(candidates: Sequence[Candidate], ancestry: Ancestry) -> None:
    """Raises `InvalidCandidate` for ancestors that do not exist or do not come earlier."""
    for place, ancestor in enumerate(ancestry):
        for earlier in ancestor.ancestors:
            if not 0 <= earlier < place:
                raise InvalidCandidate(f"ancestor {place} depends on {earlier}; dependencies point strictly backwards")
    for place, candidate in enumerate(candidates):
        for needed in candidate.ancestors:
            if not 0 <= needed < len(ancestry):
                raise InvalidCandidate(f"income {place} needs ancestor {needed} of {len(ancestry)}")


def _scaled(amounts: Int64, own: list[int], gas: list[int], income: Int64, group: Int64) -> Union:
    scale = min(_TOTAL_BITS - (sum(own) + sum(gas)).bit_length(), _GAS_BITS - max(gas, default=0).bit_length())

    def scaled(values: list[int]) -> Int64:
        return np.array([v << scale if scale >= 0 else v >> -scale for v in values], dtype=np.int64)

    by_group = np.lexsort((income, group))
    return Union(
        amounts,
        tuple(own),
        tuple(gas),
        income,
        group,
        scale,
        scaled(own),
        scaled(gas),
        by_group,
        np.searchsorted(income, np.arange(len(own) + 1)),
        np.searchsorted(group[by_group], np.arange(len(gas) + 1)),
    )


def _closures(candidates: Sequence[Candidate], ancestry: Ancestry) -> Bools:
    """Which income (row) needs which ancestor (column), through any number of steps."""
    reach: list[int] = []
    for place, ancestor in enumerate(ancestry):
        bits = 1 << place
        for earlier in ancestor.ancestors:
            bits |= reach[earlier]
        reach.append(bits)
    needed = np.zeros((len(candidates), len(ancestry)), dtype=np.bool_)
    width = -(-len(ancestry) // 8)
    for place, candidate in enumerate(candidates):
        bits = 0
        for ancestor_place in candidate.ancestors:
            bits |= reach[ancestor_place]
        row = np.frombuffer(bits.to_bytes(width, "little"), dtype=np.uint8)
        needed[place] = np.unpackbits(row, bitorder="little", count=len(ancestry)).view(np.bool_)
    return needed
