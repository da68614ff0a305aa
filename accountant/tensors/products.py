"""Matrix products, exact: rounded operands, every sum without error, one rounding at the end.

Which unit of the processor computes the sums is chosen for speed alone: integers have one sum.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from accountant.tensors.ieee import Values, canonical_, narrowed
from accountant.tensors.machine import BYTE_TERMS, SINGLE_TERMS, WIDE_TERMS, at_once, byte_products, require_exact
from accountant.tensors.rounding import (
    Grid,
    Precision,
    anchor_of,
    group_exponents,
    largest,
    on_grid,
    power_of_two,
    unit_of,
)
from accountant.tensors.shapes import check_terms
from accountant.tensors.sums import to_odd_wide, wide_integers

BYTE_LIMIT = 127.0
_ROWS = 512


class Bytes(NamedTuple):
    """Values rounded to int8 for one use; `unit` is 2^(e - 7) for each group in binary64, NaN where void."""

    integers: torch.Tensor
    unit: torch.Tensor


Rounded = Grid | Bytes
_Multiply = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def rounded(values: Values, axes: Sequence[int], precision: Precision) -> Rounded:
    """Rounds an operand, one group along the given axes."""
    if precision is Precision.EXACT20:
        return on_grid(values, axes, precision)
    magnitudes = largest(values, axes)
    unit, scale = byte_unit(magnitudes)
    return Bytes(byte_integers(values, scale).to(torch.int8), unit)


def byte_unit(magnitudes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The unit of each group in binary64, and 1 ÷ unit in binary32, a number where the group is void too."""
    scale = power_of_two(Precision.EXACT8 - group_exponents(magnitudes)).to(torch.float32)
    return unit_of(magnitudes, Precision.EXACT8), scale


def byte_integers(values: Values, scale: torch.Tensor) -> torch.Tensor:
    """What values are rounded to, in binary32. In a void group it means nothing."""
    return torch.mul(values, scale).round_().clamp_(-BYTE_LIMIT, BYTE_LIMIT)


def scaled_into(result: Values, integers: torch.Tensor, unit: torch.Tensor) -> None:
    """Exact integers × unit, rounded once, into part of a result that is then to be made canonical."""
    usual = (unit >= 2.0**-126) & (unit <= 2.0**127) | torch.isnan(unit)
    if integers.dtype != torch.float64 and bool(usual.all()):
        # Rounding integers to 24 bits is the one rounding: a product with a power of two is exact, or overflows, or is
        # so small that it is flushed.
        result.copy_(integers).mul_(unit.to(torch.float32))
    else:
        result.copy_(integers.to(torch.float64).mul_(unit))


def transposed(operand: Rounded) -> Rounded:
    """The last two dimensions exchanged."""
    if isinstance(operand, Grid):
        return Grid(operand.wide.mT, operand.unit.mT)
    return Bytes(operand.integers.mT, operand.unit.mT)


def product(left: Rounded, right: Rounded) -> Values:
    """[…, M, K] × […, K, N] of operands rounded to the same precision."""
    if isinstance(left, Grid) and isinstance(right, Grid):
        return narrowed(wide_product(left, right))
    assert isinstance(left, Bytes) and isinstance(right, Bytes)
    integers = integer_product(left.integers, right.integers)
    result = torch.empty(integers.shape, dtype=torch.float32, device=integers.device)
    scaled_into(result, integers, left.unit * right.unit)
    return canonical_(result)


def row_product(left: Values, right: Rounded, precision: Precision) -> Values:
    """[M, K] × [K, N] with rows of the left as groups. It is rounded in pieces: large tensors take long to allocate."""
    most = at_once(_ROWS * left.shape[-1], left.device) // left.shape[-1]
    if isinstance(right, Bytes) or left.dim() != 2 or left.shape[0] <= most or left.shape[1] > WIDE_TERMS:
        return product(rounded(left, (-1,), precision), right)
    require_exact(left.device)
    anchor = anchor_of(unit_of(largest(left, (-1,)), precision))
    result = torch.empty(left.shape[0], right.wide.shape[1], dtype=torch.float32, device=left.device)
    room = torch.empty(most, left.shape[1], dtype=torch.float64, device=left.device)
    sums = torch.empty(most, right.wide.shape[1], dtype=torch.float64, device=left.device)
    for begin in range(0, left.shape[0], most):
        count = min(most, left.shape[0] - begin)
        rows = slice(begin, begin + count)
        room[:count].copy_(left[rows]).add_(anchor[rows]).sub_(anchor[rows])
        result[rows].copy_(torch.mm(room[:count], right.wide, out=sums[:count]))
        canonical_(result[rows])
    return result


def wide_product(left: Grid, right: Grid) -> torch.Tensor:
    """The product in binary64, fit to be narrowed once."""
    terms = left.wide.shape[-1]
    check_terms(terms)
    require_exact(left.wide.device)
    if terms <= WIDE_TERMS:
        return torch.matmul(left.wide, right.wide)
    unit = left.unit * right.unit
    total: torch.Tensor | None = None
    for begin in range(0, terms, WIDE_TERMS):
        end = begin + WIDE_TERMS
        part = wide_integers(torch.matmul(left.wide[..., begin:end], right.wide[..., begin:end, :]), unit)
        total = part if total is None else total.add_(part)
    assert total is not None
    return to_odd_wide(total) * unit


def integer_product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """int8 matrices multiplied: exact integers as int32, binary32 or binary64, whichever was fastest."""
    terms = left.shape[-1]
    check_terms(terms)
    require_exact(left.device)
    if left.dim() == 2 and right.dim() == 2 and min(*left.shape, *right.shape) > 1 and byte_products(left.device):
        return _in_pieces(left, right, BYTE_TERMS, _byte_product)
    return _in_pieces(left.to(torch.float32), right.to(torch.float32), SINGLE_TERMS, torch.matmul)


def _byte_product(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """int8 matrices multiplied into int32.

    torch._int_mm reads elsewhere where a size is 1 and its stride is not the usual one: such matrices never come here,
    and others come dense, row by row or column by column.
    """
    return torch._int_mm(*(matrix if matrix.mT.is_contiguous() else matrix.contiguous() for matrix in (left, right)))


def _in_pieces(left: torch.Tensor, right: torch.Tensor, most: int, multiply: _Multiply) -> torch.Tensor:
    terms = left.shape[-1]
    if terms <= most:
        return multiply(left, right)
    total: torch.Tensor | None = None
    for begin in range(0, terms, most):
        part = multiply(left[..., begin : begin + most], right[..., begin : begin + most, :])
        total = part.to(torch.float64) if total is None else total.add_(part)
    assert total is not None
    return total
