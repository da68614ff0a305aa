"""Picking by index, and the exact sums of what indices send to one place."""

import numpy as np

from tests.support.numpy_twin.sums import PLAIN_BITS, closed, rounded
from tests.support.numpy_twin.tape import recorded
from tests.support.numpy_twin.values import Indices, Integers, Singles, Tensor, plus


def scattered(values: Singles, indices: Integers, axis: int, size: int) -> Singles:
    """The tensor of `size` along the axis: each line of `values` along it is a group."""
    grid = rounded(values, (axis,), PLAIN_BITS)
    lines = np.moveaxis(grid.q, axis, -1)
    targets = np.moveaxis(indices, axis, -1)
    total = np.zeros((*lines.shape[:-1], size), dtype=np.int64)
    terms = np.zeros(total.shape, dtype=bool)
    for line in np.ndindex(*lines.shape[:-1]):
        np.add.at(total[line], targets[line], lines[line])
        terms[line][targets[line]] = True
    return closed(np.moveaxis(total, -1, axis), grid.unit, grid.void, np.moveaxis(terms, -1, axis))


def gather(tensor: Tensor, axis: int, indices: Indices) -> Tensor:
    y = np.take_along_axis(tensor.values, indices.values, axis)
    return recorded(y, [tensor], lambda g: [scattered(g, indices.values, axis, tensor.shape[axis])])


def scatter_add(tensor: Tensor, axis: int, indices: Indices, source: Tensor) -> Tensor:
    y = plus(tensor.values, scattered(source.values, indices.values, axis, tensor.shape[axis]))
    return recorded(y, [tensor, source], lambda g: [g, np.take_along_axis(g, indices.values, axis)])


def take(tensor: Tensor, axis: int, indices: Indices) -> Tensor:
    shape = [1] * len(tensor.shape)
    shape[axis] = indices.values.size

    def backward(g: Singles) -> list[Singles]:
        return [scattered(g, np.broadcast_to(indices.values.reshape(shape), g.shape), axis, tensor.shape[axis])]

    return recorded(np.take(tensor.values, indices.values, axis), [tensor], backward)


def embedding(table: Tensor, indices: Indices) -> Tensor:
    rows, columns = table.shape

    def backward(g: Singles) -> list[Singles]:
        flat = g.reshape(indices.values.size, columns)
        return [scattered(flat, np.broadcast_to(indices.values.reshape(-1, 1), flat.shape), 0, rows)]

    return recorded(table.values[indices.values], [table], backward)


def one_hot(indices: Indices, classes: int) -> Tensor:
    return Tensor((indices.values[..., None] == np.arange(classes)).astype(np.float32))
