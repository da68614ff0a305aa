"""Tensors: immutable arrays of canonical binary32 values, and of indices.

`Tensor` holds what networks compute with; `Indices` holds labels, positions and lengths as int64. Both are dense,
in row-major order.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import torch

from accountant.tensors.errors import InvalidTensor
from accountant.tensors.ieee import Values, narrowed
from accountant.tensors.machine import chosen
from accountant.tensors.products import Rounded
from accountant.tensors.shapes import Shape, element_count

BYTES_PER_VALUE: Final = 4
BYTES_PER_INDEX: Final = 8
_NAN_BITS = 0x7FC00000


class Tensor:
    """Immutable. `rounded` keeps what operands of products were rounded to, for the next use of the same tensor."""

    __slots__ = ("node", "rounded", "values")

    def __init__(self, values: Values, *, node: object = None, rounded: dict[tuple[int, ...], Rounded] | None = None):
        """`values` are canonical, contiguous, and nobody writes to them any more."""
        self.values = values
        self.node = node
        self.rounded: dict[tuple[int, ...], Rounded] = {} if rounded is None else rounded

    @classmethod
    def of(cls, numbers: Iterable[float], shape: Sequence[int]) -> "Tensor":
        """Numbers in row-major order, each rounded to binary32 and made canonical."""
        count = element_count(shape)
        wide = torch.tensor(list(numbers), dtype=torch.float64, device=chosen())
        if wide.numel() != count:
            raise InvalidTensor(f"{wide.numel()} numbers for the {count} elements of {tuple(shape)}")
        return cls(narrowed(wide).reshape(tuple(shape)))

    @classmethod
    def full(cls, shape: Sequence[int], number: float) -> "Tensor":
        """The same number everywhere."""
        element_count(shape)
        return cls(narrowed(torch.full(tuple(shape), number, dtype=torch.float64, device=chosen())))

    @classmethod
    def from_bytes(cls, data: bytes | memoryview, shape: Sequence[int]) -> "Tensor":
        """Little-endian binary32 in row-major order, made canonical."""
        count = element_count(shape)
        if len(data) != count * BYTES_PER_VALUE:
            raise InvalidTensor(f"{len(data)} bytes for the {count} elements of {tuple(shape)}")
        if count == 0:
            return cls(torch.zeros(tuple(shape), dtype=torch.float32, device=chosen()))
        # Flushed as integers: a processor that reads subnormals as zero must not be asked about them.
        bits = torch.frombuffer(bytearray(data), dtype=torch.int32)
        small = (bits & 0x7FFFFFFF) <= 0x00800000
        words = torch.where(small, torch.zeros_like(bits), bits).to(chosen())
        return cls(words.view(torch.float32).reshape(tuple(shape)))

    def to_bytes(self) -> bytes:
        """Little-endian binary32 in row-major order; every NaN is 0x7fc00000. Equal tensors have equal bytes."""
        values = self.values.cpu().contiguous()
        bits = values.view(torch.int32)
        canonical = torch.where(torch.isnan(values), torch.full_like(bits, _NAN_BITS), bits)
        return canonical.numpy().astype("<i4").tobytes()

    @property
    def shape(self) -> Shape:
        """Sizes from the outermost dimension to the innermost."""
        return tuple(self.values.shape)

    @property
    def count(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    def numbers(self) -> list[float]:
        """All values in row-major order."""
        return [float(value) for value in self.values.reshape(-1).tolist()]

    def plain(self) -> "Tensor":
        """The same values, which no gradient flows through."""
        return Tensor(self.values, rounded=self.rounded)


class Indices:
    """Immutable int64 values: labels, positions, lengths."""

    __slots__ = ("values",)

    def __init__(self, values: torch.Tensor) -> None:
        assert values.dtype == torch.int64
        self.values = values

    @classmethod
    def of(cls, numbers: Iterable[int], shape: Sequence[int]) -> "Indices":
        """Integers in row-major order."""
        count = element_count(shape)
        listed = list(numbers)
        if len(listed) != count:
            raise InvalidTensor(f"{len(listed)} numbers for the {count} elements of {tuple(shape)}")
        if any(not -(2**63) <= number < 2**63 for number in listed):
            raise InvalidTensor("an index must be an integer of 64 bits")
        return cls(torch.tensor(listed, dtype=torch.int64, device=chosen()).reshape(tuple(shape)))

    @classmethod
    def of_tensor(cls, tensor: Tensor) -> "Indices":
        """A tensor's values, which must be whole numbers of less than 64 bits."""
        values = tensor.values
        if not bool(((values == values.floor()) & (values.abs() < 2.0**63)).all()):
            raise InvalidTensor("a value that is no whole number of less than 64 bits, where indices are needed")
        return cls(values.to(torch.int64))

    @classmethod
    def from_bytes(cls, data: bytes | memoryview, shape: Sequence[int]) -> "Indices":
        """Little-endian int64 in row-major order."""
        count = element_count(shape)
        if len(data) != count * BYTES_PER_INDEX:
            raise InvalidTensor(f"{len(data)} bytes for the {count} indices of {tuple(shape)}")
        if count == 0:
            return cls(torch.zeros(tuple(shape), dtype=torch.int64, device=chosen()))
        return cls(torch.frombuffer(bytearray(data), dtype=torch.int64).to(chosen()).reshape(tuple(shape)))

    def to_bytes(self) -> bytes:
        """Little-endian int64 in row-major order."""
        return self.values.cpu().contiguous().numpy().astype("<i8").tobytes()

    @property
    def shape(self) -> Shape:
        """Sizes from the outermost dimension to the innermost."""
        return tuple(self.values.shape)

    @property
    def count(self) -> int:
        """How many there are."""
        return math.prod(self.shape)

    def numbers(self) -> list[int]:
        """All values in row-major order."""
        return [int(value) for value in self.values.reshape(-1).tolist()]
