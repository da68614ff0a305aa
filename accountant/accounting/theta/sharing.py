"""A lower bound on closure costs: share out every ancestor's gas, then bound the additive problem that remains.

If the shares of an ancestor among the incomes that need it add up to at most its gas, then any set of incomes pays at
least its members' shares, so the cheapest cover under shares is never dearer than the true one. That holds for every
sharing. The best one is as strong as the linear relaxation with closure constraints (its dual), and the additive solver
on top also sees that incomes are whole. A sharing is improved at the relaxation's price λ: incomes that are dearer than
that need no more share than takes them there, and what they let go goes to those that are cheaper.

All of it is integer arithmetic, so a bound is the same on every machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from accountant.accounting.theta.additive import exact
from accountant.accounting.theta.candidate import VALUE_MAX, Choice, Int64
from accountant.accounting.theta.relaxation import relax
from accountant.accounting.theta.union import Bools, Union
from accountant.accounting.theta.wide import exact_sum

_WORK = 10_000_000
"""Pairs of income and ancestor that are looked at, over all rounds: a second or two."""
_STATES_MOST = 300_000
_BITS = 28
"""Of fractions."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """Shares by pair of income and ancestor, and what they prove. All costs are in the union's scale."""

    shares: Int64
    costs: Int64
    """By income: its own and its shares."""
    bound: int
    """Of the relaxation under these costs."""
    ratio: tuple[int, int]
    """λ there, as cost over amount."""
    taken: Bools
    """What the relaxation takes, the break included."""
    last: int
    """The break; any income that is taken if those that cost nothing suffice."""


def rounds(union: Union, target: int, most: int) -> Iterator[Sharing]:
    """The even sharing and up to `most` after it, better as a rule. The target is positive and can be reached.

    Where a round is a lot of work there are fewer of them.
    """
    users = union.of_group(np.ones(len(union.income), dtype=np.int64))
    sharing = shared(union, target, (union.gas // np.maximum(1, users))[union.group])
    yield sharing
    for _ in range(min(most, max(8, _WORK // max(1, len(union.income))))):
        if not len(union.income) or not sharing.bound:
            return
        sharing = shared(union, target, moved(union, sharing))
        yield sharing


def shared(union: Union, target: int, shares: Int64) -> Sharing:
    """What shares prove. They are at least 0, and those of an ancestor add up to at most its gas."""
    assert (shares >= 0).all() and (union.of_group(shares) <= union.gas).all()
    costs = union.own + union.by_income(shares)
    taken = (costs == 0) & (union.amounts > 0)
    short = target - exact_sum(union.amounts[taken])
    if short <= 0:
        return Sharing(shares, costs, 0, (0, 1), taken, int(np.where(taken, union.amounts, -1).argmax()))
    priced = np.flatnonzero((costs > 0) & (union.amounts > 0))
    relaxation = relax(np.minimum(union.amounts[priced], min(short, VALUE_MAX)), costs[priced], short)
    whole_ones = priced[relaxation.order[: relaxation.prefix + 1]]
    taken[whole_ones] = True
    return Sharing(shares, costs, relaxation.bound, relaxation.ratio, taken, int(whole_ones[-1]))


def whole(union: Union, target: int, sharing: Sharing) -> int:
    """The bound on exact costs when incomes are whole, proved by the additive solver."""
    cover = exact(union.amounts, sharing.costs, target, _STATES_MOST)
    assert isinstance(cover, Choice)
    return union.unscaled_up(max(cover.lower_bound, sharing.bound))


def moved(union: Union, sharing: Sharing) -> Int64:
    """Shares after those above the price let go of the excess and those below it divide that by their room."""
    above = sharing.costs - _priced(union.amounts, *sharing.ratio)
    total = sharing.costs - union.own
    kept = _fraction(total - np.clip(above, 0, total), total)
    shares = sharing.shares * kept[union.income] >> _BITS
    room = np.maximum(0, -above)
    room >>= max(0, int(room.max()).bit_length() - _BITS)
    wanted = room[union.income]
    wanted = np.where(
        union.of_group(wanted)[union.group] > 0, wanted, 1
    )  # nobody's is everybody's: λ must be able to rise
    return shares + (union.gas - union.of_group(shares))[union.group] * wanted // union.of_group(wanted)[union.group]


def _priced(amounts: Int64, p: int, q: int) -> Int64:
    """About amounts·p/q: only a guide, so 31 leading bits do."""
    cut = max(0, int(amounts.max(initial=0)).bit_length() - 31)
    p_cut, q_cut = max(0, p.bit_length() - 31), max(0, q.bit_length() - 31)
    price: Int64 = (amounts >> cut) * (p >> p_cut) // (q >> q_cut)
    shift = cut + p_cut - q_cut
    if shift <= 0:
        return price >> min(-shift, 63)
    most = (1 << 61) >> min(shift, 61)
    return np.minimum(price, most) << min(shift, 61)


def _fraction(part: Int64, of: Int64) -> Int64:
    """part/of in units of 2^-28, where 0 ≤ part ≤ of."""
    cut = max(0, int(of.max(initial=0)).bit_length() - 34)
    return np.where(of >> cut > 0, (part >> cut << _BITS) // np.maximum(1, of >> cut), 0)
