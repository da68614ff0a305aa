"""Shapes, indices and settings that must be refused before anything is allocated."""

import resource
from collections.abc import Callable

import pytest
import torch

import accountant.tensors as nn
from accountant.tensors import Indices, InvalidIndex, InvalidShape, InvalidTensor, Stream, Tensor, TensorTooLarge

ONE = Tensor.full([1, 1], 1.0)
COLUMN = Tensor.full([60_000, 1], 1.0)
ROW = Tensor.full([1, 60_000], 1.0)
IMAGE = Tensor.full([1, 1, 2, 2], 1.0)
LONG = Tensor(torch.ones(1).expand(2**22 + 1))


def _labels(*numbers: int) -> Indices:
    return Indices.of(numbers, [len(numbers)])


TOO_LARGE: dict[str, Callable[[], object]] = {
    "full": lambda: Tensor.full([2**31], 0.0),
    "full in many dimensions": lambda: Tensor.full([2**20, 2**20, 2**20, 2**40], 0.0),
    "a size of zero hides nothing": lambda: Tensor.full([0, 2**31], 0.0),
    "bytes": lambda: Tensor.from_bytes(b"", [2**31]),
    "add": lambda: nn.add(COLUMN, ROW),
    "multiply": lambda: nn.multiply(COLUMN, ROW),
    "matmul": lambda: nn.matmul(COLUMN, ROW),
    "expand": lambda: nn.expand(ONE, (2**16, 2**16)),
    "join": lambda: nn.join([nn.expand(ONE, (1, 2**20))] * 2048, 1),
    "pad": lambda: nn.pad(ONE, 0, 2**30, 2**30),
    "take": lambda: nn.take(COLUMN, 1, Indices(torch.zeros(1).long().expand(60_000))),
    "embedding": lambda: nn.embedding(ROW, Indices(torch.zeros(1).long().expand(60_000))),
    "one_hot": lambda: nn.one_hot(_labels(0, 0), 2**31 - 1),
    "bilinear": lambda: nn.bilinear(IMAGE, (2**16, 2**16)),
    "nearest": lambda: nn.nearest(IMAGE, (2**31 - 1, 1)),
    "uniform": lambda: nn.uniform(Stream(0, 0), (2**31,)),
    "permutation": lambda: nn.permutation(Stream(0, 0), 2**31 - 1),
    "a product of too many terms": lambda: nn.matmul(Tensor(LONG.values.view(1, -1)), Tensor(LONG.values.view(-1, 1))),
}

WRONG: dict[str, tuple[type[Exception], Callable[[], object]]] = {
    "nine dimensions": (InvalidShape, lambda: Tensor.full([1] * 9, 0.0)),
    "a size below zero": (InvalidShape, lambda: Tensor.full([-1, -1], 0.0)),
    "no common shape": (InvalidShape, lambda: nn.add(Tensor.full([2], 0.0), Tensor.full([3], 0.0))),
    "matrices that do not fit": (InvalidShape, lambda: nn.matmul(ROW, ROW)),
    "a vector as matrix": (InvalidShape, lambda: nn.matmul(Tensor.full([2], 0.0), ONE)),
    "reshape to another count": (InvalidShape, lambda: nn.reshape(ONE, (2,))),
    "reshape with -1": (InvalidShape, lambda: nn.reshape(ONE, (-1,))),
    "an axis outside": (InvalidIndex, lambda: nn.sum_over(ONE, 2)),
    "an axis twice": (InvalidIndex, lambda: nn.sum_over(ONE, (0, -2))),
    "axes that are no order": (InvalidIndex, lambda: nn.transpose(ONE, (0, 0))),
    "a slice outside": (InvalidIndex, lambda: nn.slice_of(ONE, 0, 0, 2)),
    "a slice backwards": (InvalidIndex, lambda: nn.slice_of(COLUMN, 0, 2, 1)),
    "padding below zero": (InvalidShape, lambda: nn.pad(ONE, 0, -1, 0)),
    "joining nothing": (InvalidShape, lambda: nn.join([], 0)),
    "joining what does not fit": (InvalidShape, lambda: nn.join([ROW, COLUMN], 0)),
    "an index below zero": (InvalidIndex, lambda: nn.take(ONE, 0, _labels(-1))),
    "an index at the end": (InvalidIndex, lambda: nn.embedding(ONE, _labels(1))),
    "an index of 64 bits": (InvalidIndex, lambda: nn.one_hot(_labels(2**63 - 1), 3)),
    "gathering another shape": (InvalidShape, lambda: nn.gather(ONE, 0, Indices.of([0, 0], [1, 2]))),
    "a label outside": (InvalidIndex, lambda: nn.cross_entropy(ONE, _labels(1))),
    "labels of another count": (InvalidShape, lambda: nn.cross_entropy(ONE, _labels(0, 0))),
    "a stride of zero": (InvalidShape, lambda: nn.conv2d(IMAGE, IMAGE, stride=0)),
    "a kernel larger than the image": (InvalidShape, lambda: nn.conv2d(IMAGE, Tensor.full([1, 1, 3, 3], 1.0))),
    "padding as wide as the kernel": (InvalidShape, lambda: nn.conv2d(IMAGE, IMAGE, padding=2)),
    "groups that do not divide": (InvalidShape, lambda: nn.conv2d(IMAGE, IMAGE, groups=2)),
    "a bias that does not fit": (InvalidShape, lambda: nn.conv2d(IMAGE, IMAGE, Tensor.full([2], 1.0))),
    "pooling a matrix": (InvalidShape, lambda: nn.max_pool2d(ONE, 1)),
    "a window of nothing": (InvalidShape, lambda: nn.mean_pool2d(IMAGE, 0)),
    "an image of nothing": (InvalidShape, lambda: nn.bilinear(IMAGE, (0, 1))),
    "a rate of one": (InvalidTensor, lambda: nn.dropout(ONE, 1.0, Stream(0, 0))),
    "a rate that is no number": (InvalidTensor, lambda: nn.dropout(ONE, float("nan"), Stream(0, 0))),
    "a seed too wide": (InvalidTensor, lambda: nn.uniform(Stream(2**64, 0), (1,))),
    "a norm below zero": (InvalidTensor, lambda: nn.clip_gradients([ONE], -1.0)),
    "an optimiser's other shapes": (
        InvalidShape,
        lambda: nn.sgd_step([ONE], [ROW], nn.zeros_like([ONE]), nn.Momentum(0.1)),
    ),
    "CTC with a blank as label": (
        InvalidIndex,
        lambda: nn.ctc_loss(Tensor.full([2, 1, 2], -1.0), Indices.of([0], [1, 1]), _labels(2), _labels(1)),
    ),
    "CTC with more time than there is": (
        InvalidIndex,
        lambda: nn.ctc_loss(Tensor.full([2, 1, 2], -1.0), Indices.of([1], [1, 1]), _labels(3), _labels(1)),
    ),
    "CTC with a longer target": (
        InvalidIndex,
        lambda: nn.ctc_loss(Tensor.full([2, 1, 2], -1.0), Indices.of([1], [1, 1]), _labels(2), _labels(2)),
    ),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_too_large_is_refused_before_it_is_made(name: str) -> None:
    """A typed error, and next to no memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TensorTooLarge):
        TOO_LARGE[name]()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused(name: str) -> None:
    """A typed error that says what was wrong."""
    kind, call = WRONG[name]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value)
