"""Convolutions, one kernel place after the other: integers have no order."""

from collections.abc import Iterator

import numpy as np

from tests.support.numpy_twin.arithmetic import add
from tests.support.numpy_twin.shaping import reshape
from tests.support.numpy_twin.sums import Precision, closed, rounded
from tests.support.numpy_twin.tape import recorded
from tests.support.numpy_twin.values import Singles, Tensor

Pair = tuple[int, int]


def pair(size: int | Pair) -> Pair:
    return (size, size) if isinstance(size, int) else size


def outputs(size: Pair, kernel: Pair, stride: Pair, padding: Pair) -> Pair:
    """How many windows fit, by axis."""
    counts = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(size, kernel, stride, padding, strict=True)]
    return (counts[0], counts[1])


def _inside(size: int, out: int, at: int, stride: int, padding: int) -> tuple[slice, slice]:
    places = [i for i in range(out) if 0 <= i * stride + at - padding < size]
    if not places:
        return slice(0, 0), slice(0, 0)
    first, last = places[0], places[-1]
    begin = first * stride + at - padding
    return slice(first, last + 1), slice(begin, begin + (last - first) * stride + 1, stride)


def taps(
    size: Pair, kernel: Pair, stride: Pair, padding: Pair
) -> Iterator[tuple[int, int, tuple[slice, slice], tuple[slice, slice]]]:
    """Each place of the kernel in row-major order: which windows see the image there, and where in the image."""
    out = outputs(size, kernel, stride, padding)
    for di in range(kernel[0]):
        rows, image_rows = _inside(size[0], out[0], di, stride[0], padding[0])
        for dj in range(kernel[1]):
            columns, image_columns = _inside(size[1], out[1], dj, stride[1], padding[1])
            yield di, dj, (rows, columns), (image_rows, image_columns)


def conv2d(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    groups: int = 1,
    precision: Precision = Precision.EXACT20,
) -> Tensor:
    y = _convolved(tensor, weight, pair(stride), pair(padding), groups, precision.value)
    return y if bias is None else add(y, reshape(bias, [1, bias.shape[0], 1, 1]))


def _convolved(tensor: Tensor, weight: Tensor, stride: Pair, padding: Pair, groups: int, bits: int) -> Tensor:
    n, _, height, width = tensor.shape
    o, part, kh, kw = weight.shape
    size, kernel = (height, width), (kh, kw)
    out = outputs(size, kernel, stride, padding)
    tap = list(taps(size, kernel, stride, padding))
    filters = o // groups
    w = rounded(weight.values, (0, 1, 2, 3), bits)
    wq = w.q.reshape(groups, filters, part, kh, kw)

    x = rounded(tensor.values, (1, 2, 3), bits)
    xq = x.q.reshape(n, groups, part, height, width)
    total = np.zeros((n, groups, filters, *out), dtype=np.int64)
    terms = np.zeros(out, dtype=bool)
    for di, dj, at, image in tap:
        total[..., at[0], at[1]] += np.einsum("ngcij,gfc->ngfij", xq[..., image[0], image[1]], wq[..., di, dj])
        terms[at] |= part > 0
    y = closed(total.reshape(n, o, *out), x.unit + w.unit, x.void | w.void, terms)

    def backward(g: Singles) -> list[Singles]:
        by_image = rounded(g, (1, 2, 3), bits)
        gq = by_image.q.reshape(n, groups, filters, *out)
        to_x = np.zeros((n, groups, part, height, width), dtype=np.int64)
        reached = np.zeros((height, width), dtype=bool)
        for di, dj, at, image in tap:
            to_x[..., image[0], image[1]] += np.einsum("ngfij,gfc->ngcij", gq[..., at[0], at[1]], wq[..., di, dj])
            reached[image] |= filters > 0
        first = closed(to_x.reshape(tensor.shape), by_image.unit + w.unit, by_image.void | w.void, reached)

        whole_x, whole_g = rounded(tensor.values, (0, 1, 2, 3), bits), rounded(g, (0, 1, 2, 3), bits)
        xs = whole_x.q.reshape(n, groups, part, height, width)
        gs = whole_g.q.reshape(n, groups, filters, *out)
        to_w = np.zeros((groups, filters, part, kh, kw), dtype=np.int64)
        used = np.zeros((kh, kw), dtype=bool)
        for di, dj, at, image in tap:
            seen, slope = xs[..., image[0], image[1]], gs[..., at[0], at[1]]
            to_w[..., di, dj] = np.einsum("ngfij,ngcij->gfc", slope, seen)
            used[di, dj] = n > 0 and slope.shape[-1] > 0 and slope.shape[-2] > 0
        unit, void = (whole_x.unit + whole_g.unit), (whole_x.void | whole_g.void)
        return [first, closed(to_w.reshape(weight.shape), unit, void, used)]

    return recorded(y, [tensor, weight], backward)


def conv1d(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    precision: Precision = Precision.EXACT20,
) -> Tensor:
    n, c, length = tensor.shape
    o, part, k = weight.shape
    y = conv2d(
        reshape(tensor, [n, c, 1, length]),
        reshape(weight, [o, part, 1, k]),
        bias,
        stride=(1, stride),
        padding=(0, padding),
        groups=groups,
        precision=precision,
    )
    return reshape(y, [n, o, y.shape[3]])
