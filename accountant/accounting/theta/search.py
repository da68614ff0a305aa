"""Closure costs, proved: branch and bound over incomes, with the bound of a sharing at every node.

An income that is taken pays its uncovered ancestors in full, and nobody else pays shares of those. So below a node
nothing costs less than what is taken plus the relaxation over the rest under shares of what is not covered yet. The
node with the lowest bound is opened first, so a search that ends at its limit has raised the bound. The limit counts
nodes.
"""

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

import numpy as np

from accountant.accounting.theta.sharing import Sharing, moved, shared
from accountant.accounting.theta.union import Bools, Union
from accountant.accounting.theta.wide import exact_sum

_ROUNDS = 3
"""Of better shares at every node: what is taken or barred needs none."""


@dataclass(order=True, slots=True)
class _Node:
    bound: int
    """On exact costs of every set below."""
    number: int
    inside: Bools = field(compare=False)
    barred: Bools = field(compare=False)
    sharing: Sharing = field(compare=False)
    """Its break is the income to decide next."""


def search(union: Union, target: int, sharing: Sharing, best: Bools, nodes_most: int) -> tuple[Bools, int]:
    """A cheapest set and a lower bound on its exact cost; they meet when the search ends before its limit."""
    cost = union.cost(np.flatnonzero(best))
    none = np.zeros(len(best), dtype=np.bool_)
    opened: list[_Node] = []
    number = 0
    pending = [(none, none)]
    parent = sharing
    while True:
        for inside, barred in pending:
            number += 1
            if exact_sum(union.amounts[inside]) >= target:
                if (spent := union.cost(np.flatnonzero(inside))) < cost:
                    best, cost = inside, spent
            elif (node := _opened(union, target, parent, inside, barred, number)) is not None and node.bound < cost:
                heappush(opened, node)
        if not opened or opened[0].bound >= cost:
            return best, cost
        if number >= nodes_most:
            return best, opened[0].bound
        node = heappop(opened)
        parent = node.sharing
        with_it, without_it = node.inside.copy(), node.barred.copy()
        with_it[node.sharing.last] = without_it[node.sharing.last] = True
        pending = [(with_it, node.barred), (node.inside, without_it)]


def _opened(union: Union, target: int, parent: Sharing, inside: Bools, barred: Bools, number: int) -> _Node | None:
    """A node with its bound, from the parent's shares and a few rounds more; None if nothing below suffices."""
    amounts = np.where(inside | barred, 0, union.amounts)
    short = target - exact_sum(union.amounts[inside])
    if exact_sum(amounts) < short:
        return None
    covered = union.covered(inside)
    below = replace(union, amounts=amounts, gas=np.where(covered, 0, union.gas))
    best = sharing = shared(below, short, np.where(covered[union.group], 0, parent.shares))
    for _ in range(_ROUNDS):
        if not len(union.income) or not sharing.bound:
            break
        sharing = shared(below, short, moved(below, sharing))
        if sharing.bound > best.bound:
            best = sharing
    bound = union.cost(np.flatnonzero(inside)) + union.unscaled_up(best.bound)
    return _Node(bound, number, inside, barred, best)
