"""Matrix products and attention."""

import math

import numpy as np

from tests.support.numpy_twin.arithmetic import scale, where
from tests.support.numpy_twin.losses import softmax
from tests.support.numpy_twin.shaping import transpose
from tests.support.numpy_twin.sums import Grid, Precision, closed, rounded
from tests.support.numpy_twin.tape import recorded, unstretched
from tests.support.numpy_twin.values import Singles, Tensor

ROWS, MATRICES = (-1,), (-2, -1)


def _product(left: Grid, right: Grid) -> Singles:
    terms = left.q.shape[-1] > 0
    return closed(np.matmul(left.q, right.q), left.unit + right.unit, left.void | right.void, terms)


def _turned(grid: Grid) -> Grid:
    return Grid(grid.q.swapaxes(-1, -2), grid.unit.swapaxes(-1, -2), grid.void.swapaxes(-1, -2))


def matmul(left: Tensor, right: Tensor, precision: Precision = Precision.EXACT20) -> Tensor:
    p = precision.value
    a, b = left.values, right.values
    shape = (*a.shape[:-1], b.shape[-1])
    if b.ndim == 2:
        a = a.reshape(int(np.prod(a.shape[:-1], dtype=np.int64)), a.shape[-1])
    else:
        leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a, b = np.broadcast_to(a, leading + a.shape[-2:]), np.broadcast_to(b, leading + b.shape[-2:])
        shape = (*leading, a.shape[-2], b.shape[-1])

    def backward(g: Singles) -> list[Singles]:
        g = g.reshape(*a.shape[:-1], b.shape[-1])
        to_a = _product(rounded(g, ROWS, p), _turned(rounded(b, MATRICES, p)))
        to_b = _product(_turned(rounded(a, MATRICES, p)), rounded(g, MATRICES, p))
        if right.values.ndim == 2:
            return [to_a.reshape(left.shape), to_b]
        return [unstretched(to_a, left.shape), unstretched(to_b, right.shape)]

    y = _product(rounded(a, ROWS, p), rounded(b, MATRICES, p))
    return recorded(y.reshape(shape), [left, right], backward)


def attention(
    query: Tensor, key: Tensor, value: Tensor, *, causal: bool = False, precision: Precision = Precision.EXACT20
) -> Tensor:
    rank = len(key.shape)
    turned = transpose(key, [*range(rank - 2), rank - 1, rank - 2])
    scores = scale(matmul(query, turned, precision), 1.0 / math.sqrt(max(1, query.shape[-1])))
    if causal:
        rows, columns = scores.shape[-2:]
        future = np.arange(columns)[None, :] > np.arange(rows)[:, None]
        scores = where(future, Tensor.full([], -math.inf), scores)
    return matmul(softmax(scores, -1), value, precision)
