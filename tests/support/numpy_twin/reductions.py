"""Sums, means and largest values over axes."""

from collections.abc import Sequence

import numpy as np

from tests.support.numpy_twin.sums import xsum
from tests.support.numpy_twin.tape import recorded
from tests.support.numpy_twin.values import Indices, Integers, Singles, Tensor, canonical, over, s32

Axes = int | Sequence[int] | None


def _axes(axes: Axes, rank: int) -> tuple[int, ...]:
    if axes is None:
        return tuple(range(rank))
    return tuple(axis % rank for axis in ([axes] if isinstance(axes, int) else axes))


def _kept(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape))


def sum_over(tensor: Tensor, axes: Axes = None, *, keep: bool = False) -> Tensor:
    over_ = _axes(axes, len(tensor.shape))
    kept = _kept(tensor.shape, over_)
    y = xsum(tensor.values, over_, keep=keep)
    return recorded(y, [tensor], lambda g: [np.broadcast_to(g.reshape(kept), tensor.shape)])


def mean_over(tensor: Tensor, axes: Axes = None, *, keep: bool = False) -> Tensor:
    over_ = _axes(axes, len(tensor.shape))
    kept = _kept(tensor.shape, over_)
    count = s32(int(np.prod([tensor.shape[axis] for axis in over_], dtype=np.int64)))
    y = over(xsum(tensor.values, over_, keep=keep), count)
    return recorded(y, [tensor], lambda g: [np.broadcast_to(over(g, count).reshape(kept), tensor.shape)])


def first_largest(values: Singles, axis: int) -> Integers:
    """The lowest index of the largest value, NaN being above all; the axis is kept."""
    nan = np.isnan(values)
    finite = np.where(nan, np.float32(0), values)
    largest = finite.max(axis=axis, keepdims=True)
    marks = np.where(nan.any(axis=axis, keepdims=True), nan, finite == largest)
    return np.asarray(np.argmax(marks, axis=axis, keepdims=True), dtype=np.int64)


def argmax(tensor: Tensor, axis: int) -> Indices:
    return Indices(np.squeeze(first_largest(tensor.values, axis), axis=axis))


def max_over(tensor: Tensor, axis: int, *, keep: bool = False) -> Tensor:
    at = first_largest(tensor.values, axis)
    y = np.take_along_axis(tensor.values, at, axis)

    def backward(g: Singles) -> list[Singles]:
        spread = np.zeros_like(tensor.values)
        np.put_along_axis(spread, at, g.reshape(at.shape), axis)
        return [canonical(spread)]

    return recorded(y if keep else np.squeeze(y, axis=axis), [tensor], backward)
