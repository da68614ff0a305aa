"""Nodes numbered as they are made, walked back from the highest ("Broadcasting and the tape")."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

from tests.support.numpy_twin.sums import xsum
from tests.support.numpy_twin.values import Singles, Tensor, plus

Backward = Callable[[Singles], Sequence[Singles]]
_numbers = count()


class Node:
    """What an operator recorded: its operands' nodes, and how to turn the result's gradient into theirs."""

    def __init__(self, operands: Sequence[Any], backward: Backward | None) -> None:
        self.number = next(_numbers)
        self.operands = operands
        self.backward = backward


def variable(tensor: Tensor) -> Tensor:
    """The tensor as a start of the tape."""
    return Tensor(tensor.values, Node([], None))


def recorded(values: Singles, operands: Sequence[Tensor], backward: Backward) -> Tensor:
    """A result, on the tape when one of its operands is."""
    nodes = [operand.node for operand in operands]
    return Tensor(values, Node(nodes, backward) if any(node is not None for node in nodes) else None)


def gradients(result: Tensor, variables: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of a result of one element."""
    arrived: dict[int, Singles] = {}
    waiting: dict[int, Node] = {}

    def give(node: Node | None, gradient: Singles) -> None:
        if node is None:
            return
        known = arrived.get(node.number)
        arrived[node.number] = gradient if known is None else plus(known, gradient)
        waiting[node.number] = node

    give(result.node, np.ones_like(result.values))
    while waiting:
        node = waiting.pop(max(waiting))
        if node.backward is not None:
            for operand, gradient in zip(node.operands, node.backward(arrived[node.number]), strict=True):
                give(operand, gradient)
    zero = {id(v): np.zeros_like(v.values) for v in variables}
    return [Tensor(arrived.get(v.node.number, zero[id(v)]) if v.node else zero[id(v)]) for v in variables]


def unstretched(gradient: Singles, shape: tuple[int, ...]) -> Singles:
    """The gradient of an operand of `shape` that was broadcast."""
    front = gradient.ndim - len(shape)
    axes = list(range(front))
    axes += [front + axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[front + axis] != 1]
    return xsum(gradient, axes, keep=True).reshape(shape) if axes else gradient
