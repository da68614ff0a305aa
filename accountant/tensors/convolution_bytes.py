"""The exact sums of convolutions of int8: columns of bytes, gathered for a block of images, times a matrix of bytes."""

from collections.abc import Iterator

import torch

from accountant.tensors.geometry import Piece, Windows
from accountant.tensors.ieee import Values, canonical_, narrowed
from accountant.tensors.machine import at_once
from accountant.tensors.products import Bytes, byte_integers, byte_unit, integer_product, scaled_into
from accountant.tensors.windows import Padded, covered, meets_image, set_apart

_BLOCK_BYTES = 1 << 22  # of gathered columns
_ROUNDED = 1 << 16  # elements rounded at once


def _columns(
    values: Values, scale: torch.Tensor, windows: Windows, groups: int
) -> Iterator[tuple[slice, Piece, list[torch.Tensor]]]:
    """Images, rounded, as matrices of bytes [channel × window element, image × window], one for each group.

    A block of images at once, or pieces of an image.
    """
    images, channels = values.shape[:2]
    per_group = channels // groups
    terms = per_group * windows.area
    block_bytes = at_once(_BLOCK_BYTES, values.device)
    block = max(1, min(images, block_bytes // (terms * groups * windows.count)))
    most = windows.count if block > 1 else max(1, block_bytes // (terms * groups))
    step = max(1, at_once(_ROUNDED, values.device) // (channels * windows.size[0] * windows.size[1]))
    room = Padded(block, channels, windows, torch.empty(0, dtype=torch.int8, device=values.device))
    for begin in range(0, images, block):
        size = min(block, images - begin)
        for first in range(0, size, step):
            last = min(first + step, size)
            own = scale[begin + first : begin + last] if scale.dim() else scale
            room.inner[first:last].copy_(byte_integers(values[begin + first : begin + last], own))
        for piece in windows.pieces(most):
            top, bottom, left, right = piece
            gathered = []
            for group in range(groups):
                view = room.all_columns(size, group * per_group, (group + 1) * per_group)
                gathered.append(view[:, :, :, :, top:bottom, left:right].reshape(terms, -1))
            yield slice(begin, begin + size), piece, gathered


def forward_bytes(values: Values, magnitudes: torch.Tensor, weight: Bytes, windows: Windows, groups: int) -> Values:
    """[N, C, H, W] with the largest magnitude of each image, weight [O, C ÷ groups, kh, kw] → [N, O, oh, ow]."""
    images = values.shape[0]
    outputs = weight.integers.shape[0]
    kernels = weight.integers.reshape(groups, outputs // groups, -1)
    own_unit, scale = byte_unit(magnitudes)
    unit = (own_unit * weight.unit).view(images, 1, 1, 1)
    result = torch.empty(images, outputs, *windows.out, dtype=torch.float32, device=unit.device)
    for chosen, (top, bottom, left, right), gathered in _columns(values, scale, windows, groups):
        part = result[chosen, :, top:bottom, left:right]
        for group, columns in enumerate(gathered):
            sums = integer_product(kernels[group], columns)
            sums = sums.view(-1, part.shape[0], bottom - top, right - left).transpose(0, 1)
            scaled_into(part[:, group * kernels.shape[1] : (group + 1) * kernels.shape[1]], sums, unit[chosen])
        canonical_(part)
    return result


def input_bytes(gradient: Values, magnitudes: torch.Tensor, weight: Bytes, windows: Windows, groups: int) -> Values:
    """The gradient of the input: a convolution of g, set apart by zeros where the stride is more than 1."""
    if windows.stride != (1, 1):
        apart, over = set_apart(gradient, windows)
        inside = covered(windows, gradient.device)
        return torch.where(inside, input_bytes(apart, magnitudes, weight, over, groups), 0.0)
    outputs, per_group = weight.integers.shape[:2]
    split = weight.integers.view(groups, outputs // groups, per_group, *windows.kernel)
    turned = split.flip(3, 4).transpose(1, 2).reshape(groups * per_group, outputs // groups, *windows.kernel)
    back = (windows.kernel[0] - 1 - windows.padding[0], windows.kernel[1] - 1 - windows.padding[1])
    over = Windows(windows.out, windows.kernel, (1, 1), back, windows.size)
    return forward_bytes(gradient, magnitudes, Bytes(turned.contiguous(), weight.unit), over, groups)


def weight_bytes(
    operands: tuple[Values, Values], magnitudes: tuple[torch.Tensor, torch.Tensor], windows: Windows, groups: int
) -> Values:
    """The gradient of the weight, [O, C ÷ groups, kh, kw], from x and g and the largest magnitude of all of each."""
    values, gradient = operands
    (unit_x, scale_x), (unit_g, scale_g) = (byte_unit(magnitude) for magnitude in magnitudes)
    outputs = gradient.shape[1]
    per_output, per_group = outputs // groups, values.shape[1] // groups
    total = torch.zeros(groups, per_output, per_group * windows.area, dtype=torch.float64, device=values.device)
    for chosen, (top, bottom, left, right), gathered in _columns(values, scale_x, windows, groups):
        slopes = byte_integers(gradient[chosen, :, top:bottom, left:right], scale_g).to(torch.int8)
        slopes = slopes.transpose(0, 1).reshape(groups, per_output, -1)
        for group, columns in enumerate(gathered):
            total[group].add_(integer_product(slopes[group], columns.mT))
    sums = (total * (unit_x * unit_g)).view(outputs, per_group, *windows.kernel)
    return narrowed(torch.where(meets_image(windows, sums.device), sums, 0.0))
