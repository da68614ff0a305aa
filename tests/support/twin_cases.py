"""Random applications of every operator, as programs that run on `accountant.tensors` and on its NumPy twin alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]
Program = Callable[[ModuleType, list[Any]], Any]

ZEROS, TINY = [0x00000000, 0x80000000], [0x00000001, 0x807FFFFF, 0x00800000, 0x00800001, 0x80800001, 0x0D000000]
NOT_FINITE = [0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001]
LARGE, ONES = [0x7F7FFFFF, 0xFF7FFFFF], [0x3F800000, 0xBF800000, 0x3F000000, 0x3F800001]
SPECIAL = np.array([*ZEROS, *TINY, *NOT_FINITE, *LARGE, *ONES], dtype=np.uint32)
FINITE = SPECIAL[(SPECIAL & 0x7F800000) != 0x7F800000]
STYLES = ["usual", "usual", "integers", "tiny", "huge", "wide", "finite", "special", "words", "zero", "full"]


@dataclass
class Case:
    """Operands as shapes and words of binary32, and what is done with them."""

    operands: list[tuple[Words, tuple[int, ...]]]
    run: Program


class Draw:
    """Seeded random shapes and values."""

    def __init__(self, seed: int, style: str) -> None:
        self.rng = np.random.default_rng(seed)
        self.style = style

    def size(self, low: int = 0, high: int = 5) -> int:
        """A size, seldom 0."""
        found = int(self.rng.integers(low, high + 1))
        return found if found or self.rng.random() < 0.3 else max(low, 1)

    def shape(self, rank: int, low: int = 0, high: int = 5) -> tuple[int, ...]:
        return tuple(self.size(low, high) for _ in range(rank))

    def rank(self, low: int = 0, high: int = 4) -> int:
        return int(self.rng.integers(low, high + 1))

    def indices(self, shape: Sequence[int], below: int) -> list[int]:
        return [int(i) for i in self.rng.integers(0, max(below, 1), int(np.prod(shape, dtype=np.int64)))]

    def flag(self, share: float = 0.5) -> bool:
        return bool(self.rng.random() < share)

    def precision(self) -> str:
        return "EXACT8" if self.flag() else "EXACT20"

    def words(self, shape: Sequence[int], style: str | None = None) -> tuple[Words, tuple[int, ...]]:
        """Values of the style, as words."""
        shape = tuple(shape)
        style = style or self.style
        usual = self.rng.standard_normal(shape)
        if style == "words":
            return self.rng.integers(0, 2**32, shape, dtype=np.uint32), shape
        if style in ("special", "finite"):
            words = usual.astype(np.float32).view(np.uint32)
            chosen = self.rng.choice(SPECIAL if style == "special" else FINITE, shape)
            return np.where(self.rng.random(shape) < 0.2, chosen, words).astype(np.uint32), shape
        if style == "integers":
            usual = self.rng.integers(-3, 4, shape).astype(np.float64)
        elif style == "full":
            usual = np.where(self.rng.random(shape) < 0.95, 1 - 2.0**-24, -(2.0**-21))
        elif style == "zero":
            usual = np.zeros(shape)
        elif style in ("tiny", "huge"):
            usual = np.ldexp(usual, self.rng.integers(*((-130, -95) if style == "tiny" else (115, 127)), shape))
        elif style == "wide":
            usual = np.ldexp(usual, self.rng.integers(-40, 41, shape))
        with np.errstate(over="ignore"):
            return np.asarray(usual, dtype=np.float32).view(np.uint32), shape


def _elementwise(name: str, count: int) -> Callable[[Draw], Case]:
    def build(draw: Draw) -> Case:
        whole = draw.shape(draw.rank())
        shapes = [_stretchable(draw, whole) for _ in range(count)]
        return Case([draw.words(shape) for shape in shapes], lambda lib, xs: getattr(lib, name)(*xs))

    return build


def _stretchable(draw: Draw, whole: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts with the others made from the same whole."""
    if draw.flag(0.4):
        return whole
    shape = tuple(1 if draw.flag(0.4) else size for size in whole)
    return shape[draw.rank(0, len(shape)) :] if draw.flag() else shape


def _with_number(name: str) -> Callable[[Draw], Case]:
    def build(draw: Draw) -> Case:
        number = [0.1, -3.7, 1e-30, 1e300, 1e-45, 0.0, float("inf")][draw.rank(0, 6)]
        return Case([draw.words(draw.shape(draw.rank()))], lambda lib, xs: getattr(lib, name)(xs[0], number))

    return build


def _reduced(name: str) -> Callable[[Draw], Case]:
    def build(draw: Draw) -> Case:
        shape = draw.shape(draw.rank(0, 4))
        axes = None if draw.flag(0.3) else [axis for axis in range(len(shape)) if draw.flag()]
        keep = draw.flag()
        return Case([draw.words(shape)], lambda lib, xs: getattr(lib, name)(xs[0], axes, keep=keep))

    return build


def _largest(draw: Draw) -> Case:
    shape = draw.shape(draw.rank(1, 4))
    axis, keep = draw.rank(0, len(shape) - 1), draw.flag()
    shape = (*shape[:axis], max(1, shape[axis]), *shape[axis + 1 :])
    return Case([draw.words(shape)], lambda lib, xs: lib.max_over(xs[0], axis, keep=keep))


def _along_axis(name: str) -> Callable[[Draw], Case]:
    def build(draw: Draw) -> Case:
        shape = draw.shape(draw.rank(1, 4))
        axis = draw.rank(0, len(shape) - 1)
        return Case([draw.words(shape)], lambda lib, xs: getattr(lib, name)(xs[0], axis))

    return build


def _matmul(draw: Draw) -> Case:
    precision = draw.precision()
    m, k, n = draw.size(), draw.size(0, 30), draw.size()
    lead_a, lead_b = draw.shape(draw.rank(0, 2), 0, 3), draw.shape(0)
    if draw.flag():
        whole = draw.shape(draw.rank(1, 2), 0, 3)
        lead_a, lead_b = _stretchable(draw, whole), _stretchable(draw, whole)
    operands = [draw.words((*lead_a, m, k)), draw.words((*lead_b, k, n))]
    return Case(operands, lambda lib, xs: lib.matmul(xs[0], xs[1], lib.Precision[precision]))


def _long_matmul(draw: Draw) -> Case:
    precision = draw.precision()
    k = int(draw.rng.choice([1023, 1025, 8191, 8193, 20000]))
    operands = [draw.words((2, k)), draw.words((k, 2))]
    return Case(operands, lambda lib, xs: lib.matmul(xs[0], xs[1], lib.Precision[precision]))


def _convolution(rank: int) -> Callable[[Draw], Case]:
    def build(draw: Draw) -> Case:
        groups, precision = draw.size(1, 3), draw.precision()
        part, filters = draw.size(1, 3), draw.size(1, 3)
        kernel = draw.shape(rank, 1, 3)
        stride = draw.shape(rank, 1, 3)
        padding = tuple(draw.rank(0, k - 1) for k in kernel)
        size = tuple(max(1, k - 2 * p, draw.rank(1, 7)) for k, p in zip(kernel, padding, strict=True))
        operands = [draw.words((draw.size(0, 3), groups * part, *size)), draw.words((groups * filters, part, *kernel))]
        if draw.flag():
            operands.append(draw.words((groups * filters,)))
        settings: dict[str, Any] = {"groups": groups, "stride": stride, "padding": padding}
        if rank == 1:
            settings |= {"stride": stride[0], "padding": padding[0]}
        name = f"conv{rank}d"
        return Case(operands, lambda lib, xs: getattr(lib, name)(*xs, **settings, precision=lib.Precision[precision]))

    return build


def _pooling(name: str) -> Callable[[Draw], Case]:
    def build(draw: Draw) -> Case:
        kernel = (draw.size(1, 4), draw.size(1, 4))
        padding = (draw.rank(0, kernel[0] - 1), draw.rank(0, kernel[1] - 1))
        size = tuple(max(1, k - 2 * p, draw.rank(1, 7)) for k, p in zip(kernel, padding, strict=True))
        settings: dict[str, Any] = {"padding": padding}
        if draw.flag():
            settings["stride"] = (draw.size(1, 4), draw.size(1, 4))
        shape = (*draw.shape(2, 0, 3), *size)
        return Case([draw.words(shape)], lambda lib, xs: getattr(lib, name)(xs[0], kernel, **settings))

    return build


def _interpolated(name: str) -> Callable[[Draw], Case]:
    def build(draw: Draw) -> Case:
        size = (draw.size(1, 7), draw.size(1, 7))
        shape = (*draw.shape(2, 0, 3), draw.size(1, 6), draw.size(1, 6))
        return Case([draw.words(shape)], lambda lib, xs: getattr(lib, name)(xs[0], size))

    return build


def _gather(draw: Draw) -> Case:
    shape = draw.shape(draw.rank(1, 3), 1)
    axis = draw.rank(0, len(shape) - 1)
    picked = (*shape[:axis], draw.size(0, 6), *shape[axis + 1 :])
    indices = draw.indices(picked, shape[axis])
    return Case([draw.words(shape)], lambda lib, xs: lib.gather(xs[0], axis, lib.Indices.of(indices, picked)))


def _scatter_add(draw: Draw) -> Case:
    shape = draw.shape(draw.rank(1, 3), 1)
    axis = draw.rank(0, len(shape) - 1)
    sent = (*shape[:axis], draw.size(0, 6), *shape[axis + 1 :])
    indices = draw.indices(sent, shape[axis])
    operands = [draw.words(shape), draw.words(sent)]
    return Case(operands, lambda lib, xs: lib.scatter_add(xs[0], axis, lib.Indices.of(indices, sent), xs[1]))


def _take(draw: Draw) -> Case:
    shape = draw.shape(draw.rank(1, 3), 1)
    axis = draw.rank(0, len(shape) - 1)
    indices = draw.indices([draw.size(0, 6)], shape[axis])
    return Case([draw.words(shape)], lambda lib, xs: lib.take(xs[0], axis, lib.Indices.of(indices, [len(indices)])))


def _embedding(draw: Draw) -> Case:
    rows, picked = draw.size(1, 5), draw.shape(draw.rank(1, 2))
    indices = draw.indices(picked, rows)
    operands = [draw.words((rows, draw.size()))]
    return Case(operands, lambda lib, xs: lib.embedding(xs[0], lib.Indices.of(indices, picked)))


def _moved(draw: Draw) -> Case:
    """Transpose, reshape, slice, pad, join and expand after one another."""
    shape = draw.shape(3, 1)
    order = [int(axis) for axis in draw.rng.permutation(3)]
    begin = draw.rank(0, shape[order[1]])
    end = draw.rank(begin, shape[order[1]])
    before, after = draw.size(), draw.size()

    def run(lib: ModuleType, xs: list[Any]) -> Any:
        turned = lib.transpose(xs[0], order)
        part = lib.pad(lib.slice_of(turned, 1, begin, end), 2, before, after)
        joined = lib.join([part, part, part], 1)
        flat = lib.reshape(joined, [1, joined.shape[0] * joined.shape[1], joined.shape[2]])
        return lib.expand(flat, [2, *flat.shape])

    return Case([draw.words(shape)], run)


def _expand(draw: Draw) -> Case:
    whole = draw.shape(draw.rank(0, 4))
    return Case([draw.words(_stretchable(draw, whole))], lambda lib, xs: lib.expand(xs[0], list(whole)))


def _cross_entropy(draw: Draw) -> Case:
    shape = (draw.size(), draw.size(1))
    labels = draw.indices([shape[0]], shape[1])
    operands = [draw.words(shape)]
    return Case(operands, lambda lib, xs: lib.cross_entropy(xs[0], lib.Indices.of(labels, [shape[0]])))


def _squared_error(draw: Draw) -> Case:
    shape = draw.shape(draw.rank())
    operands = [draw.words(shape), draw.words(shape)]
    return Case(operands, lambda lib, xs: lib.mean_squared_error(*xs))


def _ctc(draw: Draw) -> Case:
    time, samples, classes, longest = draw.size(1, 6), draw.size(0, 3), draw.size(2, 4), draw.size(0, 3)
    blank = draw.rank(0, classes - 1)
    others = [label for label in range(classes) if label != blank]
    targets = [others[i] for i in draw.indices([samples, longest], len(others))]
    times = [draw.rank(1, time) for _ in range(samples)]
    lengths = [draw.rank(0, longest) for _ in range(samples)]
    scored = draw.flag(0.7)

    def run(lib: ModuleType, xs: list[Any]) -> Any:
        x = lib.log_softmax(xs[0], 2) if scored else xs[0]
        at = lib.Indices.of
        ends = at(times, [samples]), at(lengths, [samples])
        return lib.ctc_loss(x, at(targets, [samples, longest]), *ends, blank=blank)

    operand = draw.words((time, samples, classes))
    if not scored and draw.flag():  # so large that each rounding of binary64 shows in the gradient
        alike = np.float32(-(10.0 ** draw.rank(5, 10))) * np.float32(draw.rng.uniform(1, 10))
        operand = np.full(operand[1], alike, dtype=np.float32).view(np.uint32), operand[1]
    return Case([operand], run)


def _layer_norm(draw: Draw) -> Case:
    shape = draw.shape(draw.rank(1, 3))
    operands = [draw.words(shape)] + [draw.words(shape[-1:]) for _ in range(draw.rank(0, 2))]
    epsilon = [1e-5, 1e-12][draw.rank(0, 1)]
    return Case(operands, lambda lib, xs: lib.layer_norm(*xs, epsilon=epsilon))


def _batch_norm(name: str) -> Callable[[Draw], Case]:
    def build(draw: Draw) -> Case:
        shape = draw.shape(draw.rank(2, 4))
        operands = [draw.words(shape), *(draw.words(shape[1:2]) for _ in range(4))]
        if name == "batch_norm_fixed":
            return Case(operands, lambda lib, xs: lib.batch_norm_fixed(*xs))
        momentum = [0.1, 0.3][draw.rank(0, 1)]

        def run(lib: ModuleType, xs: list[Any]) -> Any:
            after = lib.batch_norm(*xs, momentum=momentum)
            running = [lib.reshape(part, [1, shape[1]]) for part in (after.running_mean, after.running_variance)]
            flat = lib.transpose(lib.reshape(after.result, [shape[0], shape[1], int(np.prod(shape[2:]))]), [0, 2, 1])
            rows = lib.reshape(flat, [shape[0] * int(np.prod(shape[2:])), shape[1]])
            return lib.join([rows, *running], 0)

        return Case(operands, run)

    return build


def _attention(draw: Draw) -> Case:
    lead, (queries, keys, depth, width) = draw.shape(draw.rank(0, 2), 0, 3), draw.shape(4)
    causal, precision = draw.flag(), draw.precision()
    shapes = [(*lead, queries, depth), (*lead, keys, depth), (*lead, keys, width)]
    operands = [draw.words(shape) for shape in shapes]
    return Case(operands, lambda lib, xs: lib.attention(*xs, causal=causal, precision=lib.Precision[precision]))


def _dropout(draw: Draw) -> Case:
    rate, seed, number = [0.0, 0.1, 0.5, 0.999][draw.rank(0, 3)], draw.rank(0, 2**62), draw.rank(0, 2**40)
    operands = [draw.words(draw.shape(draw.rank()))]
    return Case(operands, lambda lib, xs: lib.dropout(xs[0], rate, lib.Stream(seed, number)))


CASES: dict[str, Callable[[Draw], Case]] = {
    **{name: _elementwise(name, 2) for name in ("add", "subtract", "multiply", "divide")},
    **{name: _elementwise(name, 1) for name in ("negative", "sqrt", "relu", "exp", "log", "sigmoid", "tanh", "gelu")},
    **{name: _with_number(name) for name in ("scale", "shift")},
    **{name: _reduced(name) for name in ("sum_over", "mean_over")},
    **{name: _along_axis(name) for name in ("softmax", "log_softmax")},
    **{name: _pooling(name) for name in ("max_pool2d", "mean_pool2d")},
    **{name: _interpolated(name) for name in ("nearest", "bilinear")},
    **{name: _batch_norm(name) for name in ("batch_norm", "batch_norm_fixed")},
    "max_over": _largest,
    "matmul": _matmul,
    "matmul over many terms": _long_matmul,
    "conv1d": _convolution(1),
    "conv2d": _convolution(2),
    "gather": _gather,
    "scatter_add": _scatter_add,
    "take": _take,
    "embedding": _embedding,
    "movers": _moved,
    "expand": _expand,
    "cross_entropy": _cross_entropy,
    "mean_squared_error": _squared_error,
    "ctc_loss": _ctc,
    "layer_norm": _layer_norm,
    "attention": _attention,
    "dropout": _dropout,
}
