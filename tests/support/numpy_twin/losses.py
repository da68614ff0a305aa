"""Softmax and losses."""

import numpy as np

from tests.support.numpy_twin import elementary
from tests.support.numpy_twin.arithmetic import multiply, negative, subtract
from tests.support.numpy_twin.gathering import gather
from tests.support.numpy_twin.reductions import first_largest, mean_over
from tests.support.numpy_twin.shaping import reshape
from tests.support.numpy_twin.sums import xsum
from tests.support.numpy_twin.tape import recorded
from tests.support.numpy_twin.values import Indices, Singles, Tensor, minus, narrow, over, times


def _parts(x: Singles, axis: int) -> tuple[Singles, Singles, Singles]:
    largest = np.take_along_axis(x, first_largest(x, axis), axis) if x.shape[axis] else np.zeros_like(x)
    d = minus(x, largest)
    p = narrow(elementary.exp(d))
    return d, p, xsum(p, (axis,), keep=True)


def softmax(tensor: Tensor, axis: int = -1) -> Tensor:
    if tensor.shape[axis] == 0:
        return recorded(tensor.values, [tensor], lambda g: [g])
    _, p, t = _parts(tensor.values, axis)
    y = over(p, t)
    return recorded(y, [tensor], lambda g: [times(y, minus(g, xsum(times(g, y), (axis,), keep=True)))])


def log_softmax(tensor: Tensor, axis: int = -1) -> Tensor:
    if tensor.shape[axis] == 0:
        return recorded(tensor.values, [tensor], lambda g: [g])
    d, p, t = _parts(tensor.values, axis)
    y = minus(d, narrow(elementary.log(t)))
    return recorded(y, [tensor], lambda g: [minus(g, times(over(p, t), xsum(g, (axis,), keep=True)))])


def cross_entropy(logits: Tensor, labels: Indices) -> Tensor:
    count = labels.values.size
    picked = gather(log_softmax(logits, 1), 1, Indices(labels.values.reshape(count, 1)))
    return negative(mean_over(reshape(picked, [count])))


def mean_squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    d = subtract(prediction, target)
    return mean_over(multiply(d, d))
