"""Images resized: nearest and bilinear, one axis after the other, positions in integers."""

import torch

from accountant.tensors.arithmetic import add, multiply
from accountant.tensors.errors import InvalidShape
from accountant.tensors.gathering import take
from accountant.tensors.geometry import Pair
from accountant.tensors.ieee import narrowed
from accountant.tensors.shapes import element_count
from accountant.tensors.values import Indices, Tensor


def _check(tensor: Tensor, size: Pair) -> None:
    if len(tensor.shape) != 4 or min(*tensor.shape[2:], *size) < 1:
        raise InvalidShape(f"{tensor.shape} does not become images of {size}")
    element_count((*tensor.shape[:2], *size))
    element_count((*tensor.shape[:2], size[0], tensor.shape[3]))


def nearest(tensor: Tensor, size: Pair) -> Tensor:
    """[N, C, H, W] → [N, C, h, w]; place i of n comes from floor(i × old ÷ n)."""
    _check(tensor, size)
    result = tensor
    for axis, new in ((2, size[0]), (3, size[1])):
        old = tensor.shape[axis]
        places = torch.arange(new, dtype=torch.int64, device=tensor.values.device)
        result = take(result, axis, Indices(places * old // new))
    return result


def bilinear(tensor: Tensor, size: Pair) -> Tensor:
    """[N, C, H, W] → [N, C, h, w], rows first, then columns.

    Place i of n lies at ((2i + 1) × old - n) ÷ 2n, at least 0; between its two neighbours, of which the second is at
    most the last, the result is first × (1 - weight) + second × weight.
    """
    _check(tensor, size)
    result = tensor
    for axis, new in ((2, size[0]), (3, size[1])):
        old = tensor.shape[axis]
        places = torch.arange(new, dtype=torch.int64, device=tensor.values.device)
        numerator = ((2 * places + 1) * old - new).clamp_(min=0)
        first = numerator // (2 * new)
        rest = (numerator - first * (2 * new)).to(torch.float64)
        width = torch.full_like(rest, 2.0 * new)
        shape = (new, 1) if axis == 2 else (1, new)
        low = Tensor(narrowed((width - rest) / width).reshape(shape))
        high = Tensor(narrowed(rest / width).reshape(shape))
        result = add(
            multiply(take(result, axis, Indices(first)), low),
            multiply(take(result, axis, Indices((first + 1).clamp_(max=old - 1))), high),
        )
    return result
