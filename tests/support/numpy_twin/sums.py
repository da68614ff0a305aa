"""Operands rounded to integers under a group's unit, and integers rounded once ("Rounded operands")."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from tests.support.numpy_twin.values import Integers, Singles, Truths, canonical, ignoring

PLAIN_BITS = 31


class Precision(Enum):
    """Bits that the operands of products keep."""

    EXACT20 = 20
    EXACT8 = 7


@dataclass
class Grid:
    """Integers `q` under units 2^`unit`; a group with an infinity or NaN is `void`. The last two broadcast to q."""

    q: Integers
    unit: Integers
    void: Truths


@ignoring
def rounded(values: Singles, axes: Sequence[int], bits: int) -> Grid:
    """The values as integers, each group being what lies along `axes`."""
    finite = np.isfinite(values)
    wide = np.where(finite, values, 0).astype(np.float64)
    largest = np.max(np.abs(wide), axis=tuple(axes), keepdims=True, initial=0.0)
    exponent = np.where(largest == 0, -100, np.maximum(-100, np.frexp(largest)[1])).astype(np.int64)
    q = np.rint(np.ldexp(wide, bits - exponent)).astype(np.int64)
    if bits == Precision.EXACT8.value:
        q = np.clip(q, -127, 127)
    return Grid(q, exponent - bits, np.any(~finite, axis=tuple(axes), keepdims=True))


@ignoring
def narrowed(total: Integers, unit: Any) -> Singles:
    """An integer of up to 63 bits times 2^unit, rounded once: 24 bits are kept by integer arithmetic."""
    magnitude = np.abs(total)
    length = np.frexp(magnitude.astype(np.float64))[1].astype(np.int64)
    too_long = (length > 0) & (magnitude < np.left_shift(np.int64(1), np.maximum(length - 1, 0)))
    length = length - too_long
    drop = np.maximum(length - 24, 0)
    kept = magnitude >> drop
    rest = magnitude - (kept << drop)
    half = np.left_shift(np.int64(1), drop) >> 1
    kept = kept + (((rest > half) | ((rest == half) & (kept % 2 == 1))) & (drop > 0))
    value = np.ldexp(kept.astype(np.float64), drop + unit)
    return canonical(np.where(total < 0, -value, value).astype(np.float32))


def closed(total: Integers, unit: Any, void: Any, terms: Any) -> Singles:
    """The exact sum: NaN where a term's group is void, +0 where there is no term."""
    result = narrowed(total, unit)
    result = np.where(void, np.float32(np.nan), result)
    return canonical(np.where(terms, result, np.float32(0)))


def xsum(values: Singles, axes: Sequence[int], *, keep: bool = False) -> Singles:
    """The plain sum over the axes, one group for each output; over no axes the values as they are."""
    axes = tuple(axis % values.ndim for axis in axes) if values.ndim else ()
    if not axes:
        return values
    grid = rounded(values, axes, PLAIN_BITS)
    count = int(np.prod([values.shape[axis] for axis in axes], dtype=np.int64))
    total = grid.q.sum(axis=axes, keepdims=True, dtype=np.int64)
    result = closed(total, grid.unit, grid.void, count > 0)
    return result if keep else np.squeeze(result, axis=axes)
