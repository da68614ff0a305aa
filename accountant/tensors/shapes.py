"""Shapes: their limits, and how two of them broadcast. All checks come before any allocation."""

import math
from collections.abc import Sequence

from accountant.tensors.errors import InvalidIndex, InvalidShape, TensorTooLarge

Shape = tuple[int, ...]

MAX_ELEMENTS = 2**31 - 1
"""Of one tensor."""
MAX_RANK = 8
MAX_TERMS = 2**22
"""Products that are summed into one output."""


def element_count(shape: Sequence[int]) -> int:
    """How many elements a shape has. `InvalidShape`, `TensorTooLarge` where no tensor may have it."""
    if len(shape) > MAX_RANK:
        raise InvalidShape(f"{len(shape)} dimensions; at most {MAX_RANK} are possible")
    if any(size < 0 for size in shape):
        raise InvalidShape(f"a size below zero in {tuple(shape)}")
    count = math.prod(shape)
    if count > MAX_ELEMENTS or any(size > MAX_ELEMENTS for size in shape):
        raise TensorTooLarge(f"{tuple(shape)} has {count} elements; at most {MAX_ELEMENTS} are possible")
    return count


def check_terms(count: int) -> None:
    """`TensorTooLarge` where one output would be the sum of too many products."""
    if count > MAX_TERMS:
        raise TensorTooLarge(f"a sum of {count} products; at most {MAX_TERMS} are possible")


def broadcast(left: Shape, right: Shape) -> Shape:
    """The common shape: aligned at the last dimension, a size of 1 stretches. `InvalidShape` where there is none."""
    longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
    padded = (1,) * (len(longer) - len(shorter)) + shorter
    sizes = []
    for first, second in zip(longer, padded, strict=True):
        if first != second and 1 not in (first, second):
            raise InvalidShape(f"{left} and {right} have no common shape")
        sizes.append(second if first == 1 else first)
    result = tuple(sizes)
    element_count(result)
    return result


def stretched_axes(shape: Shape, result: Shape) -> tuple[int, ...]:
    """The axes of `result` along which `shape` was repeated."""
    missing = len(result) - len(shape)
    return tuple(
        axis for axis in range(len(result)) if axis < missing or (shape[axis - missing] == 1 and result[axis] != 1)
    )


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front; -1 is the last. `InvalidIndex` outside."""
    if not -rank <= axis < rank:
        raise InvalidIndex(f"axis {axis} of a tensor of {rank} dimensions")
    return axis % rank


def axes_of(axes: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Distinct axes in rising order; `None` is all of them."""
    if axes is None:
        return tuple(range(rank))
    chosen = sorted(axis_of(axis, rank) for axis in ((axes,) if isinstance(axes, int) else axes))
    if len(set(chosen)) != len(chosen):
        raise InvalidIndex(f"an axis twice in {tuple(chosen)}")
    return tuple(chosen)
