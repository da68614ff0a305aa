"""Roots of binary64 are those of IEEE, whatever guess they start from."""

import math

import numpy as np
import pytest
import torch

from accountant.tensors.roots import LEAST_NORMAL, wide_root


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _checked(numbers: list[float]) -> None:
    found = wide_root(torch.tensor(numbers, dtype=torch.float64)).tolist()
    assert [root.hex() for root in found] == [_root(number).hex() for number in numbers]


def _close_to_middles(count: int) -> list[float]:
    """Next to squares, and next to the squares of what lies halfway between two roots."""
    found = []
    for root in np.random.default_rng(1).integers(2**52, 2**53, count).tolist():
        for square in (root * root, root * root + root, root * root - root):
            found += [math.ldexp((square >> 52) + step, -52) for step in (-1, 0, 1)]
    return found


def test_the_number_that_torch_gets_wrong() -> None:
    """MKL's root of it is an ulp below."""
    number = float.fromhex("0x1.0c33ca3c12a94p+1")
    assert float(wide_root(torch.tensor([number], dtype=torch.float64))).hex() == "0x1.72910a7ae7ab0p+0"


@pytest.mark.parametrize("scale", [2.0**-1022, 2.0**-999, 2.0**-1, 1.0, 2.0**5, 2.0**1021])
def test_ends_of_binades_and_middles(scale: float) -> None:
    """Where the exponent's parity, the root's last place or its rounding changes."""
    ulps = [number * 2.0**-52 for number in range(300)]
    ends = [end for ulp in ulps for end in (1 + ulp, 2 - ulp, 2 + 2 * ulp, 4 - 2 * ulp)]
    _checked([number * scale for number in [*ends, *_close_to_middles(500)] if 1 <= number < 4])


def test_special_numbers() -> None:
    """0, ∞, NaN, numbers below 0, the least and the greatest, whole squares; and no numbers at all."""
    _checked([0.0, math.inf, -math.inf, math.nan, -1.0, LEAST_NORMAL, math.nextafter(math.inf, 0)])
    _checked([float(number * number) for number in range(10_000)])
    _checked([])


def test_a_worse_guess_costs_steps_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three ulps off to either side, and the roots are the same."""
    numbers = np.random.default_rng(2).uniform(1, 4, 20_000)
    torch_root = torch.sqrt
    for error in (-3, -1, 1, 3):
        monkeypatch.setattr(torch, "sqrt", lambda x, error=error: torch_root(x) + error * 2.0**-52)
        assert wide_root(torch.from_numpy(numbers)).tolist() == np.sqrt(numbers).tolist()
