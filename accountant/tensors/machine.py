"""Which of this machine's matrix products are exact on integers, proved on worst cases before the first use.

Nothing that torch or a library can be told changes what is used here. Binary64 products have no reduced precision;
binary32 products run on integers of at most 127 in magnitude, which bfloat16 and TF32 hold without loss; int8 products
are tried on operands that would saturate 16-bit intermediates. Should any of it fail, nothing is computed at all.
"""

from functools import lru_cache

import torch

from accountant.tensors.errors import InexactMachine

WIDE_TERMS = 2**13
"""Products of two 20-bit integers that binary64 sums exactly: 20 + 20 + 13 = 53."""
SINGLE_TERMS = 2**10
"""Products of two 7-bit integers that binary32 sums exactly: 7 + 7 + 10 = 24."""
BYTE_TERMS = 2**17
"""Products of two 7-bit integers that int32 sums exactly: 7 + 7 + 17 = 31, and 127 is below 2^7."""


def _equal(product: torch.Tensor, expected: int) -> bool:
    return bool((product.to(torch.int64) == expected).all())


def _wide_is_exact(device: torch.device) -> bool:
    largest, odd = 2.0**20, 2.0**20 - 1
    left = torch.full((17, WIDE_TERMS), odd, dtype=torch.float64, device=device)
    right = torch.full((WIDE_TERMS, 9), largest - 1, dtype=torch.float64, device=device)
    return _equal(left @ right, WIDE_TERMS * (2**20 - 1) ** 2)


def _single_is_exact(device: torch.device) -> bool:
    left = torch.full((33, SINGLE_TERMS), 127.0, dtype=torch.float32, device=device)
    right = torch.full((SINGLE_TERMS, 17), -127.0, dtype=torch.float32, device=device)
    return _equal(left @ right, -SINGLE_TERMS * 127**2)


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
    if not _wide_is_exact(device) or not _single_is_exact(device):
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
