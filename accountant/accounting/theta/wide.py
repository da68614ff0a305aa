"""Integers wider than 64 bits, many at a time: 10^6 amounts of 2^62 add up to 2^82, and products have 124 bits.

Everything is exact, in int64 limbs. No float takes part.
"""

import numpy as np
import numpy.typing as npt

from accountant.accounting.theta.candidate import Int64

_HALF = 31
_HALF_MASK = (1 << _HALF) - 1
_BLOCK = 1 << 15
"""So many rows at a time stay in the processor's cache."""

Factor = int | Int64
"""One for all rows, or one for each."""

LIMB = 62
"""Bits of the low limb of `product_differences`."""


def exact_sum(values: Int64) -> int:
    """Σ of up to 2^31 values, each 0 ≤ v < 2^63."""
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())


def first_reaching(amounts: Int64, target: int) -> int:
    """The least k for which the first k amounts add up to `target` > 0. Their total must reach it."""
    high, low = np.cumsum(amounts >> _HALF), np.cumsum(amounts & _HALF_MASK)
    high += low >> _HALF
    low &= _HALF_MASK
    target_high, target_low = target >> _HALF, target & _HALF_MASK
    first = int(np.searchsorted(high, target_high, side="left"))
    after = int(np.searchsorted(high, target_high, side="right"))
    return first + int(np.searchsorted(low[first:after], target_low, side="left")) + 1


def product_differences(x: Int64, p: Factor, y: Int64, q: Factor) -> tuple[Int64, Int64]:
    """p·x − q·y for each row as (high, low): the value is high·2^62 + low, 0 ≤ low < 2^62.

    All of x, y, p and q lie between 0 and 2^62.
    """
    high, low = np.empty_like(x), np.empty_like(x)
    for start in range(0, len(x), _BLOCK):
        rows = slice(start, start + _BLOCK)
        of_p, of_q = (f if isinstance(f, int) else f[rows] for f in (p, q))
        high[rows], low[rows] = _product_differences(x[rows], of_p, y[rows], of_q)
    return high, low


def _product_differences(x: Int64, p: Factor, y: Int64, q: Factor) -> tuple[Int64, Int64]:
    """Schoolbook, base 2^31: the middle limb stays below 2·(2^31 − 1)·2^31 + 2^31 < 2^63."""
    p1, p0, q1, q0 = p >> _HALF, p & _HALF_MASK, q >> _HALF, q & _HALF_MASK
    x1, x0, y1, y0 = x >> _HALF, x & _HALF_MASK, y >> _HALF, y & _HALF_MASK
    low = x0 * p0 - y0 * q0
    middle = (x0 * p1 + x1 * p0) - (y0 * q1 + y1 * q0)
    high = x1 * p1 - y1 * q1
    middle += low >> _HALF
    low &= _HALF_MASK
    high += middle >> _HALF
    middle &= _HALF_MASK
    middle <<= _HALF
    middle |= low
    return high, middle


def surely_greater(x: Int64, p: int, y: Int64, q: int) -> npt.NDArray[np.bool_]:
    """Whether p·x > q·y, row by row; False also where 31 leading bits of each do not tell. All are ≥ 0.

    Exact whenever all four fit 31 bits. The left side is rounded down and the right side up, so True is a proof.
    """
    x_cut, p_cut = _excess(int(x.max(initial=0))), _excess(p)
    y_cut, q_cut = _excess(int(y.max(initial=0))), _excess(q)
    left = (x >> x_cut) * (p >> p_cut)
    right = -(-y >> y_cut) * -(-q >> q_cut)
    shift = x_cut + p_cut - y_cut - q_cut
    if shift >= 0:  # left·2^shift > right
        return left > right >> min(shift, 63)
    return left >> min(-shift, 63) > right


def _excess(value: int) -> int:
    return max(0, value.bit_length() - _HALF)
