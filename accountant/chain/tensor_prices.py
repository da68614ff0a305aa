"""Prices of operations on tensors, in gas: a table that genesis names, measured by `accountant gas calibrate`.

An operation costs launch + (flops × flop_rate + bytes × byte_rate) ÷ 2^20, rounded up once, so that a large operation
costs far less than the small ones it could be made of (DESIGN section 3). What flops and bytes are is said in
`contracts.tensor_work`.
"""

from bisect import bisect_left
from typing import NamedTuple

from accountant.primitives.encoding import Record

RATE_UNIT = 2**20
"""Rates are in gas ÷ 2^20."""


class Rates(NamedTuple):
    """`launch` in gas; `flop` and `byte` in gas ÷ 2^20 for each."""

    launch: int
    flop: int
    byte: int


class TensorPrice(Record, frozen=True):
    """The price of one kind of operation."""

    kind: str
    launch: int
    flop_rate: int
    byte_rate: int


class TensorSchedule(Record, frozen=True):
    """All prices, sorted by kind. A kind that is not there costs `default`."""

    version: str
    default: TensorPrice
    prices: tuple[TensorPrice, ...]

    def of(self, kind: str) -> Rates:
        """The rates of a kind."""
        at = bisect_left(self.prices, kind, key=lambda one: one.kind)
        there = self.prices[at] if at < len(self.prices) and self.prices[at].kind == kind else self.default
        return _rates(there)

    def all_rates(self) -> list[Rates]:
        """Those of every kind, and the default's."""
        return [_rates(one) for one in (self.default, *self.prices)]


def _rates(one: TensorPrice) -> Rates:
    return Rates(one.launch, one.flop_rate, one.byte_rate)
