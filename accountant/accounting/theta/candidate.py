"""What Θ is chosen from, and what a choice holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from accountant.primitives.errors import AccountantError

Int64 = npt.NDArray[np.int64]
Integers = Sequence[int] | Int64

VALUE_MAX = 1 << 62
"""The largest amount and the largest cost of one income."""


class InvalidCandidate(AccountantError):
    """An amount, cost, ancestor or likelihood that is none."""

    code = "invalid_candidate"


class Candidate(NamedTuple):
    """An income that may be executed: what it brings, and what executing it takes."""

    amount_low: int
    """Units that it brings at least, 0 ≤ low ≤ high ≤ 2^62."""
    amount_high: int
    cost: int
    """Gas of the income itself, which nothing else needs; 0 if it is observed."""
    ancestors: tuple[int, ...] = ()
    """What must be executed before it, as places in a `Ancestry`; the ancestors of those are implied."""
    last: bool = False
    """Considered when nothing else is left: an own failed expense looks free and drags in everything."""
    likelihood: int | None = None
    """Of `amount_high` against `amount_low`, per mille. None: not known, which counts as 500."""


class Ancestor(NamedTuple):
    """A transaction that several incomes may need; it is executed, and paid for, once."""

    gas: int
    """0 if it is observed."""
    ancestors: tuple[int, ...] = ()
    """Its own, as earlier places in the same ancestry: dependencies point strictly backwards."""


Ancestry = Sequence[Ancestor]


@dataclass(frozen=True, slots=True)
class Limits:
    """When the mixed-integer solver stops. Nodes are deterministic; seconds are the caller's, and are not."""

    nodes: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A set of incomes that reaches the target, and how far from the cheapest it can be."""

    chosen: tuple[int, ...]
    """Places of the incomes, ascending."""
    amount: int
    cost: int
    """Of the set, with every shared ancestor paid for once."""
    lower_bound: int
    """No set that reaches the target costs less. Derived in integers."""
    additive_cost: int
    """What the set that is cheapest when nothing is shared would cost in truth; `cost` where costs are additive."""

    @property
    def proved(self) -> bool:
        """Whether no set is cheaper."""
        return self.cost == self.lower_bound

    @property
    def gap(self) -> Fraction:
        """By which part of its cost the choice may lie above the optimum; 0 means proved."""
        return Fraction(self.cost - self.lower_bound, self.cost) if self.cost else Fraction(0)

    @property
    def saved(self) -> int:
        """Gas saved over the additive answer."""
        return self.additive_cost - self.cost


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """All incomes together fall short of the target: proved, since no amount is negative."""

    total: int
    target: int

    @property
    def short(self) -> int:
        """Units that are missing."""
        return self.target - self.total


def columns(amounts: Integers, costs: Integers) -> tuple[Int64, Int64]:
    """Both as arrays. Raises `InvalidCandidate` for a number outside 0 ≤ v ≤ 2^62, or for unequal lengths."""
    if len(amounts) != len(costs):
        raise InvalidCandidate(f"{len(amounts)} amounts and {len(costs)} costs; every income has one of each")
    return column(amounts, "an amount"), column(costs, "a cost")


def column(values: Integers, what: str) -> Int64:
    """Numbers as an array. Raises `InvalidCandidate` for one outside 0 ≤ v ≤ 2^62."""
    try:
        array = np.asarray(values if len(values) else [], dtype=None if len(values) else np.int64)
        if array.dtype.kind not in "iub" or array.ndim != 1:
            raise InvalidCandidate(f"{what} is an integer from 0 to 2^62")
        out_of_range = len(array) and (int(array.min()) < 0 or int(array.max()) > VALUE_MAX)
    except OverflowError:
        out_of_range = True
    if out_of_range:
        raise InvalidCandidate(f"{what} is an integer from 0 to 2^62")
    return array.astype(np.int64, copy=False)
