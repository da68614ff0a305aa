"""Closure costs, proved: branch and bound over incomes, with the bound of a sharing at every node.

An income that is taken pays its uncovered ancestors in full, and nobody else pays shares of those. So below a node
nothing costs less than what is taken plus the relaxation over the rest under the shares that are left. The node with
the lowest bound is opened first, so a search that ends at its limit has raised the bound. The limit counts nodes.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np

from accountant.accounting.theta.candidate import VALUE_MAX, Int64
from accountant.accounting.theta.relaxation import relax
from accountant.accounting.theta.sharing import Sharing
from accountant.accounting.theta.union import Bools, Union
from accountant.accounting.theta.wide import exact_sum


@dataclass(order=True, slots=True)
class _Node:
    bound: int
    """On exact costs of every set below."""
    number: int
    inside: Bools = field(compare=False)
    barred: Bools = field(compare=False)
    branch: int = field(compare=False)
    """The income to decide next."""


def search(union: Union, target: int, sharing: Sharing, best: Bools, nodes_most: int) -> tuple[Bools, int]:
    """A cheapest set and a lower bound on its exact cost; they meet when the search ends before its limit."""
    cost = union.cost(np.flatnonzero(best))
    none = np.zeros(len(best), dtype=np.bool_)
    opened: list[_Node] = []
    number = 0
    pending = [(none, none)]
    while True:
        for inside, barred in pending:
            number += 1
            if exact_sum(union.amounts[inside]) >= target:
                if (spent := union.cost(np.flatnonzero(inside))) < cost:
                    best, cost = inside, spent
            elif (node := _opened(union, target, sharing, inside, barred, number)) is not None and node.bound < cost:
                heappush(opened, node)
        if not opened or opened[0].bound >= cost:
            return best, cost
        if number >= nodes_most:
            return best, opened[0].bound
        node = heappop(opened)
        with_it, without_it = node.inside.copy(), node.barred.copy()
        with_it[node.branch] = without_it[node.branch] = True
        pending = [(with_it, node.barred), (node.inside, without_it)]


def _opened(union: Union, target: int, sharing: Sharing, inside: Bools, barred: Bools, number: int) -> _Node | None:
    """A node with its bound, and the break of its relaxation to branch on; None if nothing below reaches the target."""
    rest = np.flatnonzero(~inside & ~barred & (union.amounts > 0))
    short = target - exact_sum(union.amounts[inside])
    if exact_sum(union.amounts[rest]) < short:
        return None
    spent = union.cost(np.flatnonzero(inside))
    costs = _left_to_pay(union, sharing, inside)[rest]
    amounts = union.amounts[rest]
    free = costs == 0
    short -= exact_sum(amounts[free])
    if short <= 0:
        return _Node(spent, number, inside, barred, int(rest[free][amounts[free].argmax()]))
    priced = np.flatnonzero(~free)
    relaxation = relax(np.minimum(amounts[priced], min(short, VALUE_MAX)), costs[priced], short)
    branch = int(rest[priced[relaxation.order[relaxation.prefix]]])
    return _Node(spent + union.unscaled_up(relaxation.bound), number, inside, barred, branch)


def _left_to_pay(union: Union, sharing: Sharing, inside: Bools) -> Int64:
    """By income: its own cost and its shares of what is not covered yet, scaled."""
    covered = union.covered(inside)
    return union.own + union.by_income(np.where(covered[union.group], 0, sharing.shares))
