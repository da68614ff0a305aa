"""exp, log, sigmoid, tanh in binary64 from add, multiply and divide alone, each with its own rounding.

The library functions of processors and devices differ in the last bit; these cannot. `docs/numerics.md`, "Elementary
functions", gives every step. Callers narrow the results to binary32.
"""

import math
from collections.abc import Callable

import torch

from accountant.tensors.ieee import Values, narrowed
from accountant.tensors.machine import at_once

Wide = torch.Tensor
"""binary64."""

LOG2_E = float.fromhex("0x1.71547652b82fep+0")
LN2_HIGH = float.fromhex("0x1.62e42feep-1")
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
ROUNDER = 1.5 * 2.0**52
EXP_LEAST, EXP_MOST = -104.0, 89.0
"""Beyond these the result is 0 or an infinity in binary32."""
EXP_COEFFICIENTS = tuple(1.0 / math.factorial(k) for k in range(13, -1, -1))
LOG_COEFFICIENTS = tuple(1.0 / k for k in range(19, 0, -2))
TANH_COEFFICIENTS = (21844.0 / 6081075.0, -1382.0 / 155925.0, 62.0 / 2835.0, -17.0 / 315.0, 2.0 / 15.0, -1.0 / 3.0, 1.0)
TANH_SMALL = 0.125

_CHUNK = 1 << 15  # elements whose binary64 values stay in a core's cache

_WIDE_MANTISSA_BITS = 52
_WIDE_BIAS = 1023
_HALF_ROOT = 0x3FE6A09E667F3BCD  # the bits of √½ in binary64


def polynomial(argument: Wide, coefficients: tuple[float, ...]) -> Wide:
    """Horner's rule from the highest power down: multiply, round, add, round."""
    result = torch.full_like(argument, coefficients[0])
    for coefficient in coefficients[1:]:
        result.mul_(argument).add_(coefficient)
    return result


def exp(x: Wide) -> Wide:
    """e^x, with x first moved into [EXP_LEAST, EXP_MOST]."""
    x = x.clamp(EXP_LEAST, EXP_MOST)
    n = (x * LOG2_E).add_(ROUNDER).sub_(ROUNDER)
    r = (x - n * LN2_HIGH).sub_(n * LN2_LOW)
    integer = torch.nan_to_num(n).to(torch.int64)
    scale = ((integer + _WIDE_BIAS) << _WIDE_MANTISSA_BITS).view(torch.float64)
    return polynomial(r, EXP_COEFFICIENTS).mul_(scale)


def log(x: Wide) -> Wide:
    """The natural logarithm of binary64 numbers that came from binary32 or lie in [2^-1000, 2^1000]."""
    bits = x.contiguous().view(torch.int64)
    k = (bits - _HALF_ROOT) >> _WIDE_MANTISSA_BITS
    m = (bits - (k << _WIDE_MANTISSA_BITS)).view(torch.float64)  # √½ ≤ m < √2
    f = m - 1.0
    s = f / (m + 1.0)
    series = polynomial(s * s, LOG_COEFFICIENTS).mul_(s).mul_(2.0)
    k_wide = k.to(torch.float64)
    result = (series + k_wide * LN2_LOW).add_(k_wide * LN2_HIGH)
    result = torch.where(x == math.inf, x, result)
    result = torch.where(x == 0.0, torch.full_like(x, -math.inf), result)
    return torch.where((x < 0.0) | torch.isnan(x), torch.full_like(x, math.nan), result)


def sigmoid(x: Wide) -> Wide:
    """1 ÷ (1 + e^-x), from e^-|x| so that nothing overflows."""
    z = exp(-x.abs())
    return torch.where(x >= 0.0, torch.ones_like(z), z) / (z + 1.0)


def tanh(x: Wide) -> Wide:
    """The hyperbolic tangent; a polynomial where e^-2|x| would cancel."""
    t = exp(x.abs() * -2.0)
    large = (1.0 - t) / (t + 1.0)
    large = torch.where(x < 0.0, -large, large)
    return torch.where(x.abs() < TANH_SMALL, polynomial(x * x, TANH_COEFFICIENTS).mul_(x), large)


def narrow_map(function: Callable[[Wide], Wide], values: Values) -> Values:
    """A function over binary64, elementwise on binary32 values, rounded once; in pieces that fit the cache."""
    flat = values.reshape(-1)
    chunk = at_once(_CHUNK, values.device)
    if flat.numel() <= chunk:
        return narrowed(function(values.to(torch.float64)))
    result = torch.empty_like(flat)
    for begin in range(0, flat.numel(), chunk):
        result[begin : begin + chunk] = narrowed(function(flat[begin : begin + chunk].to(torch.float64)))
    return result.reshape(values.shape)
