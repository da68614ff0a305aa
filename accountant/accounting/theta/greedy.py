"""Closure costs, from above: complete a set by marginal cost, give up what it does not need, and search nearby."""

import numpy as np

from accountant.accounting.theta.candidate import VALUE_MAX, Int64
from accountant.accounting.theta.union import Bools, Union
from accountant.accounting.theta.wide import exact_sum

_RATIO_BITS = 31


def improved(union: Union, target: int, inside: Bools, barred: Bools | None = None) -> Bools:
    """A set that reaches the target, from any set: completed, with what is free once the rest is paid, and reduced."""
    inside, margin = _completed(union, target, inside.copy(), barred)
    free = margin == 0
    if barred is not None:
        free &= ~barred
    return _reduced(union, target, inside | free)


def nearby(union: Union, target: int, inside: Bools, tries: int) -> Bools:
    """Bar members one at a time, those that save most for each unit first, and complete anew; keep what is cheaper."""
    best, cost = inside, _cost(union, inside)
    tried = np.zeros(len(inside), dtype=np.bool_)
    for _ in range(tries):
        members = np.flatnonzero(best & ~tried)
        if not len(members):
            break
        saving = _savings(union, best)[members]
        barred = np.zeros(len(inside), dtype=np.bool_)
        barred[members[int((-_ratios(saving, union.amounts[members])).argmin())]] = True
        tried |= barred
        if exact_sum(union.amounts[~barred]) < target:
            continue
        candidate = improved(union, target, best & ~barred, barred)
        if (other := _cost(union, candidate)) < cost:
            best, cost = candidate, other
            tried[:] = False
    return best


def _completed(union: Union, target: int, inside: Bools, barred: Bools | None) -> tuple[Bools, Int64]:
    """Add incomes by marginal cost for each unit that is needed. Also the marginal costs when that is done."""
    covered = union.covered(inside)
    margin = union.own + union.by_income(np.where(covered[union.group], 0, union.gas[union.group]))
    short = target - exact_sum(union.amounts[inside])
    outside = ~inside & (union.amounts > 0)
    if barred is not None:
        outside &= ~barred
    while short > 0:
        places = np.flatnonzero(outside)
        useful = np.minimum(union.amounts[places], min(short, VALUE_MAX))
        place = int(places[_ratios(margin[places], useful).argmin()])
        inside[place], outside[place] = True, False
        short -= int(union.amounts[place])
        for group in union.groups_of(place).tolist():
            if not covered[group]:
                covered[group] = True
                margin[union.incomes_of(group)] -= union.gas[group]
    return inside, margin


def _reduced(union: Union, target: int, inside: Bools) -> Bools:
    """Give up members that the target does not need, those that save most first."""
    surplus = exact_sum(union.amounts[inside]) - target
    while len(places := np.flatnonzero(inside & (union.amounts <= min(surplus, VALUE_MAX)))):
        place = int(places[_savings(union, inside)[places].argmax()])
        inside[place] = False
        surplus -= int(union.amounts[place])
    return inside


def _savings(union: Union, inside: Bools) -> Int64:
    """By income: what a set that holds it would save without it."""
    users = union.of_group(inside[union.income].astype(np.int64))
    return union.own + union.by_income(np.where(users[union.group] == 1, union.gas[union.group], 0))


def _cost(union: Union, inside: Bools) -> int:
    """In the union's scale."""
    return exact_sum(union.own[inside]) + exact_sum(union.gas[union.covered(inside)])


def _ratios(costs: Int64, amounts: Int64) -> Int64:
    """Cost for each unit as integers that compare, to some 31 bits."""
    costs = costs << max(0, 62 - int(costs.max(initial=0)).bit_length())
    cut = max(0, int(amounts.max(initial=0)).bit_length() - _RATIO_BITS)
    ratios: Int64 = costs // np.maximum(1, amounts >> cut)
    return ratios
