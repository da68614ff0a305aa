"""Exact sums: terms rounded to integers, added without any error in whatever order, rounded once at the end.

Up to 2^22 integers of 31 bits stay exact in binary64 in every order. Longer sums go on in int64.
"""

import math
from collections.abc import Sequence

import torch

from accountant.tensors.ieee import Values, narrowed
from accountant.tensors.machine import at_once
from accountant.tensors.rounding import SUM_BITS, anchor_of, largest, on_grid, to_grid, unit_of
from accountant.tensors.shapes import MAX_TERMS

_WIDE_DIGITS = 53
_PIECE = 1 << 16  # elements


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


def _sum_in_pieces(values: Values, axes: Sequence[int]) -> torch.Tensor:
    """Sums in binary64 of at most MAX_TERMS each; the first axis in pieces that stay in the processor's cache."""
    anchor = anchor_of(unit_of(largest(values, axes), SUM_BITS))
    rows = max(1, at_once(_PIECE, values.device) * values.shape[0] // values.numel())
    total: torch.Tensor | None = None
    parts = []
    for begin in range(0, values.shape[0], rows):
        piece = values[begin : begin + rows]
        if 0 in axes:
            part = to_grid(piece, anchor).sum(dim=tuple(axes), keepdim=True)
            total = part if total is None else total.add_(part)
        else:
            parts.append(to_grid(piece, anchor[begin : begin + rows]).sum(dim=tuple(axes), keepdim=True))
    return torch.cat(parts) if total is None else total


def exact_sum(values: Values, axes: Sequence[int], *, keep: bool = False) -> Values:
    """The sum over the axes, one group for each output. Of nothing it is 0."""
    shape = [1 if axis in axes else size for axis, size in enumerate(values.shape)]
    if not axes:
        result = values
    elif values.numel() == 0:
        result = torch.zeros(shape, dtype=torch.float32, device=values.device)
    elif math.prod(values.shape[axis] for axis in axes) > MAX_TERMS:
        grid = on_grid(values, axes, SUM_BITS)
        result = narrowed(
            to_odd_wide(wide_integers(grid.wide, grid.unit).sum(dim=tuple(axes), keepdim=True)) * grid.unit
        )
    else:
        result = narrowed(_sum_in_pieces(values, axes))
    if keep:
        return result
    return result.reshape([size for axis, size in enumerate(values.shape) if axis not in axes])
