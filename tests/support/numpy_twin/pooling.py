"""Pooling and interpolation."""

import numpy as np

from tests.support.numpy_twin.arithmetic import add, multiply
from tests.support.numpy_twin.convolution import Pair, outputs, pair, taps
from tests.support.numpy_twin.gathering import take
from tests.support.numpy_twin.sums import PLAIN_BITS, closed, rounded
from tests.support.numpy_twin.tape import recorded
from tests.support.numpy_twin.values import Indices, Singles, Tensor, narrow, over, s32


def max_pool2d(
    tensor: Tensor, kernel: int | Pair, *, stride: int | Pair | None = None, padding: int | Pair = 0
) -> Tensor:
    size, window, pads = (tensor.shape[2], tensor.shape[3]), pair(kernel), pair(padding)
    step = window if stride is None else pair(stride)
    out = outputs(size, window, step, pads)
    best = np.zeros((*tensor.shape[:2], *out), dtype=np.float32)
    chosen = np.full(best.shape, -1, dtype=np.int64)
    places = np.arange(size[0] * size[1], dtype=np.int64).reshape(size)
    for _, _, at, image in taps(size, window, step, pads):
        here, known, index = tensor.values[..., image[0], image[1]], best[..., at[0], at[1]], chosen[..., at[0], at[1]]
        better = (index < 0) | (here > known) | (np.isnan(here) & ~np.isnan(known))
        best[..., at[0], at[1]] = np.where(better, here, known)
        chosen[..., at[0], at[1]] = np.where(better, places[image], index)

    def backward(g: Singles) -> list[Singles]:
        result = np.zeros(tensor.shape, dtype=np.float32)
        apart = step[0] >= window[0] and step[1] >= window[1]
        for image in np.ndindex(*tensor.shape[:2]):
            grid = rounded(g[image], (0, 1), PLAIN_BITS)
            total = np.zeros(size[0] * size[1], dtype=np.int64)
            terms = np.zeros(size[0] * size[1], dtype=bool)
            np.add.at(total, chosen[image].ravel(), grid.q.ravel())
            terms[chosen[image].ravel()] = True
            if apart:
                moved = np.zeros(size[0] * size[1], dtype=np.float32)
                moved[chosen[image].ravel()] = g[image].ravel()
                result[image] = moved.reshape(size)
            else:
                result[image] = closed(total.reshape(size), grid.unit, grid.void, terms.reshape(size))
        return [result]

    return recorded(best, [tensor], backward)


def mean_pool2d(
    tensor: Tensor, kernel: int | Pair, *, stride: int | Pair | None = None, padding: int | Pair = 0
) -> Tensor:
    size, window, pads = (tensor.shape[2], tensor.shape[3]), pair(kernel), pair(padding)
    step = window if stride is None else pair(stride)
    out = outputs(size, window, step, pads)
    tap = list(taps(size, window, step, pads))
    area = s32(window[0] * window[1])
    x = rounded(tensor.values, (2, 3), PLAIN_BITS)
    total = np.zeros((*tensor.shape[:2], *out), dtype=np.int64)
    terms = np.zeros(out, dtype=bool)
    for _, _, at, image in tap:
        total[..., at[0], at[1]] += x.q[..., image[0], image[1]]
        terms[at] = True

    def backward(g: Singles) -> list[Singles]:
        h = rounded(over(g, area), (2, 3), PLAIN_BITS)
        back = np.zeros(tensor.shape, dtype=np.int64)
        reached = np.zeros(size, dtype=bool)
        for _, _, at, image in tap:
            back[..., image[0], image[1]] += h.q[..., at[0], at[1]]
            reached[image] = True
        return [closed(back, h.unit, h.void, reached)]

    return recorded(over(closed(total, x.unit, x.void, terms), area), [tensor], backward)


def nearest(tensor: Tensor, size: Pair) -> Tensor:
    for axis, new in ((2, size[0]), (3, size[1])):
        old = tensor.shape[axis]
        tensor = take(tensor, axis, Indices.of([i * old // new for i in range(new)], [new]))
    return tensor


def bilinear(tensor: Tensor, size: Pair) -> Tensor:
    for axis, new in ((2, size[0]), (3, size[1])):
        old = tensor.shape[axis]
        r = [max(0, (2 * i + 1) * old - new) for i in range(new)]
        f = [k // (2 * new) for k in r]
        rest = [k - floor * 2 * new for k, floor in zip(r, f, strict=True)]
        shape = [new, 1] if axis == 2 else [new]
        low = Tensor(narrow([(2 * new - k) / (2 * new) for k in rest]).reshape(shape))
        high = Tensor(narrow([k / (2 * new) for k in rest]).reshape(shape))
        above = [min(floor + 1, old - 1) for floor in f]
        first = multiply(take(tensor, axis, Indices.of(f, [new])), low)
        tensor = add(first, multiply(take(tensor, axis, Indices.of(above, [new])), high))
    return tensor
