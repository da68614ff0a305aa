"""exp, log, sigmoid, tanh in binary64 from add, multiply and divide alone, each with its own rounding.

The library functions of processors and devices differ in the last bit; these cannot. `docs/numerics.md`, "Elementary
functions", gives every step. Callers narrow the results to binary32.
"""

import math
from collections.abc import Callable

import torch

from accountant.tensors.ieee import Values, canonical_, narrowed
from accountant.tensors.machine import at_once

Wide = torch.Tensor
"""binary64."""

LOG2_E = float.fromhex("0x1.71547652b82fep+0")
LN2_HIGH = float.fromhex("0x1.62e42feep-1")
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
ROUNDER = 1.5 * 2.0**52 + 1024.0
"""Adding it rounds to an integer; 1,024 more than needed, so that the sum's last bits are an exponent's + 1. An even
number more: ties go where they went."""
EXP_LEAST, EXP_MOST = -104.0, 89.0
"""Beyond these the result is 0 or an infinity in binary32."""
EXP_COEFFICIENTS = tuple(0.5 / math.factorial(k) for k in range(13, -1, -1))
"""Halves, exactly: the power of two that they are multiplied with is doubled."""
LOG_COEFFICIENTS = tuple(1.0 / k for k in range(19, 0, -2))
TANH_COEFFICIENTS = (21844.0 / 6081075.0, -1382.0 / 155925.0, 62.0 / 2835.0, -17.0 / 315.0, 2.0 / 15.0, -1.0 / 3.0, 1.0)
TANH_SMALL = 0.125
TANH_MOST = 52.0
"""e^-2|x| is the same for all greater |x|."""

_CHUNK = 1 << 15  # elements whose binary64 values stay in a core's cache

_WIDE_MANTISSA_BITS = 52
_SIGN_SHIFT = 63
_SIGN_BIT = -(2**63)
_ONE_BITS = 0x3FF0000000000000
_HALF_ROOT = 0x3FE6A09E667F3BCD  # the bits of √½ in binary64


def polynomial(argument: Wide, coefficients: tuple[float, ...]) -> Wide:
    """Horner's rule from the highest power down: multiply, round, add, round."""
    result = torch.mul(argument, coefficients[0]).add_(coefficients[1])
    for coefficient in coefficients[2:]:
        result.mul_(argument).add_(coefficient)
    return result


def exp(x: Wide) -> Wide:
    """e^x, with x first moved into [EXP_LEAST, EXP_MOST]."""
    return _exp(x.clamp(EXP_LEAST, EXP_MOST))


def _exp(x: Wide) -> Wide:
    """e^x of numbers in that range, which are not kept. A NaN's power of two means nothing: the product is NaN."""
    rounded = torch.mul(x, LOG2_E).add_(ROUNDER)
    n = torch.sub(rounded, ROUNDER)
    scale = rounded.view(torch.int64).bitwise_left_shift_(_WIDE_MANTISSA_BITS).view(torch.float64)
    r = x.sub_(torch.mul(n, LN2_HIGH)).sub_(n.mul_(LN2_LOW))
    return polynomial(r, EXP_COEFFICIENTS).mul_(scale)


def log(x: Wide) -> Wide:
    """The natural logarithm of binary64 numbers that came from binary32 or lie in [2^-1000, 2^1000]."""
    bits = x.contiguous().view(torch.int64)
    k = torch.sub(bits, _HALF_ROOT).bitwise_right_shift_(_WIDE_MANTISSA_BITS)
    m = torch.sub(bits, k << _WIDE_MANTISSA_BITS).view(torch.float64)  # √½ ≤ m < √2
    f = torch.sub(m, 1.0)
    s = f.div_(m.add_(1.0))
    series = polynomial(s * s, LOG_COEFFICIENTS).mul_(s).mul_(2.0)
    k_wide = k.to(torch.float64)
    result = series.add_(k_wide * LN2_LOW).add_(k_wide.mul_(LN2_HIGH))
    if _usual(x):
        return result
    result = torch.where(x == math.inf, x, result)
    result = torch.where(x == 0.0, torch.full_like(x, -math.inf), result)
    return torch.where((x < 0.0) | torch.isnan(x), torch.full_like(x, math.nan), result)


def _usual(x: Wide) -> bool:
    """Whether all are known to be finite and above zero: choosing between two values takes as long as 20 products."""
    if x.device.type != "cpu" or x.numel() == 0:
        return False
    least, most = torch.aminmax(x)
    return bool(least > 0.0) and bool(most < math.inf)


def sigmoid(x: Wide) -> Wide:
    """1 ÷ (1 + e^-x), from e^-|x| so that nothing overflows. Above is z where x is negative, else 1: chosen by bits."""
    z = exp(x.abs().neg_())
    negative = x.contiguous().view(torch.int64) >> _SIGN_SHIFT
    above = z.view(torch.int64).bitwise_xor(_ONE_BITS).bitwise_and_(negative).bitwise_xor_(_ONE_BITS)
    return above.view(torch.float64).div_(z.add_(1.0))


def tanh(x: Wide) -> Wide:
    """The hyperbolic tangent; a polynomial where e^-2|x| would cancel.

    Of x the small part or the large one is 0, and so is what comes of it: their sum is the other.
    """
    x = x.clamp(-TANH_MOST, TANH_MOST)
    large = torch.ops.aten.hardshrink(x, math.nextafter(TANH_SMALL, 0.0))
    small = x.sub_(large)
    sign = large.view(torch.int64).bitwise_and(_SIGN_BIT)
    t = _exp(large.abs_().mul_(-2.0))
    result = torch.rsub(t, 1.0).div_(t.add_(1.0))
    result.view(torch.int64).bitwise_or_(sign)
    return result.add_(polynomial(small * small, TANH_COEFFICIENTS).mul_(small))


def narrow_map(function: Callable[[Wide], Wide], values: Values) -> Values:
    """A function over binary64, elementwise on binary32 values, rounded once; in pieces that fit the cache."""
    flat = values.reshape(-1)
    chunk = at_once(_CHUNK, values.device)
    if flat.numel() <= chunk:
        return narrowed(function(values.to(torch.float64)))
    result = torch.empty_like(flat)
    for begin in range(0, flat.numel(), chunk):
        piece = slice(begin, begin + chunk)
        canonical_(result[piece].copy_(function(flat[piece].to(torch.float64))))
    return result.reshape(values.shape)
