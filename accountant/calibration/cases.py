"""What is measured: every row of the host table that has a rule, from one element to millions of operations."""

from typing import NamedTuple

from accountant.contracts.tensor_rule import Attribute
from accountant.tensors.shapes import Shape

Shapes = tuple[Shape | None, ...]


class Case(NamedTuple):
    """One operation on operands of these shapes, and the settings that its row takes."""

    name: str
    shapes: Shapes
    attributes: tuple[Attribute, ...] = ()
    reals: tuple[float, ...] = ()


VECTORS: tuple[Shape, ...] = ((1,), (1_000,), (300, 300), (1_000, 1_000))
IMAGES: tuple[tuple[int, int, int, int], ...] = ((1, 1, 6, 6), (4, 8, 16, 16), (16, 16, 32, 32), (32, 32, 32, 32))
SERIES: tuple[tuple[int, int, int], ...] = ((1, 1, 8), (4, 16, 100), (16, 32, 1_000), (4, 256, 200))
_PRODUCTS = (
    *((size, size, size) for size in (1, 8, 64, 256, 768, 1_536)),
    (2, 3_000, 2),
    (1_500, 2, 1_500),
)
"""Rows, sums and columns of matrix products."""
_SEED = 7

_ELEMENTWISE = ("negative", "sqrt", "exp", "log", "sigmoid", "tanh", "relu", "gelu")


def _elementwise() -> list[Case]:
    cases = [Case(name, (shape,)) for name in _ELEMENTWISE for shape in VECTORS]
    for name in ("add", "subtract", "multiply", "divide"):
        cases += [Case(name, (shape, shape)) for shape in VECTORS]
        cases += [Case(name, ((1_000, 1_000), (1_000,))), Case(name, ((300, 1), (1, 300)))]
    for name in ("scale", "shift"):
        cases += [Case(name, (shape,), (), (0.3,)) for shape in VECTORS]
    return cases


def _reductions() -> list[Case]:
    cases = []
    for name in ("sum", "mean"):
        cases += [Case(name, (shape,), (axes, 0)) for shape in VECTORS for axes in ((), (0,))]
        cases += [Case(name, ((1_000, 1_000),), ((1,), 1))]
    cases += [Case("max", (shape,), (axis, 0)) for shape in VECTORS for axis in (0, -1)]
    cases += [Case("argmax", (shape,), (axis,)) for shape in VECTORS for axis in (0, -1)]
    for name in ("softmax", "log_softmax"):
        cases += [Case(name, (shape,), (-1,)) for shape in VECTORS]
    return cases


def _products() -> list[Case]:
    cases = []
    for bits in (20, 8):
        cases += [Case("matmul", ((m, k), (k, n)), (bits,)) for m, k, n in _PRODUCTS]
        cases += [Case("matmul", ((16, 32, 64), (16, 64, 32)), (bits,))]
        for shape, heads in (((1, 4, 8), 8), ((8, 32, 32), 32), ((16, 64, 64), 64), ((2, 32, 512), 512)):
            cases += [Case("attention", (shape, shape, (*shape[:2], heads)), (causal, bits)) for causal in (0, 1)]
        for tensor, outputs, kernel in (
            ((1, 1, 6, 6), 1, 3),
            ((4, 8, 16, 16), 16, 3),
            ((16, 16, 32, 32), 32, 3),
            ((16, 16, 32, 32), 32, 1),
            ((8, 32, 16, 16), 64, 5),
            ((4, 128, 16, 16), 256, 3),
        ):
            weight = (outputs, tensor[1], kernel, kernel)
            setting = ((1, 1), (kernel // 2, kernel // 2), 1, bits)
            cases += [Case("conv2d", (tensor, weight, (outputs,)), setting)]
        cases += [Case("conv2d", ((16, 16, 32, 32), (16, 1, 3, 3), None), ((1, 1), (1, 1), 16, bits))]
        cases += [Case("conv2d", ((16, 16, 32, 32), (32, 16, 3, 3), None), ((2, 2), (1, 1), 1, bits))]
        for channels in SERIES:
            cases += [Case("conv1d", (channels, (2 * channels[1], channels[1], 5), None), (1, 2, 1, bits))]
    return cases


def _layers() -> list[Case]:
    cases = []
    for name in ("max_pool", "mean_pool"):
        cases += [Case(name, (image,), ((2, 2), (2, 2), (0, 0))) for image in IMAGES]
        cases += [Case(name, ((16, 16, 32, 32),), ((3, 3), (1, 1), (1, 1)))]
    for name in ("nearest", "bilinear"):
        cases += [Case(name, (image,), ((2 * image[2], 2 * image[3]),)) for image in IMAGES]
    for rows, width in ((1, 4), (100, 64), (1_000, 512)):
        cases += [Case("layer_norm", ((rows, width), (width,), (width,)), (), (1e-5,))]
    for image in IMAGES:
        channels = (image[1],)
        cases += [Case("batch_norm", (image, channels, channels, channels, channels), (), (0.1, 1e-5))]
        cases += [Case("batch_norm_fixed", (image, channels, channels, channels, channels), (), (1e-5,))]
    for rows, classes in ((1, 2), (64, 10), (1_000, 500)):
        cases += [Case("cross_entropy", ((rows, classes), (rows,)))]
    cases += [Case("mean_squared_error", (shape, shape)) for shape in VECTORS]
    for steps, samples, classes, length in ((2, 1, 3, 1), (20, 4, 20, 6), (60, 16, 30, 20)):
        shapes = ((steps, samples, classes), (samples, length), (samples,), (samples,))
        cases += [Case("ctc_loss", shapes, (0,))]
    return cases


def _moves() -> list[Case]:
    cases = []
    for rows, width, count in ((4, 2, 1), (100, 32, 500), (1_000, 256, 4_000)):
        cases += [Case("embedding", ((rows, width), (count,))), Case("take", ((rows, width), (count,)), (0,))]
    for square in ((2, 2), (300, 300), (1_000, 1_000)):
        cases += [Case("gather", (square, square), (1,)), Case("scatter_add", (square, square, square), (0,))]
    cases += [Case("one_hot", ((count,),), (classes,)) for count, classes in ((1, 2), (1_000, 100), (4_000, 250))]
    for shape in VECTORS:
        half = shape[0] // 2
        cases += [
            Case("reshape", (shape,), ((*shape, 1),)),
            Case("expand", ((1, *shape),), ((3, *shape),)),
            Case("transpose", (shape,), (tuple(reversed(range(len(shape)))),)),
            Case("slice", (shape,), (0, half, shape[0])),
            Case("join", (shape, shape), (0,)),
            Case("pad", (shape,), (0, 1, 1)),
        ]
    return cases


def _made() -> list[Case]:
    cases = []
    for shape in VECTORS:
        cases += [Case(name, (), (_SEED, 1, shape), (0.0, 1.0)) for name in ("uniform", "normal")]
        cases += [Case("init", (), (_SEED, 1, shape)), Case("full", (), (shape,), (1.0,))]
        cases += [Case("dropout", (shape,), (_SEED, 1), (0.25,)), Case("indices", (shape,))]
        cases += [Case(name, (), (shape, width)) for name in ("of_ints", "indices_of_ints") for width in (1, 8)]
    cases += [Case("permutation", (), (_SEED, 1, count)) for count in (1, 1_000, 100_000)]
    return cases


def _training() -> list[Case]:
    cases = []
    for weights in (((4, 2), (2,)), ((100, 100), (100,), (100, 10)), ((1_000, 500), (500,), (500, 500))):
        cases += [Case("clip", weights, (), (1.0,)), Case("sgd_start", weights), Case("adam_start", weights)]
        cases += [Case("sgd", weights * 3, (), (0.01, 0.9, 1e-4))]
        cases += [Case("adam", weights * 4, (), (0.001, 0.9, 0.999, 1e-8, 0.0))]
        cases += [Case("load", weights), Case("save", weights)]
    return cases


def all_cases() -> list[Case]:
    """Every case, forward."""
    return [*_elementwise(), *_reductions(), *_products(), *_layers(), *_moves(), *_made(), *_training()]
