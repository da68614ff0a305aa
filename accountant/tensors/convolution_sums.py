"""The exact sums of convolutions, in blocks of images that stay in the processor's cache.

`forward_sums` also gives the gradient of the input where the stride is 1. With shifted views no columns are gathered;
small images, few channels and strides take the other way. Both sum the same integers.
"""

from collections.abc import Iterator

import torch

from accountant.tensors.geometry import Piece, Windows
from accountant.tensors.ieee import Values, canonical_, narrowed
from accountant.tensors.machine import WIDE_TERMS, require_exact
from accountant.tensors.products import wide_product
from accountant.tensors.rounding import Grid, anchor_of, to_grid
from accountant.tensors.sums import to_odd_wide, wide_integers
from accountant.tensors.windows import Padded, covered, meets_image, set_apart

SHIFT_CHANNELS = 16
SHIFT_WINDOWS = 512
"""From here on, shifted views were faster than gathered columns."""
MOST_GATHERED = 1 << 24
"""Elements of columns that are gathered at once."""
_BLOCK = 8  # images


def _shifts(windows: Windows, channels: int) -> bool:
    few = channels < SHIFT_CHANNELS or windows.count < SHIFT_WINDOWS
    return windows.stride == (1, 1) and not few and windows.out[1] <= WIDE_TERMS


def _blocks(images: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, images, _BLOCK):
        yield begin, min(begin + _BLOCK, images)


def _fill(room: Padded, values: Values, anchor: torch.Tensor) -> None:
    """Rounds images onto their grids while copying them between the padding."""
    inner = room.inner[: values.shape[0]]
    inner.copy_(values).add_(anchor).sub_(anchor)


def forward_sums(values: Values, unit: torch.Tensor, weight: Grid, windows: Windows, groups: int) -> Values:
    """[N, C, H, W] with a unit for each image, weight [O, C ÷ groups, kh, kw] → [N, O, oh, ow]."""
    require_exact(values.device)
    images, channels = values.shape[:2]
    outputs = weight.wide.shape[0]
    per_group, per_output = channels // groups, outputs // groups
    terms = per_group * windows.area
    result = torch.empty(images, outputs, *windows.out, dtype=torch.float32, device=values.device)
    room = Padded(min(_BLOCK, images), channels, windows, unit)
    anchor = anchor_of(unit)
    shifts = _shifts(windows, per_group) and terms <= WIDE_TERMS
    most = min(windows.count, max(1, MOST_GATHERED // terms))
    gathered = torch.empty(0 if shifts else terms * most, dtype=unit.dtype, device=unit.device)
    width = windows.padded[1] if shifts else windows.out[1]
    sums = torch.empty(outputs, windows.out[0], width, dtype=unit.dtype, device=unit.device)
    kernels = weight.wide.permute(2, 3, 0, 1).contiguous() if shifts else weight.wide.reshape(outputs, terms)
    for begin, end in _blocks(images):
        _fill(room, values[begin:end], anchor[begin:end])
        for image in range(end - begin):
            for group in range(groups):
                first, last = group * per_group, (group + 1) * per_group
                rows = slice(group * per_output, (group + 1) * per_output)
                into = sums[rows]
                if shifts:
                    _shifted_products(room, image, (first, last), kernels[:, :, rows], into.view(per_output, -1))
                    continue
                for top, bottom, left, right in windows.pieces(most):
                    view = room.columns(image, first, last)[:, :, :, top:bottom, left:right]
                    columns = gathered[: view.numel()].view(view.shape).copy_(view).view(terms, -1)
                    if terms <= WIDE_TERMS and most == windows.count:
                        torch.mm(kernels[rows], columns, out=into.view(per_output, -1))
                        continue
                    part = wide_product(
                        Grid(kernels[rows], weight.unit.view(1, 1)), Grid(columns, unit[begin + image].view(1, 1))
                    )
                    into[:, top:bottom, left:right] = part.view(per_output, bottom - top, right - left)
            result[begin + image].copy_(sums[:, :, : windows.out[1]])
        canonical_(result[begin:end])
    return result


def _shifted_products(
    room: Padded, image: int, channels: tuple[int, int], kernels: torch.Tensor, into: torch.Tensor
) -> None:
    height, width = room.windows.kernel
    torch.mm(kernels[0, 0], room.shifted(image, *channels, 0, 0), out=into)
    for place in range(1, height * width):
        dy, dx = divmod(place, width)
        into.addmm_(kernels[dy, dx], room.shifted(image, *channels, dy, dx))


def input_sums(gradient: Values, unit: torch.Tensor, weight: Grid, windows: Windows, groups: int) -> Values:
    """The gradient of the input: [N, O, oh, ow] with a unit for each image → [N, C, H, W]."""
    images = gradient.shape[0]
    outputs, per_group = weight.wide.shape[:2]
    if windows.stride == (1, 1):
        split = weight.wide.view(groups, outputs // groups, per_group, *windows.kernel)
        turned = split.flip(3, 4).transpose(1, 2).reshape(groups * per_group, outputs // groups, *windows.kernel)
        back = (windows.kernel[0] - 1 - windows.padding[0], windows.kernel[1] - 1 - windows.padding[1])
        over = Windows(windows.out, windows.kernel, (1, 1), back, windows.size)
        return forward_sums(gradient, unit, Grid(turned.contiguous(), weight.unit), over, groups)
    require_exact(gradient.device)
    inside = covered(windows, gradient.device)
    if windows.area > WIDE_TERMS or groups * per_group * windows.area * windows.count > MOST_GATHERED:
        apart, over = set_apart(gradient, windows)
        return torch.where(inside, input_sums(apart, unit, weight, over, groups), 0.0)
    parts = []
    for begin, end in _blocks(images):
        anchor = anchor_of(unit[begin:end])
        wide = to_grid(gradient[begin:end], anchor)
        spread = _spread(Grid(wide, unit[begin:end]), weight, windows, groups)
        parts.append(narrowed(torch.where(inside, spread, 0.0)))
    return torch.cat(parts)


def _spread(gradient: Grid, weight: Grid, windows: Windows, groups: int) -> torch.Tensor:
    images, outputs = gradient.wide.shape[:2]
    per_group, per_output = weight.wide.shape[1], outputs // groups
    unit = gradient.unit * weight.unit
    step = WIDE_TERMS // windows.area
    total: torch.Tensor | None = None
    for begin in range(0, per_output, step):
        g = gradient.wide.view(images, groups, per_output, -1)[:, :, begin : begin + step]
        w = weight.wide.view(groups, per_output, -1)[:, begin : begin + step]
        columns = torch.matmul(w.mT, g).reshape(images, groups * per_group * windows.area, windows.count)
        part = torch.nn.functional.fold(
            columns, windows.size, windows.kernel, padding=windows.padding, stride=windows.stride
        )
        if per_output <= step:
            return part
        total = wide_integers(part, unit) if total is None else total.add_(wide_integers(part, unit))
    assert total is not None
    return to_odd_wide(total) * unit


def weight_sums(
    values: Values, gradient: Values, units: tuple[torch.Tensor, torch.Tensor], windows: Windows, groups: int
) -> Values:
    """The gradient of the weight [O, C ÷ groups, kh, kw]. One unit for all images, and one for all gradients."""
    require_exact(values.device)
    images, channels = values.shape[:2]
    outputs = gradient.shape[1]
    per_group = channels // groups
    unit = (units[0] * units[1]).reshape(())
    room = Padded(min(_BLOCK, images), channels, windows, unit)
    shifts = _shifts(windows, per_group)
    width = windows.padded[1] if shifts else windows.out[1]
    slopes = torch.zeros(min(_BLOCK, images), outputs, windows.out[0], width, dtype=unit.dtype, device=unit.device)
    shape = (windows.area, outputs, per_group) if shifts else (outputs, per_group * windows.area)
    sums = torch.zeros(shape, dtype=unit.dtype, device=unit.device)
    total: torch.Tensor | None = None
    held = 0
    most = min(WIDE_TERMS, WIDE_TERMS if shifts else max(1, MOST_GATHERED // (per_group * windows.area)))
    for begin, end in _blocks(images):
        _fill(room, values[begin:end], anchor_of(units[0]).reshape(1, 1, 1, 1))
        anchor = anchor_of(units[1]).reshape(1, 1, 1, 1)
        slopes[: end - begin, :, :, : windows.out[1]].copy_(gradient[begin:end]).add_(anchor).sub_(anchor)
        for image in range(end - begin):
            for piece in windows.pieces(most):
                top, bottom, left, right = piece
                terms = (bottom - top) * (right - left)
                if held + terms > WIDE_TERMS:
                    part = wide_integers(sums, unit)
                    total = part if total is None else total.add_(part)
                    sums.zero_()
                    held = 0
                held += terms
                slope = slopes[image, :, top:bottom, left : width if shifts else right].reshape(outputs, -1)
                _add_products(room, image, piece, slope, sums, groups)
    if total is not None:
        sums = to_odd_wide(total.add_(wide_integers(sums, unit))) * unit
    if shifts:
        sums = sums.permute(1, 2, 0)
    sums = sums.reshape(outputs, per_group, *windows.kernel)
    return narrowed(torch.where(meets_image(windows, sums.device), sums, 0.0))


def _add_products(room: Padded, image: int, piece: Piece, slope: torch.Tensor, sums: torch.Tensor, groups: int) -> None:
    windows = room.windows
    top, bottom, left, right = piece
    per_output, per_group = slope.shape[0] // groups, room.rows.shape[1] // groups
    for group in range(groups):
        first, last = group * per_group, (group + 1) * per_group
        g = slope[group * per_output : (group + 1) * per_output]
        out = slice(group * per_output, (group + 1) * per_output)
        if sums.dim() == 3:
            width = windows.padded[1]
            span = slice(top * width, bottom * width)
            for place in range(windows.area):
                shifted = room.shifted(image, first, last, *divmod(place, windows.kernel[1]))
                sums[place, out].addmm_(g, shifted[:, span].mT)
        else:
            columns = room.columns(image, first, last)[:, :, :, top:bottom, left:right]
            sums[out].addmm_(g, columns.reshape(per_group * windows.area, -1).mT)
