"""Square roots of binary64 numbers, rounded once, whatever torch's own root gives.

On a CPU torch asks MKL's vector library for roots: close to 1 in 100 are an ulp off, and which ones depends on the
instructions that it chooses. So a root is a guess here, which integers then correct.
"""

import torch

_MANTISSA_BITS = 52
_BIAS = 1023
_ONE = 1 << _MANTISSA_BITS
_HALF_BITS = 26
_HALF_MASK = (1 << _HALF_BITS) - 1
LEAST_NORMAL = 2.0**-1022


def wide_root(x: torch.Tensor) -> torch.Tensor:
    """√x for normal binary64 numbers above 0; of 0, ∞, NaN and numbers below 0 what IEEE says.

    x is M × 2^(2k - 52) with an integer 2^52 ≤ M < 2^54. Its root is R × 2^(k - 52), R being the integer nearest to
    √(2^52 × M), which lies in [2^52, 2^53] and so fits 53 bits. With D = 2^52 × M - R² that says
    (R - ½)² < 2^52 × M < (R + ½)², so -R + ¼ < D < R + ¼, so, all being integers, -R < D ≤ R. Equality with a middle
    R + ½ is impossible: its square is no integer. R moves by one until this holds. The guess is within an ulp, so that
    is once; a worse one would cost steps, not bits. D is exact: with R = 2^26 × H + L it is
    ((M - H²) × 2^26 - 2HL) × 2^26 - L², and none of these passes 2^62.
    """
    ordinary = (x >= LEAST_NORMAL) & (x < torch.inf)
    bits = torch.where(ordinary, x, 1.0).contiguous().view(torch.int64)
    k = ((bits >> _MANTISSA_BITS) - _BIAS) >> 1
    reduced = (bits - (k << (_MANTISSA_BITS + 1))).view(torch.float64)  # 1 ≤ M × 2^-52 < 4
    whole = (reduced * _ONE).to(torch.int64)
    root = (torch.sqrt(reduced) * _ONE).to(torch.int64)
    while True:
        high, low = root >> _HALF_BITS, root & _HALF_MASK
        rest = ((((whole - high * high) << _HALF_BITS) - 2 * high * low) << _HALF_BITS) - low * low
        step = (rest > root).to(torch.int64) - (rest <= -root).to(torch.int64)
        if not bool(step.any()):
            break
        root += step
    scale = ((k + _BIAS) << _MANTISSA_BITS).view(torch.float64)
    return torch.where(ordinary, (root.to(torch.float64) * 2.0**-_MANTISSA_BITS).mul_(scale), torch.sqrt(x))
