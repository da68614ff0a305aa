"""EXP, LOG, SIGMOID, TANH, GELU and the inverse normal in binary64 ("Elementary functions", "Random numbers")."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.support.numpy_twin.values import Doubles, ignoring

LN2_HIGH = float.fromhex("0x1.62e42feep-1")
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
LOG2_E = float.fromhex("0x1.71547652b82fep+0")
ROUNDER = 1.5 * 2.0**52
EXP_SERIES = [1.0 / math.factorial(k) for k in range(13, -1, -1)]
LOG_SERIES = [1.0 / k for k in range(19, 0, -2)]
TANH_SERIES = [21844 / 6081075, -1382 / 155925, 62 / 2835, -17 / 315, 2 / 15, -1 / 3, 1.0]
GELU_A = 0.7978845608028654
GELU_B = 0.044715

NORMAL_A = [-3.969683028665376e01, 2.209460984245205e02, -2.759285104469687e02]
NORMAL_A += [1.383577518672690e02, -3.066479806614716e01, 2.506628277459239e00]
NORMAL_B = [-5.447609879822406e01, 1.615858368580409e02, -1.556989798598866e02, 6.680131188771972e01]
NORMAL_B += [-1.328068155288572e01, 1.0]
NORMAL_C = [-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e00]
NORMAL_C += [-2.549732539343734e00, 4.374664141464968e00, 2.938163982698783e00]
NORMAL_D = [7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e00, 3.754408661907416e00, 1.0]


def poly(x: Doubles, coefficients: Sequence[float]) -> Doubles:
    """Horner's rule from the highest power."""
    result = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        result = np.asarray(np.asarray(result * x) + coefficient)
    return result


def _wide(x: Any) -> Doubles:
    return np.asarray(x, dtype=np.float64)


@ignoring
def exp(argument: Any) -> Doubles:
    """EXP(x)."""
    given = _wide(argument)
    x = np.where(np.isnan(given), 0.0, given)
    x = np.where(x < -104, -104.0, x)
    x = np.where(x > 89, 89.0, x)
    n = (x * LOG2_E + ROUNDER) - ROUNDER
    r = _wide((x - n * LN2_HIGH) - n * LN2_LOW)
    result = np.ldexp(poly(r, EXP_SERIES), n.astype(np.int64))
    return _wide(np.where(np.isnan(given), np.nan, result))


@ignoring
def log(argument: Any) -> Doubles:
    """LOG(x)."""
    given = _wide(argument)
    usual = np.isfinite(given) & (given > 0)
    bits = np.where(usual, given, 1.0).view(np.int64)
    k = (bits - 0x3FE6A09E667F3BCD) >> 52
    m = np.asarray(bits - (k << 52)).view(np.float64)
    f = m - 1
    s = _wide(f / (m + 1))
    v = (poly(_wide(s * s), LOG_SERIES) * s) * 2
    result = np.where(usual, (v + k * LN2_LOW) + k * LN2_HIGH, np.nan)
    result = np.where(given == 0, -np.inf, result)
    return _wide(np.where(given == np.inf, np.inf, result))


@ignoring
def sigmoid(argument: Any) -> Doubles:
    """SIGMOID(x)."""
    x = _wide(argument)
    z = exp(-np.abs(x))
    return _wide(np.where(x < 0, z / (z + 1), 1 / (z + 1)))


@ignoring
def tanh(argument: Any) -> Doubles:
    """TANH(x)."""
    x = _wide(argument)
    small = poly(_wide(x * x), TANH_SERIES) * x
    t = exp(np.abs(x) * -2)
    w = (1 - t) / (t + 1)
    return _wide(np.where(np.abs(x) < 0.125, small, np.where(x < 0, -w, w)))


def _inner(x: Doubles) -> Doubles:
    return _wide((((x * x) * x) * GELU_B + x) * GELU_A)


@ignoring
def gelu(argument: Any) -> Doubles:
    """GELU(x)."""
    x = _wide(argument)
    return _wide((tanh(_inner(x)) + 1) * (x * 0.5))


@ignoring
def gelu_slope(argument: Any) -> Doubles:
    """GELU'(x)."""
    x = _wide(argument)
    t = tanh(_inner(x))
    d = ((x * x) * (3 * GELU_B) + 1) * GELU_A
    return _wide((t + 1) * 0.5 + ((1 - t * t) * d) * (x * 0.5))


@ignoring
def inverse_normal(argument: Any) -> Doubles:
    """Acklam's approximation."""
    u = _wide(argument)
    c = u - 0.5
    r = _wide(c * c)
    central = (poly(r, NORMAL_A) * c) / poly(r, NORMAL_B)
    w = np.where(u < 0.5, u, 1 - u)
    q = _wide(np.sqrt(log(w) * -2))
    tail = poly(q, NORMAL_C) / poly(q, NORMAL_D)
    tail = np.where(u >= 0.5, -tail, tail)
    return _wide(np.where((u >= 0.02425) & (u <= 1 - 0.02425), central, tail))
