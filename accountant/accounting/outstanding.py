"""The accounting cost of all outstanding money (paper, section II-E, the macroeconomic level), by height.

It is the gas that knowing every general balance at the end of a block takes somebody who knows nothing: that of
executing everything up to there, since every transaction but a zero-cost transfer moves a general balance, or decides
what another one moves. Genesis costs nothing, no block lowers it. Of it, what was observed is known to the gas; the
rest is at most the gas limits of what nobody executed.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from accountant.index.port import ChainIndex
from accountant.primitives.types import Gas, Height, Seq


class ObservedGas(NamedTuple):
    """Observed transactions, the gas that they used, and the gas that they had named as their limits."""

    transactions: int
    gas_used: Gas
    gas_limits: Gas


ObservedBefore = Callable[[Seq], ObservedGas]
"""What was observed before a transaction: one look-up."""


class AccountingCost(NamedTuple):
    """The cost at the end of the block at `height`: from `known` to `known + unknown_most` gas."""

    height: Height
    transactions: int
    observed: int
    """Transactions whose outcomes are known. A zero-cost transfer needs none, and is not counted."""
    known: Gas
    unknown_most: Gas


def accounting_cost(index: ChainIndex, observed_before: ObservedBefore, height: Height) -> AccountingCost | None:
    """The cost at the end of a block, in three look-ups; None above the head."""
    block = index.block(height)
    if block is None:
        return None
    end = Seq(block.first_seq + block.count)
    observed = observed_before(end)
    unknown = Gas(index.gas_limits(end) - observed.gas_limits)
    assert unknown >= 0
    return AccountingCost(height, end, observed.transactions, observed.gas_used, unknown)


def heights_between(first: Height, last: Height, points: int) -> Iterator[Height]:
    """At most `points` heights from first to last, both among them, spread evenly."""
    assert points > 0 and first <= last
    count = min(points, last - first + 1)
    if count == 1:
        yield last
        return
    for number in range(count):
        yield Height(first + (last - first) * number // (count - 1))
