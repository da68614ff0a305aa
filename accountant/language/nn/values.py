"""What networks compute with in contract Python: `Tensor`, `Indices`, and lists of tensors.

They are values of locals alone. Storage, arguments and events hold the `Cid` under which a tensor was saved.
"""

from typing import TYPE_CHECKING, TypeAlias

from accountant.language.nn.exact import exact

if TYPE_CHECKING:
    from accountant import tensors

Sizes: TypeAlias = int | tuple[int, ...]
"""Sizes or axes, as many as there are; an int is one."""
Pair: TypeAlias = int | tuple[int, int]
"""One number for each of two dimensions; an int is both."""


class Tensor:
    """Numbers (binary32) in up to 8 dimensions. Operators make new ones, and never change one."""

    __slots__ = ("exact",)

    def __init__(self, value: "tensors.Tensor") -> None:
        """`value`: what it is outside of a chain."""
        self.exact = value

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes from the outermost dimension to the innermost; in a contract only `shape[i]`."""
        return self.exact.shape

    @property
    def dims(self) -> int:
        """How many dimensions there are."""
        return len(self.exact.shape)

    def __add__(self, other: "Tensor | float") -> "Tensor":
        if isinstance(other, Tensor):
            return Tensor(exact.add(self.exact, other.exact))
        return Tensor(exact.shift(self.exact, float(other)))

    __radd__ = __add__

    def __sub__(self, other: "Tensor | float") -> "Tensor":
        if isinstance(other, Tensor):
            return Tensor(exact.subtract(self.exact, other.exact))
        return Tensor(exact.shift(self.exact, -float(other)))

    def __rsub__(self, other: float) -> "Tensor":
        return Tensor(exact.shift(exact.negative(self.exact), float(other)))

    def __mul__(self, other: "Tensor | float") -> "Tensor":
        if isinstance(other, Tensor):
            return Tensor(exact.multiply(self.exact, other.exact))
        return Tensor(exact.scale(self.exact, float(other)))

    __rmul__ = __mul__

    def __truediv__(self, other: "Tensor") -> "Tensor":
        return Tensor(exact.divide(self.exact, other.exact))

    def __matmul__(self, other: "Tensor") -> "Tensor":
        return Tensor(exact.matmul(self.exact, other.exact))

    def __neg__(self) -> "Tensor":
        return Tensor(exact.negative(self.exact))


class Indices:
    """Whole numbers (64 bits) in up to 8 dimensions: labels, positions, lengths."""

    __slots__ = ("exact",)

    def __init__(self, value: "tensors.Indices") -> None:
        """`value`: what they are outside of a chain."""
        self.exact = value


Tensors: TypeAlias = list[Tensor]
"""A list of tensors, written `[a, b]`; in a contract it never changes, and `nn.append` makes a longer one."""
