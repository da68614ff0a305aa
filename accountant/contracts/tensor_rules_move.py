"""Rules of what moves, makes and trains: gathering, shapes, random numbers, files, steps of optimisers."""

import math

from accountant.contracts.tensor_rule import Attribute, Made, Rule, Shapes, integer, list_of, one
from accountant.tensors.errors import InvalidIndex, InvalidShape, InvalidTensor
from accountant.tensors.shapes import Shape, axis_of, broadcast, element_count


def _embedding(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    table, indices = one(shapes), one(shapes, 1)
    if len(table) != 2:
        raise InvalidShape(f"a table of {table}; two dimensions are needed")
    shape = (*indices, table[1])
    return Made((shape,), element_count(shape), 0)


def _alike(shape: Shape, other: Shape, axis: int) -> None:
    if len(shape) != len(other) or shape[:axis] + shape[axis + 1 :] != other[:axis] + other[axis + 1 :]:
        raise InvalidShape(f"indices of {other} for {shape} along axis {axis}")


def _take(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    tensor, indices = one(shapes), one(shapes, 1)
    axis = axis_of(integer(attributes, 0), len(tensor))
    if len(indices) != 1:
        raise InvalidShape(f"indices of {indices}; one dimension is possible")
    shape = (*tensor[:axis], indices[0], *tensor[axis + 1 :])
    return Made((shape,), element_count(shape), 0)


def _gather(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    tensor, indices = one(shapes), one(shapes, 1)
    _alike(tensor, indices, axis_of(integer(attributes, 0), len(tensor)))
    return Made((indices,), math.prod(indices), 0)


def _scatter_add(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    tensor, indices, source = (one(shapes, at) for at in range(3))
    _alike(tensor, indices, axis_of(integer(attributes, 0), len(tensor)))
    if indices != source:
        raise InvalidShape(f"indices of {indices} for a source of {source}")
    return Made((tensor,), math.prod(tensor) + math.prod(source), 2 * math.prod(source) + 3 * math.prod(tensor))


def _one_hot(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    shape = (*one(shapes), integer(attributes, 0))
    return Made((shape,), element_count(shape), 0)


def _reshape(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    before, shape = one(shapes), list_of(attributes, 0)
    if element_count(shape) != math.prod(before):
        raise InvalidShape(f"{before} has {math.prod(before)} elements, {shape} another number")
    return Made((shape,), 0)


def _expand(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    before, shape = one(shapes), list_of(attributes, 0)
    element_count(shape)
    if broadcast(before, shape) != shape:
        raise InvalidShape(f"{before} does not stretch to {shape}")
    return Made((shape,), math.prod(shape))


def _transpose(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    before, order = one(shapes), list_of(attributes, 0)
    axes = [axis_of(axis, len(before)) for axis in order]
    if sorted(axes) != list(range(len(before))):
        raise InvalidIndex(f"{order} does not name each of {len(before)} axes once")
    return Made((tuple(before[axis] for axis in axes),), math.prod(before))


def _slice(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    before = one(shapes)
    axis = axis_of(integer(attributes, 0), len(before))
    begin, end = integer(attributes, 1), integer(attributes, 2)
    if not 0 <= begin <= end <= before[axis]:
        raise InvalidIndex(f"[{begin}, {end}) of an axis of {before[axis]}")
    shape = (*before[:axis], end - begin, *before[axis + 1 :])
    return Made((shape,), math.prod(shape))


def _join(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    if not shapes:
        raise InvalidShape("nothing to join")
    parts = [one(shapes, at) for at in range(len(shapes))]
    first = parts[0]
    axis = axis_of(integer(attributes, 0), len(first))
    rest = (first[:axis], first[axis + 1 :])
    for part in parts:
        if len(part) != len(first) or (part[:axis], part[axis + 1 :]) != rest:
            raise InvalidShape(f"{part} does not join {first} along axis {axis}")
    shape = (*first[:axis], sum(part[axis] for part in parts), *first[axis + 1 :])
    return Made((shape,), element_count(shape))


def _pad(shapes: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    before = one(shapes)
    axis = axis_of(integer(attributes, 0), len(before))
    least, most = integer(attributes, 1), integer(attributes, 2)
    if least < 0 or most < 0:
        raise InvalidShape("padding below zero")
    shape = (*before[:axis], least + before[axis] + most, *before[axis + 1 :])
    return Made((shape,), element_count(shape))


def _drawn(_: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    shape = list_of(attributes, 2)
    return Made((shape,), element_count(shape), 8 * element_count(shape) + 65_536)


def _permutation(_: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    count = integer(attributes, 2)
    element_count((2 * count,))
    return Made(((count,),), count * count.bit_length(), 16 * count + 65_536, indices=True)


def _dropout(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    shape = one(shapes)
    return Made((shape,), math.prod(shape), 8 * math.prod(shape) + 65_536)


def _full(_: Shapes, attributes: tuple[Attribute, ...]) -> Made:
    shape = list_of(attributes, 0)
    return Made((shape,), element_count(shape), element_count(shape))


def _of_ints(indices: bool) -> Rule:
    def rule(_: Shapes, attributes: tuple[Attribute, ...]) -> Made:
        shape, width = list_of(attributes, 0), integer(attributes, 1)
        if width not in (1, 2, 4, 8):
            raise InvalidTensor(f"integers of {width} bytes; 1, 2, 4 and 8 are possible")
        return Made((shape,), element_count(shape), 2 * element_count(shape), indices=indices)

    return rule


def _as_indices(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    shape = one(shapes)
    return Made((shape,), math.prod(shape), 2 * math.prod(shape), indices=True)


def _each(passes: int) -> Rule:
    """A list of tensors, element by element: clipping and steps of optimisers give as many as they take."""

    def rule(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
        parts = tuple(one(shapes, at) for at in range(len(shapes)))
        count = sum(math.prod(part) for part in parts)
        return Made(parts, passes * count, 2 * count)

    return rule


def _step(copies: int) -> Rule:
    """A step: the state (`copies` tensors for each weight) and a gradient for each weight → a new state."""

    def rule(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
        parts = [one(shapes, at) for at in range(len(shapes))]
        weights = len(parts) // (copies + 1)
        groups = [parts[at * weights : (at + 1) * weights] for at in range(copies + 1)]
        if len(parts) % (copies + 1) or any(group != groups[0] for group in groups):
            raise InvalidShape("weights, gradients and what the optimiser remembers must have the same shapes")
        count = sum(math.prod(part) for part in groups[0])
        return Made(tuple(part for group in groups[:copies] for part in group), count, 4 * count)

    return rule


def _start(copies: int) -> Rule:
    def rule(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
        parts = tuple(one(shapes, at) for at in range(len(shapes)))
        return Made(parts * copies, sum(math.prod(part) for part in parts), 0)

    return rule


def _file(shapes: Shapes, _: tuple[Attribute, ...]) -> Made:
    """A file read or written and hashed: the shapes are those of the tensors in it."""
    parts = tuple(one(shapes, at) for at in range(len(shapes)))
    count = sum(math.prod(part) for part in parts)
    return Made(parts, count, count)


RULES: dict[str, Rule] = {
    "embedding": _embedding,
    "take": _take,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "one_hot": _one_hot,
    "reshape": _reshape,
    "expand": _expand,
    "transpose": _transpose,
    "slice": _slice,
    "join": _join,
    "pad": _pad,
    "uniform": _drawn,
    "normal": _drawn,
    "init": _drawn,
    "permutation": _permutation,
    "dropout": _dropout,
    "full": _full,
    "of_ints": _of_ints(indices=False),
    "indices_of_ints": _of_ints(indices=True),
    "indices": _as_indices,
    "clip": _each(2),
    "sgd_start": _start(2),
    "sgd": _step(2),
    "adam_start": _start(3),
    "adam": _step(3),
    "load": _file,
    "save": _file,
}
