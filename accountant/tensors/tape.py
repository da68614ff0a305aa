"""Reverse-mode gradients. Each operator keeps what its gradient needs; `gradients` walks back from a single number.

The order of additions decides bits: nodes are visited from the last made to the first, a node's operands from first to
last, and a tensor's gradient is the running sum of what arrives, each addition rounded to binary32.
"""

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence

import torch

from accountant.tensors.errors import InvalidShape
from accountant.tensors.ieee import Values, plus
from accountant.tensors.values import Tensor

Backward = Callable[[Values], Sequence[Values | None]]
"""From the gradient of a result to those of the operands, in their order; `None` where there is none."""


class _Numbers(threading.local):
    def __init__(self) -> None:
        self.following = itertools.count()


_numbers = _Numbers()


def number_from(begin: int) -> None:
    """Number the nodes that this thread makes next from `begin` on.

    Whoever makes a part of a graph again, which was dropped meanwhile, so gives it the place that it had.
    """
    _numbers.following = itertools.count(begin)


class Node:
    """A tensor's place in the graph. Numbers rise in the order in which tensors are made."""

    __slots__ = ("backward", "number", "parents")

    def __init__(self, parents: tuple["Node | None", ...], backward: Backward | None) -> None:
        self.number = next(_numbers.following)
        self.parents = parents
        self.backward = backward


def _node(tensor: Tensor) -> Node | None:
    node = tensor.node
    assert node is None or isinstance(node, Node)
    return node


def variable(tensor: Tensor) -> Tensor:
    """The same values as something that gradients can be taken of. What they were computed from is forgotten."""
    return Tensor(tensor.values, node=Node((), None), rounded=tensor.rounded)


def recorded(values: Values, operands: Sequence[Tensor], backward: Backward) -> Tensor:
    """An operator's result. Where no operand leads to a variable, nothing is kept."""
    parents = tuple(_node(operand) for operand in operands)
    if all(parent is None for parent in parents):
        return Tensor(values)
    return Tensor(values, node=Node(parents, backward))


def gradients(result: Tensor, variables: Sequence[Tensor]) -> list[Tensor]:
    """The gradient of a single number with respect to each variable: zeros where it does not depend on it."""
    if result.values.numel() != 1:
        raise InvalidShape(f"gradients start from a single number, not from {result.shape}")
    arrived: dict[int, Values] = {}
    wanted = {node.number for node in map(_node, variables) if node is not None}
    start = _node(result)
    if start is not None:
        arrived[start.number] = torch.ones_like(result.values)
        _walk_back(start, arrived, wanted)
    return [
        Tensor(arrived[node.number])
        if (node := _node(tensor)) is not None and node.number in arrived
        else Tensor(torch.zeros_like(tensor.values))
        for tensor in variables
    ]


def _walk_back(start: Node, arrived: dict[int, Values], wanted: set[int]) -> None:
    waiting = [(-start.number, start)]
    known = {start.number}
    while waiting:
        _, node = heapq.heappop(waiting)
        gradient = arrived[node.number]
        if node.number not in wanted:
            del arrived[node.number]
        if node.backward is None:
            continue
        for parent, share in zip(node.parents, node.backward(gradient), strict=True):
            if parent is None or share is None:
                continue
            before = arrived.get(parent.number)
            arrived[parent.number] = share.contiguous() if before is None else plus(before, share)
            if parent.number not in known:
                known.add(parent.number)
                heapq.heappush(waiting, (-parent.number, parent))
