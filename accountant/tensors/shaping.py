"""Operators that move values and change none: reshape, transpose, expand, slice, join, pad."""

import math
from collections.abc import Sequence

import torch

from accountant.tensors.arithmetic import unbroadcast
from accountant.tensors.errors import InvalidIndex, InvalidShape
from accountant.tensors.ieee import Values
from accountant.tensors.shapes import axis_of, broadcast, element_count
from accountant.tensors.tape import recorded
from accountant.tensors.values import Tensor


def reshape(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    """The same values in row-major order under another shape of as many elements."""
    before = tensor.shape
    if element_count(shape) != tensor.count:
        raise InvalidShape(f"{before} has {tensor.count} elements, {tuple(shape)} another number")
    return recorded(tensor.values.reshape(tuple(shape)), (tensor,), lambda g: (g.reshape(before),))


def transpose(tensor: Tensor, order: Sequence[int]) -> Tensor:
    """Axis i of the result is axis order[i] of the tensor."""
    rank = len(tensor.shape)
    axes = [axis_of(axis, rank) for axis in order]
    if sorted(axes) != list(range(rank)):
        raise InvalidIndex(f"{tuple(order)} does not name each of {rank} axes once")
    inverse = [axes.index(axis) for axis in range(rank)]
    return recorded(tensor.values.permute(axes).contiguous(), (tensor,), lambda g: (g.permute(inverse).contiguous(),))


def expand(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    """Repeated along axes of size 1 and new leading axes. The gradient is the exact sum over them."""
    before = tensor.shape
    if broadcast(before, tuple(shape)) != tuple(shape):
        raise InvalidShape(f"{before} does not stretch to {tuple(shape)}")
    return recorded(tensor.values.expand(tuple(shape)).contiguous(), (tensor,), lambda g: (unbroadcast(g, before),))


def slice_of(tensor: Tensor, axis: int, begin: int, end: int) -> Tensor:
    """Elements [begin, end) along an axis. The gradient is zero elsewhere."""
    chosen = axis_of(axis, len(tensor.shape))
    shape = tensor.shape
    if not 0 <= begin <= end <= shape[chosen]:
        raise InvalidIndex(f"[{begin}, {end}) of an axis of {shape[chosen]}")

    def backward(g: Values) -> tuple[Values]:
        spread = torch.zeros(shape, dtype=torch.float32, device=g.device)
        spread.narrow(chosen, begin, end - begin).copy_(g)
        return (spread,)

    return recorded(tensor.values.narrow(chosen, begin, end - begin).contiguous(), (tensor,), backward)


def join(tensors: Sequence[Tensor], axis: int) -> Tensor:
    """One after the other along an axis; all other sizes are equal."""
    if not tensors:
        raise InvalidShape("nothing to join")
    first = tensors[0].shape
    chosen = axis_of(axis, len(first))
    for tensor in tensors:
        if len(tensor.shape) != len(first) or any(
            size != other for at, (size, other) in enumerate(zip(tensor.shape, first, strict=True)) if at != chosen
        ):
            raise InvalidShape(f"{tensor.shape} does not join {first} along axis {chosen}")
    sizes = [tensor.shape[chosen] for tensor in tensors]
    element_count((*first[:chosen], sum(sizes), *first[chosen + 1 :]))
    return recorded(
        torch.cat([tensor.values for tensor in tensors], dim=chosen),
        tensors,
        lambda g: [part.contiguous() for part in torch.split(g, sizes, dim=chosen)],
    )


def pad(tensor: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Zeros before and after along an axis."""
    chosen = axis_of(axis, len(tensor.shape))
    if before < 0 or after < 0:
        raise InvalidShape("padding below zero")
    size = tensor.shape[chosen]
    shape = (*tensor.shape[:chosen], before + size + after, *tensor.shape[chosen + 1 :])
    assert element_count(shape) == math.prod(shape)
    result = torch.zeros(shape, dtype=torch.float32, device=tensor.values.device)
    result.narrow(chosen, before, size).copy_(tensor.values)
    return recorded(result, (tensor,), lambda g: (g.narrow(chosen, before, size).contiguous(),))
