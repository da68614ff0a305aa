"""The elementary functions are close to the true ones, and their steps are IEEE's."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import accountant.tensors as nn
from accountant.tensors import Tensor, elementary
from tests.support.exact_numbers import bits, narrow, single

FUNCTIONS = {
    "exp": (elementary.exp, math.exp, (-87.0, 88.0)),
    "log": (elementary.log, math.log, (2.0**-126, 3e38)),
    "sigmoid": (elementary.sigmoid, lambda x: 1 / (1 + math.exp(-x)) if x > -700 else 0.0, (-87.0, 30.0)),
    "tanh": (elementary.tanh, math.tanh, (-20.0, 20.0)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_right_to_fifteen_digits(name: str) -> None:
    """The relative error in binary64 is below 2^-49, so binary32 results are nearly always the nearest."""
    ours, true, (low, high) = FUNCTIONS[name]
    lin = torch.linspace(low, high, 4001, dtype=torch.float64)
    tiny = torch.pow(2.0, torch.linspace(-120, 0, 500, dtype=torch.float64))
    near_one = 1.0 + torch.linspace(-0.4, 0.4, 1001, dtype=torch.float64)
    x = torch.cat([lin, tiny, near_one] if low >= 0 else [lin, tiny, -tiny, near_one])
    for value, result in zip(x.tolist(), ours(x).tolist(), strict=True):
        expected = true(value)
        assert abs(result - expected) <= abs(expected) * 2.0**-49


def _exp(x: float) -> float:
    """The page's steps in Python's own binary64."""
    x = min(max(x, -104.0), 89.0)
    rounder = 1.5 * 2.0**52
    n = (x * float.fromhex("0x1.71547652b82fep+0") + rounder) - rounder
    r = (x - n * float.fromhex("0x1.62e42feep-1")) - n * float.fromhex("0x1.a39ef35793c76p-33")
    result = 1.0 / math.factorial(13)
    for k in range(12, -1, -1):
        result = result * r + 1.0 / math.factorial(k)
    return float(result * 2.0**n)


@given(st.floats(width=32, allow_nan=False, allow_subnormal=False))
def test_exp_takes_the_steps_of_the_page(x: float) -> None:
    """One IEEE operation after the other, none fused."""
    x = single(x)
    assert bits(nn.exp(Tensor.of([x], [1])).numbers()[0]) == bits(single(_exp(x)))


@given(st.lists(st.floats(width=32, allow_subnormal=False), min_size=2, max_size=2))
def test_arithmetic_is_ieee(pair: list[float]) -> None:
    """Sum, product, quotient and root are the true results, rounded once."""
    x, y = (single(value) for value in pair)
    left, right = Tensor.of([x], [1]), Tensor.of([y], [1])
    if math.isfinite(x) and math.isfinite(y):
        a, b = Fraction(x), Fraction(y)
        assert nn.add(left, right).numbers() == [narrow(a + b)]
        assert nn.multiply(left, right).numbers() == [narrow(a * b)]
        if y:
            assert nn.divide(left, right).numbers() == [narrow(a / b)]
        root = Fraction(math.isqrt(int(abs(a) * 2**400))) / 2**200  # beyond any doubt of the 24th bit
        assert nn.sqrt(Tensor.of([abs(x)], [1])).numbers() == [narrow(root)]


def test_pieces_do_not_show() -> None:
    """Long tensors are worked on in pieces: the same as one at a time."""
    x = nn.uniform(nn.Stream(1, 1), (70_001,), -5.0, 5.0)
    whole = nn.exp(x)
    assert torch.equal(whole.values[65_000:], nn.exp(nn.slice_of(x, 0, 65_000, 70_001)).values)
