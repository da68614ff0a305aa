"""Integers in bytes as tensors and as indices. Nothing is rounded."""

import struct
from collections.abc import Sequence

import torch

from accountant.tensors.errors import InvalidTensor
from accountant.tensors.values import Indices, Tensor

_FORMATS = {1: "b", 2: "h", 4: "i", 8: "q"}


def indices_of_integers(data: bytes, shape: Sequence[int], width: int) -> Indices:
    """Big-endian signed integers of 1, 2, 4 or 8 bytes, in row-major order; as many as the shape has elements."""
    numbers = struct.unpack(f">{len(data) // width}{_FORMATS[width]}", data)
    return Indices(torch.tensor(numbers, dtype=torch.int64).reshape(tuple(shape)))


def tensor_of_integers(data: bytes, shape: Sequence[int], width: int) -> Tensor:
    """The same as values. `InvalidTensor` where binary32 does not hold one."""
    numbers = indices_of_integers(data, shape, width).values
    values = numbers.to(torch.float32)
    if not _same(values, numbers):
        raise InvalidTensor("an integer that binary32 does not hold")
    return Tensor(values)


def _same(values: torch.Tensor, numbers: torch.Tensor) -> bool:
    """What is no integer of 64 bits is not converted: machines do that differently."""
    inside = (values >= -(2.0**63)) & (values < 2.0**63)
    return bool((inside & (torch.where(inside, values, 0.0).to(torch.int64) == numbers)).all())
