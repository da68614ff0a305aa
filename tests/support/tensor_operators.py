"""Every operator with small inputs, next to torch's own in binary64: for gradients and for sameness."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F

import accountant.tensors as nn
from accountant.tensors import Indices, Precision, Stream, Tensor

Wide = torch.Tensor


class Case(NamedTuple):
    """An operator, torch's reference for it, and the inputs' shapes. `positive` inputs lie in (0.1, 2)."""

    name: str
    ours: Callable[..., Tensor]
    reference: Callable[..., Wide]
    shapes: tuple[tuple[int, ...], ...]
    positive: bool = False
    tolerance: float = 1e-6


IMAGE = (2, 4, 9, 7)
LABELS = [3, 0, 5, 5, 1, 2]
WORDS = [4, 0, 4, 7, 1, 4]
TARGETS, TIMES, LENGTHS = [[1, 1, 3], [2, 4, 1], [3, 0, 0]], [8, 6, 1], [3, 2, 0]
EXACT20 = 5e-6


def _indices(numbers: list[int], *shape: int) -> Indices:
    return Indices.of(numbers, shape or [len(numbers)])


def _ctc(x: Tensor) -> Tensor:
    targets = Indices.of([label for target in TARGETS for label in target], [3, 3])
    return nn.ctc_loss(nn.log_softmax(x), targets, _indices(TIMES), _indices(LENGTHS))


def _ctc_reference(x: Wide) -> Wide:
    lengths = torch.tensor(TIMES), torch.tensor(LENGTHS)
    return F.ctc_loss(F.log_softmax(x, 2), torch.tensor(TARGETS), *lengths, reduction="none")


def _batch_norm(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return nn.batch_norm(x, w, b, Tensor.full([4], 0.0), Tensor.full([4], 1.0)).result


def _fixed_norm(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return nn.batch_norm_fixed(x, w, b, Tensor.full([4], 0.25), Tensor.full([4], 2.0))


def _fixed_norm_reference(x: Wide, w: Wide, b: Wide) -> Wide:
    mean, variance = torch.full((4,), 0.25, dtype=x.dtype), torch.full((4,), 2.0, dtype=x.dtype)
    return F.batch_norm(x, mean, variance, w, b, False)


def _dropout_reference(x: Wide) -> Wide:
    kept = nn.dropout(Tensor(torch.ones(IMAGE)), 0.25, Stream(7, 1)).values
    return x * kept


SCATTER = torch.tensor([[0, 2, 2], [1, 2, 0], [0, 2, 1], [0, 0, 0]])

CASES = [
    Case("add", nn.add, torch.add, (IMAGE, (4, 1, 7))),
    Case("subtract", nn.subtract, torch.sub, ((9, 1), (3, 1, 7))),
    Case("multiply", nn.multiply, torch.mul, (IMAGE, (9, 1))),
    Case("divide", nn.divide, torch.div, ((3, 4), (2, 1, 4)), positive=True),
    Case("scale", lambda x: nn.scale(x, 0.3), lambda x: x * 0.3, ((3, 4),)),
    Case("shift", lambda x: nn.shift(x, 0.3), lambda x: x + 0.3, ((3, 4),)),
    Case("negative", nn.negative, torch.neg, ((3, 4),)),
    Case("sqrt", nn.sqrt, torch.sqrt, ((3, 4),), positive=True),
    Case("exp", nn.exp, torch.exp, ((3, 40),)),
    Case("log", nn.log, torch.log, ((3, 40),), positive=True),
    Case("sigmoid", nn.sigmoid, torch.sigmoid, ((3, 40),)),
    Case("tanh", nn.tanh, torch.tanh, ((3, 40),)),
    Case("relu", nn.relu, torch.relu, ((3, 40),)),
    Case("gelu", nn.gelu, lambda x: F.gelu(x, approximate="tanh"), ((3, 40),)),
    Case("sum_over", lambda x: nn.sum_over(x, (0, -1)), lambda x: x.sum((0, 3)), (IMAGE,)),
    Case("mean_over", lambda x: nn.mean_over(x, 2, keep=True), lambda x: x.mean(2, keepdim=True), (IMAGE,)),
    Case("max_over", lambda x: nn.max_over(x, 1), lambda x: x.amax(1), (IMAGE,)),
    Case("matmul", nn.matmul, torch.matmul, ((5, 6, 7), (7, 3)), tolerance=EXACT20),
    Case("matmul in batches", nn.matmul, torch.matmul, ((2, 1, 6, 7), (3, 7, 3)), tolerance=EXACT20),
    Case(
        "matmul exact8",
        lambda a, b: nn.matmul(a, b, Precision.EXACT8),
        torch.matmul,
        ((6, 40), (40, 5)),
        tolerance=0.05,
    ),
    Case(
        "conv1d",
        lambda x, w, b: nn.conv1d(x, w, b, stride=2, padding=1, groups=2),
        lambda x, w, b: F.conv1d(x, w, b, 2, 1, groups=2),
        ((3, 4, 11), (6, 2, 3), (6,)),
        tolerance=EXACT20,
    ),
    Case(
        "conv2d",
        lambda x, w, b: nn.conv2d(x, w, b, padding=1),
        lambda x, w, b: F.conv2d(x, w, b, padding=1),
        (IMAGE, (5, 4, 3, 3), (5,)),
        tolerance=EXACT20,
    ),
    Case(
        "conv2d with strides",
        lambda x, w: nn.conv2d(x, w, stride=(3, 2), padding=(0, 1), groups=2),
        lambda x, w: F.conv2d(x, w, None, (3, 2), (0, 1), groups=2),
        (IMAGE, (6, 2, 2, 3)),
        tolerance=EXACT20,
    ),
    Case(
        "conv2d shifted",
        lambda x, w: nn.conv2d(x, w, padding=1),
        lambda x, w: F.conv2d(x, w, padding=1),
        ((2, 16, 24, 23), (16, 16, 3, 3)),
        tolerance=EXACT20,
    ),
    Case(
        "conv2d exact8",
        lambda x, w: nn.conv2d(x, w, stride=2, padding=1, precision=Precision.EXACT8),
        lambda x, w: F.conv2d(x, w, stride=2, padding=1),
        (IMAGE, (5, 4, 3, 3)),
        tolerance=0.05,
    ),
    Case("max_pool2d", lambda x: nn.max_pool2d(x, 2), lambda x: F.max_pool2d(x, 2), (IMAGE,)),
    Case(
        "max_pool2d overlapping",
        lambda x: nn.max_pool2d(x, 3, stride=2, padding=1),
        lambda x: F.max_pool2d(x, 3, 2, 1),
        (IMAGE,),
    ),
    Case(
        "mean_pool2d",
        lambda x: nn.mean_pool2d(x, (3, 2), stride=(2, 1), padding=1),
        lambda x: F.avg_pool2d(x, (3, 2), (2, 1), 1),
        (IMAGE,),
    ),
    Case("nearest", lambda x: nn.nearest(x, (13, 4)), lambda x: F.interpolate(x, (13, 4), mode="nearest"), (IMAGE,)),
    Case("bilinear", lambda x: nn.bilinear(x, (13, 4)), lambda x: F.interpolate(x, (13, 4), mode="bilinear"), (IMAGE,)),
    Case("softmax", lambda x: nn.softmax(x, 1), lambda x: F.softmax(x, 1), (IMAGE,)),
    Case("log_softmax", nn.log_softmax, lambda x: F.log_softmax(x, -1), (IMAGE,)),
    Case(
        "cross_entropy",
        lambda x: nn.cross_entropy(x, _indices(LABELS)),
        lambda x: F.cross_entropy(x, torch.tensor(LABELS)),
        ((6, 7),),
    ),
    Case("mean_squared_error", nn.mean_squared_error, F.mse_loss, ((6, 7), (6, 7))),
    Case("ctc_loss", _ctc, _ctc_reference, ((8, 3, 5),)),
    Case("layer_norm", nn.layer_norm, lambda x, w, b: F.layer_norm(x, (7,), w, b), (IMAGE, (7,), (7,))),
    Case("batch_norm", _batch_norm, lambda x, w, b: F.batch_norm(x, None, None, w, b, True), (IMAGE, (4,), (4,))),
    Case("batch_norm_fixed", _fixed_norm, _fixed_norm_reference, (IMAGE, (4,), (4,))),
    Case(
        "attention",
        lambda q, k, v: nn.attention(q, k, v, causal=True),
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        ((2, 3, 6, 8), (2, 3, 6, 8), (2, 3, 6, 5)),
        tolerance=EXACT20,
    ),
    Case(
        "embedding",
        lambda t: nn.embedding(t, _indices(WORDS, 2, 3)),
        lambda t: F.embedding(torch.tensor(WORDS).view(2, 3), t),
        ((8, 5),),
    ),
    Case(
        "gather",
        lambda x: nn.gather(x, 0, _indices(SCATTER.reshape(-1).tolist(), 4, 3)),
        lambda x: x.gather(0, SCATTER),
        ((3, 3),),
    ),
    Case(
        "scatter_add",
        lambda x, s: nn.scatter_add(x, 0, _indices(SCATTER.reshape(-1).tolist(), 4, 3), s),
        lambda x, s: x.scatter_add(0, SCATTER, s),
        ((3, 3), (4, 3)),
    ),
    Case("take", lambda x: nn.take(x, 1, _indices([1, 1, 3])), lambda x: x[:, [1, 1, 3]], (IMAGE,)),
    Case("reshape", lambda x: nn.reshape(x, (8, 63)), lambda x: x.reshape(8, 63), (IMAGE,)),
    Case("transpose", lambda x: nn.transpose(x, (2, 0, 3, 1)), lambda x: x.permute(2, 0, 3, 1), (IMAGE,)),
    Case("expand", lambda x: nn.expand(x, (2, 3, 4)), lambda x: x.expand(2, 3, 4), ((3, 1),)),
    Case("slice_of", lambda x: nn.slice_of(x, 2, 3, 5), lambda x: x[:, :, 3:5], (IMAGE,)),
    Case("join", lambda a, b: nn.join([a, b, a], 1), lambda a, b: torch.cat([a, b, a], 1), ((2, 3), (2, 1))),
    Case("pad", lambda x: nn.pad(x, 1, 1, 2), lambda x: F.pad(x, (1, 2)), ((2, 3),)),
    Case("dropout", lambda x: nn.dropout(x, 0.25, Stream(7, 1)), _dropout_reference, (IMAGE,)),
]


def inputs(case: Case, seed: int = 1) -> list[torch.Tensor]:
    """Uniform values from the counters, so that they are the same wherever they are made."""
    low, high = (0.1, 2.0) if case.positive else (-2.0, 2.0)
    return [nn.uniform(Stream(seed, number), shape, low, high).values for number, shape in enumerate(case.shapes)]


def outputs(case: Case, given: list[torch.Tensor], seed: int = 1) -> list[Tensor]:
    """The result, and the gradients of all inputs for some gradient of the result."""
    variables = [nn.variable(Tensor(values)) for values in given]
    result = case.ours(*variables)
    slope = nn.uniform(Stream(seed, 99), result.shape, -1.0, 1.0)
    return [result, *nn.gradients(nn.sum_over(nn.multiply(result, slope)), variables)]
