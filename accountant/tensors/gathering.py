"""Operators that pick by index, and their gradients, which add up what was picked more than once, exactly."""

import math

import torch

from accountant.tensors.errors import InvalidIndex, InvalidShape
from accountant.tensors.ieee import Values, narrowed, plus
from accountant.tensors.rounding import SUM_BITS, Grid, on_grid
from accountant.tensors.shapes import MAX_TERMS, axis_of, element_count
from accountant.tensors.sums import to_odd_wide, wide_integers
from accountant.tensors.tape import recorded
from accountant.tensors.values import Indices, Tensor


def check_indices(indices: torch.Tensor, size: int) -> None:
    """`InvalidIndex` where one is outside [0, size)."""
    if indices.numel() and not bool(((indices >= 0) & (indices < size)).all()):
        raise InvalidIndex(f"an index outside [0, {size})")


def scattered(values: Values, indices: torch.Tensor, axis: int, size: int) -> Values:
    """Zeros of `size` along the axis, to which values are added where indices of the same shape say.

    All values in one line along the axis are a group of rounding. Exact in any order.
    """
    shape = [size if at == axis else extent for at, extent in enumerate(values.shape)]
    if values.numel() == 0:
        return torch.zeros(shape, dtype=torch.float32, device=values.device)
    grid = on_grid(values, (axis,), SUM_BITS)
    return _scattered_grid(grid, indices, axis, shape)


def _scattered_grid(grid: Grid, indices: torch.Tensor, axis: int, shape: list[int]) -> Values:
    wide = torch.zeros(shape, dtype=torch.float64, device=indices.device)
    if grid.wide.shape[axis] <= MAX_TERMS:
        return narrowed(wide.scatter_add_(axis, indices, grid.wide))
    integers = wide.to(torch.int64).scatter_add_(axis, indices, wide_integers(grid.wide, grid.unit))
    reached = wide.scatter_(axis, indices, 1.0) > 0.0
    return narrowed(torch.where(reached, to_odd_wide(integers) * grid.unit, 0.0))


def gather(tensor: Tensor, axis: int, indices: Indices) -> Tensor:
    """Element i of the result is the tensor's at i, with indices[i] along the axis. Other sizes must be equal."""
    chosen = axis_of(axis, len(tensor.shape))
    size = tensor.shape[chosen]
    _check_alike(tensor.shape, indices.shape, chosen)
    check_indices(indices.values, size)
    return recorded(
        tensor.values.gather(chosen, indices.values),
        (tensor,),
        lambda g: (scattered(g, indices.values, chosen, size),),
    )


def scatter_add(tensor: Tensor, axis: int, indices: Indices, source: Tensor) -> Tensor:
    """The tensor plus the exact sum, rounded once, of what the source adds to each of its elements."""
    chosen = axis_of(axis, len(tensor.shape))
    _check_alike(tensor.shape, indices.shape, chosen)
    if indices.shape != source.shape:
        raise InvalidShape(f"indices of {indices.shape} for a source of {source.shape}")
    check_indices(indices.values, tensor.shape[chosen])
    return recorded(
        plus(tensor.values, scattered(source.values, indices.values, chosen, tensor.shape[chosen])),
        (tensor, source),
        lambda g: (g, g.gather(chosen, indices.values)),
    )


def take(tensor: Tensor, axis: int, indices: Indices) -> Tensor:
    """Whole slices along an axis: result[…, j, …] = tensor[…, indices[j], …]. The indices have one dimension."""
    chosen = axis_of(axis, len(tensor.shape))
    if len(indices.shape) != 1:
        raise InvalidShape(f"indices of {indices.shape}; one dimension is possible")
    check_indices(indices.values, tensor.shape[chosen])
    before = tensor.shape
    element_count((*before[:chosen], indices.shape[0], *before[chosen + 1 :]))

    def backward(g: Values) -> tuple[Values]:
        places = indices.values.reshape([-1 if at == chosen else 1 for at in range(g.dim())])
        return (scattered(g, places.expand(g.shape), chosen, before[chosen]),)

    return recorded(tensor.values.index_select(chosen, indices.values), (tensor,), backward)


def embedding(table: Tensor, indices: Indices) -> Tensor:
    """Rows of a table [V, D] for indices of any shape […] → […, D]."""
    if len(table.shape) != 2:
        raise InvalidShape(f"a table of {table.shape}; two dimensions are needed")
    rows, width = table.shape
    check_indices(indices.values, rows)
    shape = (*indices.shape, width)
    element_count(shape)
    flat = indices.values.reshape(-1)

    def backward(g: Values) -> tuple[Values]:
        return (scattered(g.reshape(flat.shape[0], width), flat.unsqueeze(1).expand(-1, width), 0, rows),)

    return recorded(table.values.index_select(0, flat).reshape(shape), (table,), backward)


def one_hot(indices: Indices, classes: int) -> Tensor:
    """1 where the last, new dimension's place is the index, else 0."""
    check_indices(indices.values, classes)
    shape = (*indices.shape, classes)
    assert element_count(shape) == math.prod(shape)
    result = torch.zeros(shape, dtype=torch.float32, device=indices.values.device)
    return Tensor(result.scatter_(-1, indices.values.unsqueeze(-1), 1.0))


def _check_alike(shape: tuple[int, ...], other: tuple[int, ...], axis: int) -> None:
    if len(shape) != len(other) or shape[:axis] + shape[axis + 1 :] != other[:axis] + other[axis + 1 :]:
        raise InvalidShape(f"indices of {other} for {shape} along axis {axis}")
