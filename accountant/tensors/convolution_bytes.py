"""The exact sums of convolutions of int8: columns of bytes, gathered for a block of images, times a matrix of bytes."""

from collections.abc import Iterator

import torch

from accountant.tensors.ieee import Values, canonical_, narrowed
from accountant.tensors.products import Bytes, integer_product, rounded
from accountant.tensors.rounding import Precision
from accountant.tensors.windows import Padded, Windows, covered, meets_image

_BLOCK_BYTES = 1 << 22  # of gathered columns
IMAGE = (1, 2, 3)
ALL = (0, 1, 2, 3)


def _columns(integers: torch.Tensor, windows: Windows, groups: int) -> Iterator[tuple[int, int, list[torch.Tensor]]]:
    """Blocks of images as one matrix of bytes [channel × window element, image × window] for each group."""
    images, channels = integers.shape[:2]
    per_group = channels // groups
    terms = per_group * windows.area
    block = max(1, min(images, _BLOCK_BYTES // max(1, terms * groups * windows.count)))
    room = Padded(block, channels, windows, integers)
    for begin in range(0, images, block):
        end = min(begin + block, images)
        room.inner[: end - begin].copy_(integers[begin:end])
        gathered = []
        for group in range(groups):
            columns = integers.new_empty(per_group, *windows.kernel, end - begin, *windows.out)
            for image in range(end - begin):
                columns[:, :, :, image].copy_(room.columns(image, group * per_group, (group + 1) * per_group))
            gathered.append(columns.view(terms, -1))
        yield begin, end, gathered


def forward_bytes(values: Values, weight: Bytes, windows: Windows, groups: int) -> Values:
    """[N, C, H, W], rounded for each image, weight [O, C ÷ groups, kh, kw] → [N, O, oh, ow]."""
    x = rounded(values, IMAGE, Precision.EXACT8)
    assert isinstance(x, Bytes)
    return _forward(x, weight, windows, groups)


def _forward(x: Bytes, weight: Bytes, windows: Windows, groups: int) -> Values:
    images = x.integers.shape[0]
    outputs = weight.integers.shape[0]
    kernels = weight.integers.reshape(groups, outputs // groups, -1)
    unit = (x.unit * weight.unit).view(images, 1, 1, 1)
    result = torch.empty(images, outputs, *windows.out, dtype=torch.float32, device=unit.device)
    for begin, end, gathered in _columns(x.integers, windows, groups):
        for group, columns in enumerate(gathered):
            sums = integer_product(kernels[group], columns).view(-1, end - begin, *windows.out).transpose(0, 1)
            rows = slice(group * kernels.shape[1], (group + 1) * kernels.shape[1])
            result[begin:end, rows].copy_(sums.to(torch.float64).mul_(unit[begin:end]))
        canonical_(result[begin:end])
    return result


def input_bytes(gradient: Values, weight: Bytes, windows: Windows, groups: int) -> Values:
    """The gradient of the input: a convolution of g, set apart by zeros where the stride is more than 1."""
    g = rounded(gradient, IMAGE, Precision.EXACT8)
    assert isinstance(g, Bytes)
    outputs, per_group = weight.integers.shape[:2]
    split = weight.integers.view(groups, outputs // groups, per_group, *windows.kernel)
    turned = split.flip(3, 4).transpose(1, 2).reshape(groups * per_group, outputs // groups, *windows.kernel)
    back = (windows.kernel[0] - 1 - windows.padding[0], windows.kernel[1] - 1 - windows.padding[1])
    # The image that stride 1 would have needed: g with stride - 1 zeros between its elements, and what is left over.
    full = (windows.padded[0] - windows.kernel[0] + 1, windows.padded[1] - windows.kernel[1] + 1)
    integers = g.integers
    if windows.stride != (1, 1):
        integers = integers.new_zeros(*integers.shape[:2], *full)
        integers[:, :, :: windows.stride[0], :: windows.stride[1]] = g.integers
    over = Windows(full, windows.kernel, (1, 1), back, windows.size)
    result = _forward(Bytes(integers, g.unit), Bytes(turned.contiguous(), weight.unit), over, groups)
    if windows.stride == (1, 1):
        return result
    return torch.where(covered(windows, result.device), result, 0.0)


def weight_bytes(values: Values, gradient: Values, windows: Windows, groups: int) -> Values:
    """The gradient of the weight, [O, C ÷ groups, kh, kw]."""
    x, g = rounded(values, ALL, Precision.EXACT8), rounded(gradient, ALL, Precision.EXACT8)
    assert isinstance(x, Bytes) and isinstance(g, Bytes)
    outputs = gradient.shape[1]
    per_output, per_group = outputs // groups, values.shape[1] // groups
    total = torch.zeros(groups, per_output, per_group * windows.area, dtype=torch.float64, device=values.device)
    for begin, end, gathered in _columns(x.integers, windows, groups):
        slopes = g.integers[begin:end].transpose(0, 1).reshape(groups, per_output, -1)
        for group, columns in enumerate(gathered):
            total[group].add_(integer_product(slopes[group], columns.mT))
    sums = (total * (x.unit * g.unit).view(1, 1, 1)).view(outputs, per_group, *windows.kernel)
    return narrowed(torch.where(meets_image(windows, sums.device), sums, 0.0))
