"""Partial choices around the break, as sorted columns: what they still need, and what they cost.

A state lists two numbers: the units still needed (T − Σ amounts; at most 0 where the target is reached) and the cost
above the break's prefix. Both may pass 64 bits, since 10 incomes may bring 2^62 each; then a column has a second limb
of 32 bits. States are sorted by need. A state that needs no less and costs no less than another is dropped, and so is
one whose cheapest conceivable completion costs no less than the best set found. Both tests round towards keeping.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accountant.accounting.theta.candidate import Int64
from accountant.accounting.theta.wide import surely_greater

_LIMB = 32
_LIMB_MASK = (1 << _LIMB) - 1

Ratio = tuple[int, int]
"""Cost over amount."""


@dataclass(frozen=True, slots=True)
class Column:
    """Integers of any size up to 2^94: high·2^bits + low, where bits is 0 (no low) or 32."""

    high: Int64
    low: Int64 | None

    @classmethod
    def single(cls, value: int, wide: bool) -> "Column":
        """A column of one number."""
        if not wide:
            return cls(np.array([value], dtype=np.int64), None)
        return cls(np.array([value >> _LIMB], dtype=np.int64), np.array([value & _LIMB_MASK], dtype=np.int64))

    @property
    def bits(self) -> int:
        """Of the low limb."""
        return 0 if self.low is None else _LIMB

    def plus(self, value: int) -> "Column":
        """Every number moved by `value`."""
        if self.low is None:
            return Column(self.high + value, None)
        low = self.low + (value & _LIMB_MASK)
        return Column(self.high + (value >> _LIMB) + (low >> _LIMB), low & _LIMB_MASK)

    def take(self, rows: Int64 | slice) -> "Column":
        """These rows."""
        return Column(self.high[rows], None if self.low is None else self.low[rows])

    def joined(self, other: "Column") -> "Column":
        """The rows of both, one after the other."""
        low = None
        if self.low is not None and other.low is not None:
            low = np.concatenate([self.low, other.low])
        return Column(np.concatenate([self.high, other.high]), low)

    def value(self, row: int) -> int:
        """One number."""
        return int(self.high[row]) if self.low is None else (int(self.high[row]) << _LIMB) + int(self.low[row])

    def least(self) -> int:
        """The row of the smallest number."""
        if self.low is None:
            return int(self.high.argmin())
        rows = np.flatnonzero(self.high == self.high.min())
        return int(rows[self.low[rows].argmin()])

    def ascending(self) -> Int64:
        """The order of rows from smallest to largest, quick where they are two sorted runs."""
        order = np.argsort(self.high, kind="stable")
        if self.low is not None:
            high, low = self.high[order], self.low[order]
            if ((high[1:] == high[:-1]) & (low[1:] < low[:-1])).any():
                place = np.zeros(len(order), dtype=np.int64)
                np.cumsum(high[1:] != high[:-1], out=place[1:])
                order = order[np.argsort((place << _LIMB) | low, kind="stable")]
        return order


@dataclass(frozen=True, slots=True)
class States:
    """Sorted by need; `reached` of them need nothing more."""

    need: Column
    cost: Column
    step: Int64
    """By row: twice the row before the last income was decided, plus 1 if that was flipped."""

    def __len__(self) -> int:
        return len(self.need.high)

    @property
    def reached(self) -> int:
        """How many reach the target; they come first."""
        if self.need.low is None:
            return int(np.searchsorted(self.need.high, 0, side="right"))
        zero = int(np.searchsorted(self.need.high, 0, side="left"))
        return zero + int(zero < len(self) and self.need.high[zero] == 0 and self.need.low[zero] == 0)

    def branched(self, amount: int, cost: int) -> "States":
        """Every state as it is, and once more with an income flipped that moves need and cost by these."""
        rows = np.arange(len(self), dtype=np.int64) << 1
        need = self.need.joined(self.need.plus(amount))
        order = need.ascending()
        need = need.take(order)
        moved = self.cost.joined(self.cost.plus(cost)).take(order)
        keep = _undominated(need, moved)
        return States(need.take(keep), moved.take(keep), np.concatenate([rows, rows | 1])[order[keep]])

    def pruned(self, best: int, left: Ratio | None, right: Ratio | None) -> "States":
        """Without states that no completion brings below `best`.

        `left` is the largest ratio among undecided incomes of the prefix, `right` the smallest among the others.
        """
        reached = self.reached
        keep = np.concatenate([self._reached_may_beat(reached, best, left), self._short_may_beat(reached, best, right)])
        if keep.all():
            return self
        rows = np.flatnonzero(keep)
        return States(self.need.take(rows), self.cost.take(rows), self.step[rows])

    def _reached_may_beat(self, reached: int, best: int, left: Ratio | None) -> npt.NDArray[np.bool_]:
        """Giving up incomes may save at most (surplus × ratio): not below best if cost − best + 1 > surplus·p/q."""
        if left is None:  # and what they cost has been compared with the best
            return np.zeros(reached, dtype=bool)
        bits = self.cost.bits
        above = self.cost.high[:reached] - -(-(best - 1) >> bits)  # rounded down
        surplus = -self.need.high[:reached]  # rounded up
        p, q = left
        fails = surely_greater(np.maximum(above, 0), q << bits, surplus, p << self.need.bits)
        return ~((above > 0) & fails)

    def _short_may_beat(self, reached: int, best: int, right: Ratio | None) -> npt.NDArray[np.bool_]:
        """Completing takes at least (need × ratio): not below best if need·p/q > best − 1 − cost."""
        if right is None:
            return np.zeros(len(self) - reached, dtype=bool)
        bits = self.cost.bits
        below = -(-(best - 1) >> bits) - self.cost.high[reached:]  # rounded up
        p, q = right
        need = self.need.high[reached:]  # rounded down
        fails = surely_greater(need, p << self.need.bits, np.maximum(below, 0), q << bits)
        return ~((below < 0) | fails)


def _undominated(need: Column, cost: Column) -> Int64:
    """Rows, in order of need, that cost surely less than every row before them."""
    before = np.minimum.accumulate(cost.high)[:-1]
    keep = np.ones(len(cost.high), dtype=bool)
    if cost.low is None:
        keep[1:] = cost.high[1:] < before
    else:
        same = (cost.high[1:] == cost.high[:-1]) & (cost.low[1:] >= cost.low[:-1])
        keep[1:] = (cost.high[1:] <= before) & ~same
    assert need.high[0] <= need.high[-1]
    return np.flatnonzero(keep)
