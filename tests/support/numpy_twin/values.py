"""Canonical binary32 values, the operations on them and the tensors that hold them ("Values" of docs/numerics.md)."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Truths = NDArray[np.bool_]

FLUSHED = np.float32(2.0**-126)
ignoring = np.errstate(all="ignore")


@ignoring
def canonical(values: Any) -> Singles:
    """+0 where |x| <= 2^-126, one NaN, else x."""
    x = np.asarray(values, dtype=np.float32)
    x = np.where(np.abs(x) <= FLUSHED, np.float32(0), x)
    return np.asarray(np.where(np.isnan(x), np.float32(np.nan), x), dtype=np.float32)


@ignoring
def narrow(wide: Any) -> Singles:
    """Binary64 rounded once to binary32, made canonical."""
    return canonical(np.asarray(wide, dtype=np.float64).astype(np.float32))


def s32(number: float) -> Singles:
    """A setting as a tensor of no dimensions."""
    return narrow(float(number))


@ignoring
def plus(a: Singles, b: Singles) -> Singles:
    """A + b of binary32."""
    return canonical(a + b)


@ignoring
def minus(a: Singles, b: Singles) -> Singles:
    """A - b of binary32."""
    return canonical(a - b)


@ignoring
def times(a: Singles, b: Singles) -> Singles:
    """A x b of binary32."""
    return canonical(a * b)


@ignoring
def over(a: Singles, b: Singles) -> Singles:
    """A / b of binary32."""
    return canonical(a / b)


@ignoring
def root(a: Singles) -> Singles:
    """The square root of binary32."""
    return canonical(np.sqrt(a))


def opposite(a: Singles) -> Singles:
    """-x, which is 0 - x."""
    return minus(np.float32(0) * np.ones_like(a), a)


class Tensor:
    """Canonical values, and the node that made them where the tape runs."""

    def __init__(self, values: Singles, node: Any = None) -> None:
        self.values = canonical(values)
        self.node = node

    @classmethod
    def of(cls, numbers: Iterable[float], shape: Sequence[int]) -> "Tensor":
        """Numbers from outside."""
        return cls(narrow(list(numbers)).reshape(shape))

    @classmethod
    def full(cls, shape: Sequence[int], number: float) -> "Tensor":
        """One number everywhere."""
        return cls(np.broadcast_to(s32(number), tuple(shape)))

    @classmethod
    def from_bytes(cls, data: bytes, shape: Sequence[int]) -> "Tensor":
        """Little-endian binary32."""
        return cls(np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(shape))

    def to_bytes(self) -> bytes:
        """Little-endian binary32, NaN as 0x7fc00000."""
        words = np.where(np.isnan(self.values), np.uint32(0x7FC00000), self.values.view(np.uint32))
        return words.astype("<u4").tobytes()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def plain(self) -> "Tensor":
        """The values without the tape."""
        return Tensor(self.values)


class Indices:
    """Integers of 64 bits."""

    def __init__(self, values: Integers) -> None:
        self.values = values

    @classmethod
    def of(cls, numbers: Iterable[int], shape: Sequence[int]) -> "Indices":
        """Integers from outside."""
        return cls(np.array(list(numbers), dtype=np.int64).reshape(shape))

    def numbers(self) -> list[int]:
        """All of them in row-major order."""
        return [int(number) for number in self.values.ravel()]
