"""What networks compute with in contract Python: `Tensor`, `Indices`, and lists of tensors.

They are values of locals alone. Storage, arguments and events hold the `Cid` under which a tensor was saved.
"""

import itertools
from bisect import bisect_right
from typing import TYPE_CHECKING, TypeAlias

from accountant.language.nn.exact import exact
from accountant.primitives.errors import AccountantError

if TYPE_CHECKING:
    from accountant import tensors

Sizes: TypeAlias = int | tuple[int, ...]
"""Sizes or axes, as many as there are; an int is one."""
Pair: TypeAlias = int | tuple[int, int]
"""One number for each of two dimensions; an int is both."""


_numbers = itertools.count()
_freed: list[range] = []
"""Numbers of what was let go of, in rising order."""


class Released(AccountantError):
    """A tensor, or indices, that `nn.release` has let go of."""

    code = "released"


def next_number() -> int:
    """The number of the next tensor or indices to be made."""
    return next(_numbers)


def let_go(since: int) -> None:
    """Of all that was made from this number on."""
    now = next(_numbers)
    while _freed and _freed[-1].start >= since:
        _freed.pop()
    _freed.append(range(since, now))


def _check_kept(number: int) -> None:
    """Raises `Released`."""
    at = bisect_right(_freed, number, key=lambda freed: freed.start)
    if at and number in _freed[at - 1]:
        raise Released("nn.release has let go of this: hand it over among what is kept")


class Tensor:
    """Numbers (binary32) in up to 8 dimensions. Operators make new ones, and never change one."""

    __slots__ = ("_number", "_value")

    def __init__(self, value: "tensors.Tensor") -> None:
        """`value`: what it is outside of a chain."""
        self._value = value
        self._number = next_number()

    @property
    def exact(self) -> "tensors.Tensor":
        """What it is outside of a chain. Raises `Released`."""
        _check_kept(self._number)
        return self._value

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

    __slots__ = ("_number", "_value")

    def __init__(self, value: "tensors.Indices") -> None:
        """`value`: what they are outside of a chain."""
        self._value = value
        self._number = next_number()

    @property
    def exact(self) -> "tensors.Indices":
        """What they are outside of a chain. Raises `Released`."""
        _check_kept(self._number)
        return self._value


Tensors: TypeAlias = list[Tensor]
"""A list of tensors, written `[a, b]`; in a contract it never changes, and `nn.append` makes a longer one."""
