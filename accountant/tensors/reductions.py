"""Sums, means, largest values over axes, and their gradients."""

import math
from collections.abc import Sequence

import torch

from accountant.tensors.errors import InvalidShape
from accountant.tensors.ieee import Values, over, scalar
from accountant.tensors.shapes import axes_of, axis_of
from accountant.tensors.sums import exact_sum
from accountant.tensors.tape import recorded
from accountant.tensors.values import Indices, Tensor

Axes = int | Sequence[int] | None


def _kept(tensor: Tensor, axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if axis in axes else size for axis, size in enumerate(tensor.shape))


def sum_over(tensor: Tensor, axes: Axes = None, *, keep: bool = False) -> Tensor:
    """The exact sum over the axes (all of them for `None`), rounded once. Of nothing it is 0."""
    chosen = axes_of(axes, len(tensor.shape))
    shape, kept = tensor.shape, _kept(tensor, chosen)
    return recorded(
        exact_sum(tensor.values, chosen, keep=keep),
        (tensor,),
        lambda g: (g.reshape(kept).expand(shape).contiguous(),),
    )


def mean_over(tensor: Tensor, axes: Axes = None, *, keep: bool = False) -> Tensor:
    """The sum rounded to binary32, ÷ the count rounded to binary32. Of nothing it is NaN."""
    chosen = axes_of(axes, len(tensor.shape))
    shape, kept = tensor.shape, _kept(tensor, chosen)
    count = scalar(float(math.prod(shape[axis] for axis in chosen)), tensor.values)
    return recorded(
        over(exact_sum(tensor.values, chosen, keep=keep), count),
        (tensor,),
        lambda g: (over(g, count).reshape(kept).expand(shape).contiguous(),),
    )


def _first_largest(values: Values, axis: int) -> torch.Tensor:
    if values.shape[axis] == 0:
        raise InvalidShape(f"no largest value along axis {axis} of {tuple(values.shape)}")
    high = values.amax(dim=axis, keepdim=True)  # NaN where there is one
    hit = (values == high) | (torch.isnan(values) & torch.isnan(high))
    size = values.shape[axis]
    places = torch.arange(size, device=values.device).reshape([-1] + [1] * (values.dim() - axis - 1))
    return torch.where(hit, places, size).amin(dim=axis, keepdim=True)


def argmax(tensor: Tensor, axis: int) -> Indices:
    """Where the largest value lies along the axis; ties go to the lowest index, and NaN is above all numbers."""
    chosen = axis_of(axis, len(tensor.shape))
    return Indices(_first_largest(tensor.values, chosen).squeeze(chosen))


def max_over(tensor: Tensor, axis: int, *, keep: bool = False) -> Tensor:
    """The largest value along the axis. Its gradient goes to the element that `argmax` names."""
    chosen = axis_of(axis, len(tensor.shape))
    places = _first_largest(tensor.values, chosen)
    result = tensor.values.gather(chosen, places)
    shape, kept = tensor.shape, tuple(result.shape)

    def backward(g: Values) -> tuple[Values]:
        spread = torch.zeros(shape, dtype=torch.float32, device=g.device)
        return (spread.scatter_(chosen, places, g.reshape(kept)),)

    return recorded(result if keep else result.squeeze(chosen), (tensor,), backward)
