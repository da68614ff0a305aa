"""Which of this machine's matrix products are exact on integers, proved on worst cases before the first use.

Nothing that torch or a library can be told changes what is used here. Binary64 products have no reduced precision;
binary32 products run on integers of at most 127 in magnitude, which bfloat16 and TF32 hold without loss; int8 products
are tried on operands that would saturate 16-bit intermediates. Should any of it fail, nothing is computed at all.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch

from accountant.tensors.errors import InexactMachine, NoDevice

WIDE_TERMS = 2**13
"""Products of two 20-bit integers that binary64 sums exactly: 20 + 20 + 13 = 53."""
SINGLE_TERMS = 2**10
"""Products of two 7-bit integers that binary32 sums exactly: 7 + 7 + 10 = 24."""
BYTE_TERMS = 2**17
"""Products of two 7-bit integers that int32 sums exactly: 7 + 7 + 17 = 31, and 127 is below 2^7."""


_NAMES = re.compile(r"cpu|cuda(?::([0-9]{1,3}))?")
_MANY = 1 << 26
"""Elements that a device with much memory, and much to do before it is quick, works on at once."""

_chosen = torch.device("cpu")


def choose(name: str) -> None:
    """Make tensors on this device from now on, in this whole process. No result depends on it.

    `NoDevice` where there is none of this name, `InexactMachine` where its products are not exact.
    """
    global _chosen
    match = _NAMES.fullmatch(name)
    if match is None or (name != "cpu" and not int(match[1] or 0) < torch.cuda.device_count()):
        raise NoDevice(f"no device {name[:20]} on this machine, which has {torch.cuda.device_count()} GPUs")
    device = torch.device(name)
    require_exact(device)
    _chosen = device


def chosen() -> torch.device:
    """Where tensors are made. Operators compute where their operands are."""
    return _chosen


def at_once(elements: int, device: torch.device) -> int:
    """How many elements to work on at once: what stays in a processor's cache, or on another device far more."""
    return elements if device.type == "cpu" else max(elements, _MANY)


def _equal(product: torch.Tensor, expected: int) -> bool:
    return bool((product.to(torch.int64) == expected).all())


def _mixed(rows: int, columns: int, most: int) -> torch.Tensor:
    """Integers of all sizes up to the largest, in no order, as int64."""
    return (torch.arange(rows * columns) * 2654435761 % (2 * most + 1) - most).reshape(rows, columns)


def _multiplies(left: torch.Tensor, right: torch.Tensor, dtype: torch.dtype, device: torch.device) -> bool:
    """Whether a product of integers of this type is the one of int64."""
    found = left.to(device, dtype) @ right.to(device, dtype)
    return bool((found.cpu().to(torch.int64) == left @ right).all())


@contextmanager
def _shorter(allowed: bool) -> Iterator[None]:
    """Whether a GPU may round binary32 operands to TF32 meanwhile."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _wide_is_exact(device: torch.device) -> bool:
    largest, odd = 2.0**20, 2.0**20 - 1
    left = torch.full((17, WIDE_TERMS), odd, dtype=torch.float64, device=device)
    right = torch.full((WIDE_TERMS, 9), largest - 1, dtype=torch.float64, device=device)
    mixed = _mixed(17, WIDE_TERMS, 2**20), _mixed(WIDE_TERMS, 9, 2**20)
    return _equal(left @ right, WIDE_TERMS * (2**20 - 1) ** 2) and _multiplies(*mixed, torch.float64, device)


def _single_is_exact(device: torch.device) -> bool:
    left = torch.full((33, SINGLE_TERMS), 127.0, dtype=torch.float32, device=device)
    right = torch.full((SINGLE_TERMS, 17), -127.0, dtype=torch.float32, device=device)
    mixed = _mixed(33, SINGLE_TERMS, 127), _mixed(SINGLE_TERMS, 17, 127)
    return _equal(left @ right, -SINGLE_TERMS * 127**2) and _multiplies(*mixed, torch.float32, device)


def _bytes_are_exact(device: torch.device) -> bool:
    if (
        device.type != "cpu"
        or not torch._C._has_mkldnn
        or not (torch.cpu._is_vnni_supported() or torch.cpu._is_amx_tile_supported())
    ):
        return False
    for rows, terms, columns in ((2, 3, 2), (33, 1023, 17), (64, 576, 300)):
        for first, second in ((127, 127), (-127, 127), (127, -127), (-127, -127)):
            left = torch.full((rows, terms), first, dtype=torch.int8, device=device)
            right = torch.full((terms, columns), second, dtype=torch.int8, device=device)
            for turned in (right, right.mT.contiguous().mT):
                if not _equal(torch._int_mm(left, turned), terms * first * second):
                    return False
    return True


@lru_cache(maxsize=16)
def _checked(device: torch.device) -> bool:
    exact = _wide_is_exact(device)
    if device.type == "cuda":
        for allowed in (False, True):
            with _shorter(allowed):
                exact = exact and _single_is_exact(device)
    else:
        exact = exact and _single_is_exact(device)
    if not exact:
        raise InexactMachine(f"sums of integer products on {device} are not exact")
    return _bytes_are_exact(device)


def require_exact(device: torch.device) -> None:
    """`InexactMachine` where products on this device are not what `docs/numerics.md` says."""
    _checked(device)


def byte_products(device: torch.device) -> bool:
    """Whether products of int8 are exact and fast here. Without oneDNN they would be a plain loop."""
    return _checked(device) and bool(torch.backends.mkldnn.enabled)


def lacks_memory(error: RuntimeError) -> bool:
    """Whether an operation failed because this machine has no memory for it."""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)
