"""What a rule about an operation on tensors is given and says: shapes, attributes, results."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from accountant.tensors.errors import InvalidShape, InvalidTensor
from accountant.tensors.shapes import Shape

Attribute = int | tuple[int, ...]
Shapes = Sequence[Shape | None]

_PRECISIONS = {20: "", 8: "8"}


class Made(NamedTuple):
    """What a rule says: shapes of results, operations, elements of scratch, and what the kind's name ends in."""

    results: tuple[Shape, ...]
    flops: int
    scratch: int = 0
    precision: str = ""
    indices: bool = False
    """Whether the results are indices."""


Rule = Callable[[Shapes, tuple[Attribute, ...]], Made]


def one(shapes: Shapes, at: int = 0) -> Shape:
    """The shape of an operand. `InvalidShape` if it is left out."""
    shape = shapes[at]
    if shape is None:
        raise InvalidShape("a tensor is missing")
    return shape


def integer(attributes: tuple[Attribute, ...], at: int) -> int:
    """An integer or boolean attribute."""
    value = attributes[at]
    assert isinstance(value, int)
    return value


def list_of(attributes: tuple[Attribute, ...], at: int) -> tuple[int, ...]:
    """A list of integers."""
    value = attributes[at]
    assert isinstance(value, tuple)
    return value


def pair(attributes: tuple[Attribute, ...], at: int) -> tuple[int, int]:
    """A list of two integers: rows and columns. `InvalidShape`."""
    value = list_of(attributes, at)
    if len(value) != 2:
        raise InvalidShape(f"{len(value)} sizes where rows and columns are wanted")
    return value[0], value[1]


def precision_of(attributes: tuple[Attribute, ...], at: int) -> str:
    """What a kind's name ends in for a precision of 20 or 8 bits. `InvalidTensor`."""
    precision = integer(attributes, at)
    if precision not in _PRECISIONS:
        raise InvalidTensor(f"a precision of {precision} bits; 20 and 8 are possible")
    return _PRECISIONS[precision]
