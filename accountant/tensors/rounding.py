"""Operands of exact sums: rounded to integers under a power-of-two scale, which a group of values has in common.

The group's exponent is e = max(-100, 1 + floor(log2 m)), m its largest magnitude; a group without a nonzero value has
e = -100. A value becomes q × 2^(e - p) with the integer q = x × 2^(p - e) rounded half to even, so |q| ≤ 2^p. A group
that holds an infinity or a NaN is void: everything computed from it is NaN. `docs/numerics.md`, "Rounded operands".
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

import torch

from accountant.tensors.ieee import Values

LEAST_EXPONENT = -100
SUM_BITS = 31
"""Of the terms of a plain sum, which nothing is multiplied with."""

_MANTISSA_BITS = 23
_BIAS = 127
_WIDE_MANTISSA_BITS = 52
_WIDE_BIAS = 1023


class Precision(IntEnum):
    """How many bits an operand of a product keeps."""

    EXACT20 = 20
    """About binary32's quality."""
    EXACT8 = 7
    """A sign and 7 bits: one byte. |q| = 128 becomes 127 with its sign."""


class Grid(NamedTuple):
    """Values rounded for one use: q × unit in binary64, and the unit 2^(e - p) of each group, NaN where void."""

    wide: torch.Tensor
    unit: torch.Tensor


def power_of_two(exponents: torch.Tensor) -> torch.Tensor:
    """2^exponent in binary64, exactly, for -1022 ≤ exponent ≤ 1023."""
    return ((exponents + _WIDE_BIAS) << _WIDE_MANTISSA_BITS).view(torch.float64)


def largest(values: Values, axes: Iterable[int]) -> torch.Tensor:
    """The largest magnitude along the axes, which stay with size 1. NaN where one is in the group."""
    chosen = {axis % values.dim() for axis in axes}
    if not chosen:
        return values.abs()
    shape = [1 if axis in chosen else size for axis, size in enumerate(values.shape)]
    first = values.dim()
    while first - 1 in chosen:
        first -= 1
    outer = tuple(sorted(axis for axis in chosen if axis < first))
    if first == values.dim():
        return _span(values, outer).reshape(shape)
    # The innermost axes as one, and before the others: several times as fast.
    high = _span(values.reshape(*values.shape[:first], -1), (first,))
    return (high.amax(dim=outer) if outer else high).reshape(shape)


def _span(values: Values, axes: tuple[int, ...]) -> torch.Tensor:
    return torch.maximum(values.amax(dim=axes), values.amin(dim=axes).neg_()).abs_()


def group_exponents(magnitudes: torch.Tensor) -> torch.Tensor:
    """The exponent e of each group as int64, from its largest magnitude."""
    biased = magnitudes.view(torch.int32) >> _MANTISSA_BITS
    return (biased - (_BIAS - 1)).clamp_(min=LEAST_EXPONENT).to(torch.int64)


def void_to_nan(unit: torch.Tensor, magnitudes: torch.Tensor) -> torch.Tensor:
    """The unit of each group, NaN where the group holds an infinity or a NaN."""
    return torch.where(torch.isfinite(magnitudes), unit, torch.full_like(unit, float("nan")))


def on_grid(values: Values, axes: Sequence[int], bits: int) -> Grid:
    """Rounds to `bits` bits, one group along the given axes. Adding and taking away 1.5 × 2^(52 + e - p) rounds."""
    unit = unit_of(largest(values, axes), bits)
    return Grid(to_grid(values, anchor_of(unit)), unit)


def unit_of(magnitudes: torch.Tensor, bits: int) -> torch.Tensor:
    """The unit 2^(e - p) of each group in binary64, from its largest magnitude."""
    return void_to_nan(power_of_two(group_exponents(magnitudes) - bits), magnitudes)


def anchor_of(unit: torch.Tensor) -> torch.Tensor:
    """What is added and taken away to round to multiples of a unit."""
    return unit * (1.5 * 2.0**_WIDE_MANTISSA_BITS)


def to_grid(values: Values, anchor: torch.Tensor) -> torch.Tensor:
    """Values rounded in binary64."""
    return values.to(torch.float64).add_(anchor).sub_(anchor)
