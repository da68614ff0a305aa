"""Exact sums: terms rounded to integers, added without any error in whatever order, rounded once at the end.

Up to 2^22 integers of 31 bits stay exact in binary64 in every order. Longer sums go on in int64.
"""

import math
from collections.abc import Sequence

import torch

from accountant.tensors.ieee import Values, narrowed
from accountant.tensors.rounding import SUM_BITS, Grid, on_grid
from accountant.tensors.shapes import MAX_TERMS

_WIDE_DIGITS = 53


def to_odd_wide(integers: torch.Tensor) -> torch.Tensor:
    """int64 in binary64 so that rounding it on to binary32 gives what rounding the integer itself would.

    Beyond 53 bits the last bit kept says whether anything was cut off.
    """
    kept = (integers >> 10) | ((integers & 1023) != 0).to(torch.int64)
    exact = integers.abs() < 2**_WIDE_DIGITS
    return torch.where(exact, integers.to(torch.float64), kept.to(torch.float64) * 1024.0)


def wide_integers(wide: torch.Tensor, unit: torch.Tensor) -> torch.Tensor:
    """The integers q of q × unit, as int64. What a void group holds means nothing: its unit is NaN."""
    return torch.nan_to_num(wide / unit).to(torch.int64)


def grid_sum(grid: Grid, axes: Sequence[int]) -> torch.Tensor:
    """The sum over the axes, of terms on one grid for each output, in binary64 fit to be narrowed once."""
    terms = math.prod(grid.wide.shape[axis] for axis in axes)
    if terms <= MAX_TERMS:
        return grid.wide.sum(dim=tuple(axes), keepdim=True)
    integers = wide_integers(grid.wide, grid.unit).sum(dim=tuple(axes), keepdim=True)
    return to_odd_wide(integers) * grid.unit


def exact_sum(values: Values, axes: Sequence[int], *, keep: bool = False) -> Values:
    """The sum over the axes, one group for each output. Of nothing it is 0."""
    shape = [1 if axis in axes else size for axis, size in enumerate(values.shape)]
    if not axes:
        result = values
    elif values.numel() == 0:
        result = torch.zeros(shape, dtype=torch.float32, device=values.device)
    else:
        result = narrowed(grid_sum(on_grid(values, axes, SUM_BITS), axes))
    if keep:
        return result
    return result.reshape([size for axis, size in enumerate(values.shape) if axis not in axes])
