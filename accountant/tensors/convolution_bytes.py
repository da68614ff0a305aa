"""The exact sums of convolutions of int8: columns of bytes, gathered for a block of images, times a matrix of bytes."""

from collections.abc import Iterator

import torch

from accountant.tensors.ieee import Values, canonical_, narrowed
from accountant.tensors.products import Bytes, byte_integers, byte_unit, integer_product, scaled_into
from accountant.tensors.windows import Padded, Windows, covered, meets_image

_BLOCK_BYTES = 1 << 22  # of gathered columns


def _columns(
    values: Values, scale: torch.Tensor, windows: Windows, groups: int
) -> Iterator[tuple[int, int, list[torch.Tensor]]]:
    """Blocks of images, rounded, as one matrix of bytes [channel × window element, image × window] for each group."""
    images, channels = values.shape[:2]
    per_group = channels // groups
    terms = per_group * windows.area
    block = max(1, min(images, _BLOCK_BYTES // max(1, terms * groups * windows.count)))
    room = Padded(block, channels, windows, torch.empty(0, dtype=torch.int8, device=values.device))
    shape = (per_group, *windows.kernel, block, *windows.out)
    gathered = [torch.empty(shape, dtype=torch.int8, device=values.device) for _ in range(groups)]
    for begin in range(0, images, block):
        end = min(begin + block, images)
        if end - begin < block:
            gathered = [each[:, :, :, : end - begin].contiguous() for each in gathered]
        for image in range(end - begin):
            at = begin + image
            room.inner[image].copy_(byte_integers(values[at], scale[at] if scale.dim() else scale))
            for group in range(groups):
                view = room.columns(image, group * per_group, (group + 1) * per_group)
                gathered[group][:, :, :, image].copy_(view)
        yield begin, end, [each.view(terms, -1) for each in gathered]


def forward_bytes(values: Values, magnitudes: torch.Tensor, weight: Bytes, windows: Windows, groups: int) -> Values:
    """[N, C, H, W] with the largest magnitude of each image, weight [O, C ÷ groups, kh, kw] → [N, O, oh, ow]."""
    images = values.shape[0]
    outputs = weight.integers.shape[0]
    kernels = weight.integers.reshape(groups, outputs // groups, -1)
    own_unit, scale = byte_unit(magnitudes)
    unit = (own_unit * weight.unit).view(images, 1, 1, 1)
    result = torch.empty(images, outputs, *windows.out, dtype=torch.float32, device=unit.device)
    for begin, end, gathered in _columns(values, scale, windows, groups):
        for group, columns in enumerate(gathered):
            sums = integer_product(kernels[group], columns).view(-1, end - begin, *windows.out).transpose(0, 1)
            rows = slice(group * kernels.shape[1], (group + 1) * kernels.shape[1])
            scaled_into(result[begin:end, rows], sums, unit[begin:end])
        canonical_(result[begin:end])
    return result


def input_bytes(gradient: Values, magnitudes: torch.Tensor, weight: Bytes, windows: Windows, groups: int) -> Values:
    """The gradient of the input: a convolution of g, set apart by zeros where the stride is more than 1."""
    outputs, per_group = weight.integers.shape[:2]
    split = weight.integers.view(groups, outputs // groups, per_group, *windows.kernel)
    turned = split.flip(3, 4).transpose(1, 2).reshape(groups * per_group, outputs // groups, *windows.kernel)
    back = (windows.kernel[0] - 1 - windows.padding[0], windows.kernel[1] - 1 - windows.padding[1])
    # The image that stride 1 would have needed: g with stride - 1 zeros between its elements, and what is left over.
    full = (windows.padded[0] - windows.kernel[0] + 1, windows.padded[1] - windows.kernel[1] + 1)
    over = Windows(full, windows.kernel, (1, 1), back, windows.size)
    kernel = Bytes(turned.contiguous(), weight.unit)
    if windows.stride == (1, 1):
        return forward_bytes(gradient, magnitudes, kernel, over, groups)
    apart = gradient.new_zeros(*gradient.shape[:2], *full)
    apart[:, :, :: windows.stride[0], :: windows.stride[1]] = gradient
    result = forward_bytes(apart, magnitudes, kernel, over, groups)
    return torch.where(covered(windows, result.device), result, 0.0)


def weight_bytes(
    operands: tuple[Values, Values], magnitudes: tuple[torch.Tensor, torch.Tensor], windows: Windows, groups: int
) -> Values:
    """The gradient of the weight, [O, C ÷ groups, kh, kw], from x and g and the largest magnitude of all of each."""
    values, gradient = operands
    (unit_x, scale_x), (unit_g, scale_g) = (byte_unit(magnitude) for magnitude in magnitudes)
    outputs = gradient.shape[1]
    per_output, per_group = outputs // groups, values.shape[1] // groups
    total = torch.zeros(groups, per_output, per_group * windows.area, dtype=torch.float64, device=values.device)
    for begin, end, gathered in _columns(values, scale_x, windows, groups):
        slopes = byte_integers(gradient[begin:end], scale_g).to(torch.int8)
        slopes = slopes.transpose(0, 1).reshape(groups, per_output, -1)
        for group, columns in enumerate(gathered):
            total[group].add_(integer_product(slopes[group], columns.mT))
    sums = (total * (unit_x * unit_g)).view(outputs, per_group, *windows.kernel)
    return narrowed(torch.where(meets_image(windows, sums.device), sums, 0.0))
