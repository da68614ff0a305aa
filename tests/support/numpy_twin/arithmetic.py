"""Elementwise operators."""

from collections.abc import Callable

import numpy as np

from tests.support.numpy_twin import elementary
from tests.support.numpy_twin.tape import recorded, unstretched
from tests.support.numpy_twin.values import (
    Doubles,
    Singles,
    Tensor,
    Truths,
    minus,
    narrow,
    opposite,
    over,
    plus,
    root,
    s32,
    times,
)

ZERO = np.float32(0)


def _two(values: Singles, left: Tensor, right: Tensor, slopes: Callable[[Singles], tuple[Singles, Singles]]) -> Tensor:
    def backward(g: Singles) -> list[Singles]:
        first, second = slopes(g)
        return [unstretched(first, left.shape), unstretched(second, right.shape)]

    return recorded(values, [left, right], backward)


def add(left: Tensor, right: Tensor) -> Tensor:
    return _two(plus(left.values, right.values), left, right, lambda g: (g, g))


def subtract(left: Tensor, right: Tensor) -> Tensor:
    return _two(minus(left.values, right.values), left, right, lambda g: (g, opposite(g)))


def multiply(left: Tensor, right: Tensor) -> Tensor:
    a, b = left.values, right.values
    return _two(times(a, b), left, right, lambda g: (times(g, b), times(g, a)))


def divide(left: Tensor, right: Tensor) -> Tensor:
    a, b = left.values, right.values
    y = over(a, b)
    return _two(y, left, right, lambda g: (over(g, b), opposite(over(times(g, y), b))))


def where(condition: Truths, left: Tensor, right: Tensor) -> Tensor:
    values = np.where(condition, left.values, right.values)
    return _two(values, left, right, lambda g: (np.where(condition, g, ZERO), np.where(condition, ZERO, g)))


def scale(tensor: Tensor, factor: float) -> Tensor:
    return recorded(times(tensor.values, s32(factor)), [tensor], lambda g: [times(g, s32(factor))])


def shift(tensor: Tensor, number: float) -> Tensor:
    return recorded(plus(tensor.values, s32(number)), [tensor], lambda g: [g])


def negative(tensor: Tensor) -> Tensor:
    return recorded(opposite(tensor.values), [tensor], lambda g: [opposite(g)])


def sqrt(tensor: Tensor) -> Tensor:
    y = root(tensor.values)
    return recorded(y, [tensor], lambda g: [over(g, plus(y, y))])


def relu(tensor: Tensor) -> Tensor:
    y = np.where(tensor.values < 0, ZERO, tensor.values)
    return recorded(y, [tensor], lambda g: [np.where(y <= 0, ZERO, g)])


def _mapped(tensor: Tensor, function: Callable[[Singles], Doubles]) -> Singles:
    return narrow(function(tensor.values))


def exp(tensor: Tensor) -> Tensor:
    y = _mapped(tensor, elementary.exp)
    return recorded(y, [tensor], lambda g: [times(g, y)])


def log(tensor: Tensor) -> Tensor:
    return recorded(_mapped(tensor, elementary.log), [tensor], lambda g: [over(g, tensor.values)])


def sigmoid(tensor: Tensor) -> Tensor:
    y = _mapped(tensor, elementary.sigmoid)
    return recorded(y, [tensor], lambda g: [times(g, times(y, minus(np.ones_like(y), y)))])


def tanh(tensor: Tensor) -> Tensor:
    y = _mapped(tensor, elementary.tanh)
    return recorded(y, [tensor], lambda g: [times(g, minus(np.ones_like(y), times(y, y)))])


def gelu(tensor: Tensor) -> Tensor:
    slope = _mapped(tensor, elementary.gelu_slope)
    return recorded(_mapped(tensor, elementary.gelu), [tensor], lambda g: [times(g, slope)])
