"""Torch's operations that bits rest on, next to NumPy's, as JSON: `python -m tests.support.ieee_operations`.

Run in processes with other processors' instructions. Each count says for how many numbers the two differ.
"""

import json
import sys
from typing import Any

import numpy as np
import torch

from accountant.tensors.ieee import canonical_, root
from accountant.tensors.roots import wide_root

Array = np.ndarray[Any, Any]
Pairs = dict[str, tuple[torch.Tensor, Array]]


def _words(rng: np.random.Generator, count: int, dtype: type[np.floating[Any]]) -> Array:
    """Half of them any words at all, half between 1 and 4, in random order."""
    size = np.dtype(dtype).itemsize
    wild = np.frombuffer(rng.bytes(count // 2 * size), dtype)
    return rng.permutation(np.concatenate([wild, rng.uniform(1, 4, count - count // 2).astype(dtype)]))


def _of_type(rng: np.random.Generator, count: int, dtype: type[np.floating[Any]]) -> Pairs:
    a, b = _words(rng, count, dtype), _words(rng, count, dtype)
    x, y = torch.from_numpy(a), torch.from_numpy(b)
    halves = (rng.integers(-4000, 4000, count) / 2).astype(dtype)
    return {
        "add": (x + y, a + b),
        "subtract": (x - y, a - b),
        "multiply": (x * y, a * b),
        "divide": (x / y, a / b),
        "divide, strided": (x[::2] / y[1::2], a[::2] / b[1::2]),
        "divide by a number": (x / x.new_tensor(3.0), a / dtype(3.0)),
        "multiply and add": (x.clone().mul_(y).add_(0.7), a * b + dtype(0.7)),
        "round": (torch.from_numpy(halves).clone().round_(), np.rint(halves)),
    }


def _conversions(rng: np.random.Generator, count: int) -> Pairs:
    single = _words(rng, count, np.float32)
    above = np.nextafter(single, np.float32(np.inf)).astype(np.float64)
    middles = (single.astype(np.float64) + above) / 2
    around = [middles, np.nextafter(middles, np.inf), np.nextafter(middles, -np.inf)]
    small = np.ldexp(rng.uniform(-1, 1, count), rng.integers(-155, -120, count))
    wide = np.concatenate([*around, small, _words(rng, count, np.float64)])
    integers = rng.integers(-(2**62), 2**62, count) >> rng.integers(0, 62, count)
    bounded = np.ldexp(rng.uniform(-1, 1, count), rng.integers(0, 62, count))
    return {
        "binary64 to binary32": (torch.from_numpy(wide).to(torch.float32), wide.astype(np.float32)),
        "binary32 to binary64": (torch.from_numpy(single).to(torch.float64), single.astype(np.float64)),
        "integers to binary64": (torch.from_numpy(integers).to(torch.float64), integers.astype(np.float64)),
        "integers to binary32": (torch.from_numpy(integers).to(torch.float32), integers.astype(np.float32)),
        "binary64 to integers": (torch.from_numpy(bounded).to(torch.int64), bounded.astype(np.int64)),
    }


def _roots(rng: np.random.Generator, count: int) -> Pairs:
    wide = np.concatenate([_words(rng, count, np.float64), [0.0, np.inf, -np.inf, np.nan]])
    wide = wide[(np.abs(wide) >= 2.0**-1022) | (wide == 0.0) | np.isnan(wide)]
    single = canonical_(torch.from_numpy(_words(rng, count, np.float32)))
    return {
        "root of binary64": (wide_root(torch.from_numpy(wide)), np.sqrt(wide)),
        "root of binary32": (root(single), np.sqrt(single.numpy())),
    }


def _differing(ours: torch.Tensor, theirs: Array) -> int:
    found = ours.numpy()
    assert found.dtype == theirs.dtype
    same = (found == theirs) & (np.signbit(found) == np.signbit(theirs)) | (found != found) & (theirs != theirs)
    return int((~same).sum())


def differences(count: int) -> dict[str, int]:
    """For how many of about so many numbers an operation is not IEEE's."""
    rng = np.random.default_rng(7)
    with np.errstate(all="ignore"):
        pairs = {f"{name}, binary64": pair for name, pair in _of_type(rng, count, np.float64).items()}
        pairs |= {f"{name}, binary32": pair for name, pair in _of_type(rng, count, np.float32).items()}
        pairs |= _conversions(rng, count) | _roots(rng, count)
        return {name: _differing(*pair) for name, pair in pairs.items()}


if __name__ == "__main__":
    print(json.dumps(differences(int(sys.argv[1])), indent=1))
