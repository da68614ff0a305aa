"""Operators that move values; their gradients move them back."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tests.support.numpy_twin.tape import recorded, unstretched
from tests.support.numpy_twin.values import Singles, Tensor


def reshape(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    return recorded(tensor.values.reshape(tuple(shape)), [tensor], lambda g: [g.reshape(tensor.shape)])


def transpose(tensor: Tensor, order: Sequence[int]) -> Tensor:
    back = tuple(int(axis) for axis in np.argsort([axis % len(tensor.shape) for axis in order]))
    return recorded(tensor.values.transpose(tuple(order)), [tensor], lambda g: [g.transpose(back)])


def expand(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    values = np.broadcast_to(tensor.values, tuple(shape))
    return recorded(values, [tensor], lambda g: [unstretched(g, tensor.shape)])


def _part(rank: int, axis: int, begin: int, end: int) -> tuple[slice, ...]:
    whole = [slice(None)] * rank
    whole[axis] = slice(begin, end)
    return tuple(whole)


def slice_of(tensor: Tensor, axis: int, begin: int, end: int) -> Tensor:
    part = _part(len(tensor.shape), axis, begin, end)

    def backward(g: Singles) -> list[Singles]:
        whole = np.zeros_like(tensor.values)
        whole[part] = g
        return [whole]

    return recorded(tensor.values[part], [tensor], backward)


def join(tensors: Sequence[Tensor], axis: int) -> Tensor:
    ends = np.cumsum([0] + [tensor.shape[axis] for tensor in tensors])
    rank = len(tensors[0].shape)

    def backward(g: Singles) -> list[Singles]:
        return [g[_part(rank, axis, int(a), int(b))] for a, b in pairwise(ends)]

    return recorded(np.concatenate([tensor.values for tensor in tensors], axis=axis), list(tensors), backward)


def pad(tensor: Tensor, axis: int, before: int, after: int) -> Tensor:
    widths = [(0, 0)] * len(tensor.shape)
    widths[axis] = (before, after)
    part = _part(len(tensor.shape), axis, before, before + tensor.shape[axis])
    return recorded(np.pad(tensor.values, widths), [tensor], lambda g: [g[part]])
