"""Largest values and means over windows of images, with gradients."""

import torch

from accountant.tensors.errors import InvalidShape
from accountant.tensors.geometry import Pair, Windows, windows_of
from accountant.tensors.ieee import Values, narrowed, over, scalar
from accountant.tensors.rounding import SUM_BITS, on_grid
from accountant.tensors.shapes import check_terms, element_count
from accountant.tensors.tape import recorded
from accountant.tensors.values import Tensor

PLANE = (2, 3)


def _geometry(tensor: Tensor, kernel: int | Pair, stride: int | Pair | None, padding: int | Pair) -> Windows:
    if len(tensor.shape) != 4:
        raise InvalidShape(f"pooling over {tensor.shape}: four dimensions are needed")
    sizes = [kernel, kernel if stride is None else stride, padding]
    pairs = [(size, size) if isinstance(size, int) else size for size in sizes]
    windows = windows_of((tensor.shape[2], tensor.shape[3]), pairs[0], pairs[1], pairs[2])
    check_terms(windows.area)
    element_count((*tensor.shape[:2], *windows.out))
    element_count((*tensor.shape[:2], *windows.padded))
    return windows


def _pads_itself(windows: Windows) -> bool:
    """Whether torch's pooling takes the padding: it refuses more than half of a window."""
    return all(2 * border <= width for border, width in zip(windows.padding, windows.kernel, strict=True))


def _bordered(images: torch.Tensor, windows: Windows, fill: float) -> torch.Tensor:
    height, width = windows.padding
    return torch.nn.functional.pad(images, (width, width, height, height), value=fill)


def _first_largest(x: Values, windows: Windows) -> tuple[Values, torch.Tensor]:
    """The largest value of each window and its place y × W + x; the first of equals, and NaN above all numbers."""
    pool, kernel, stride = torch.nn.functional.max_pool2d_with_indices, windows.kernel, windows.stride
    if _pads_itself(windows) and not bool(torch.isnan(x.amax() if x.numel() else x.new_zeros(()))):
        return pool(x, kernel, stride, windows.padding)
    # torch takes the last NaN of a window. Of equal infinities, above all numbers, the first is taken. Nor may the
    # image's own -infinities equal padding. Every window meets the image, so padding, lowest, is never chosen.
    wide = x.to(torch.float64).clamp(-(2.0**200), 2.0**200)
    ranked = torch.where(torch.isnan(x), torch.inf, wide)
    if _pads_itself(windows):
        _, places = pool(ranked, kernel, stride, windows.padding)
    else:
        _, places = pool(_bordered(ranked, windows, -torch.inf), kernel, stride)
        width = windows.padded[1]
        row, column = places // width - windows.padding[0], places % width - windows.padding[1]
        places = row * windows.size[1] + column
    return x.flatten(2).gather(2, places.flatten(2)).view(places.shape), places


def max_pool2d(
    tensor: Tensor, kernel: int | Pair, *, stride: int | Pair | None = None, padding: int | Pair = 0
) -> Tensor:
    """The largest value of each window; padding is never chosen. The stride is the window's size unless given.

    The gradient goes to the first of equals in row-major order. Where windows overlap it is the exact sum, each image's
    channel being a group of rounding.
    """
    windows = _geometry(tensor, kernel, stride, padding)
    x = tensor.values
    if x.shape[0] * x.shape[1] == 0:
        shape = (*tensor.shape[:2], *windows.out)
        return recorded(x.new_zeros(shape), (tensor,), lambda g: (x.new_zeros(tensor.shape),))
    result, places = _first_largest(x, windows)
    apart = all(step >= width for step, width in zip(windows.stride, windows.kernel, strict=True))

    def backward(g: Values) -> tuple[Values]:
        flat = places.flatten(2)
        if apart:
            spread = torch.zeros(x.shape, dtype=torch.float32, device=g.device)
            spread.view(*x.shape[:2], -1).scatter_(2, flat, g.flatten(2))
            return (spread,)
        grid = on_grid(g, PLANE, SUM_BITS)
        wide = torch.zeros(*x.shape[:2], windows.size[0] * windows.size[1], dtype=torch.float64, device=g.device)
        return (narrowed(wide.scatter_add_(2, flat, grid.wide.flatten(2))).view(x.shape),)

    return recorded(result, (tensor,), backward)


def mean_pool2d(
    tensor: Tensor, kernel: int | Pair, *, stride: int | Pair | None = None, padding: int | Pair = 0
) -> Tensor:
    """The exact sum of each window, rounded, ÷ the window's size; padding counts as zeros.

    Each image's channel is a group of rounding, also in the gradient: the exact sum of g ÷ size over windows.
    """
    windows = _geometry(tensor, kernel, stride, padding)
    x = tensor.values
    if x.numel() == 0:
        shape = (*tensor.shape[:2], *windows.out)
        return recorded(x.new_zeros(shape), (tensor,), lambda g: (x.new_zeros(tensor.shape),))
    size = scalar(float(windows.area), x)
    rounded = on_grid(x, PLANE, SUM_BITS).wide
    padding = windows.padding
    if not _pads_itself(windows):
        rounded, padding = _bordered(rounded, windows, 0.0), (0, 0)
    wide = torch.nn.functional.avg_pool2d(rounded, windows.kernel, windows.stride, padding, divisor_override=1)

    def backward(g: Values) -> tuple[Values]:
        grid = on_grid(over(g, size), PLANE, SUM_BITS)
        columns = grid.wide.reshape(-1, 1, windows.count).expand(-1, windows.area, -1)
        spread = torch.nn.functional.fold(
            columns, windows.size, windows.kernel, padding=windows.padding, stride=windows.stride
        )
        return (narrowed(spread).view(x.shape),)

    return recorded(over(narrowed(wide), size), (tensor,), backward)
