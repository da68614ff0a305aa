"""Infinities, NaN, zeros, ties, nothing at all."""

import math

import pytest

import accountant.tensors as nn
from accountant.tensors import Indices, Precision, Tensor

INF, NAN = math.inf, math.nan
LEAST = 2.0**-126 * (1 + 2.0**-23)


def same(tensor: Tensor, expected: list[float]) -> bool:
    return tensor.to_bytes() == Tensor.of(expected, tensor.shape).to_bytes()


def vector(*numbers: float) -> Tensor:
    return Tensor.of(numbers, [len(numbers)])


def test_arithmetic_of_specials() -> None:
    """IEEE's rules, with one NaN and no -0."""
    left, right = vector(INF, INF, 0, -1, 0, 1, NAN), vector(-INF, 0, 0, 0, -5, INF, 1)
    assert same(nn.add(left, right), [NAN, INF, 0, -1, -5, INF, NAN])
    assert same(nn.multiply(left, right), [-INF, NAN, 0, 0, 0, INF, NAN])
    assert same(nn.divide(left, right), [NAN, INF, NAN, -INF, 0, 0, NAN])
    assert same(nn.negative(vector(0, 1, INF)), [0, -1, -INF])


def test_small_results_are_zero() -> None:
    """What would be subnormal, or 2^-126 itself, is +0; overflow is an infinity."""
    assert same(nn.multiply(vector(LEAST, -LEAST, 2.0**-100), vector(0.5, 0.75, 2.0**-26)), [0, 0, 0])
    assert same(nn.subtract(vector(LEAST * 1.5), vector(LEAST)), [0])
    assert same(nn.divide(vector(-LEAST), vector(1 + 2.0**-23)), [0])
    assert same(nn.multiply(vector(2.0**127, -(2.0**127)), vector(2, 2)), [INF, -INF])


def test_functions_of_specials() -> None:
    """Every elementary function at its ends."""
    x = vector(-INF, -200, 0, 200, INF, NAN)
    assert same(nn.exp(x), [0, 0, 1, INF, INF, NAN])
    assert same(nn.sigmoid(x), [0, 0, 0.5, 1, 1, NAN])
    assert same(nn.tanh(x), [-1, -1, 0, 1, 1, NAN])
    assert same(nn.relu(x), [0, 0, 0, 200, INF, NAN])
    assert same(nn.gelu(x), [NAN, 0, 0, 200, INF, NAN])
    assert same(nn.log(vector(0, -1, -INF, 1, INF, NAN)), [-INF, NAN, NAN, 0, INF, NAN])
    assert same(nn.sqrt(vector(0, -1, -INF, 4, INF, NAN)), [0, NAN, NAN, 2, INF, NAN])


@pytest.mark.parametrize("special", [INF, -INF, NAN])
@pytest.mark.parametrize("precision", list(Precision))
def test_a_void_group_makes_nan_and_nothing_else(special: float, precision: Precision) -> None:
    """A row that holds an infinity or a NaN gives NaN, other rows give numbers."""
    left = Tensor.of([1, special, 3, 1, 2, 3], [2, 3])
    assert same(nn.matmul(left, Tensor.full([3, 2], 1.0), precision), [NAN, NAN, 6, 6])
    images = Tensor.of([1, 2, 3, special], [2, 1, 1, 2])
    assert same(nn.conv2d(images, Tensor.full([1, 1, 1, 1], 2.0), precision=precision), [2, 4, NAN, NAN])
    assert same(nn.sum_over(left, 1), [NAN, 6])
    assert same(nn.matmul(Tensor.full([1, 3], 0.0), Tensor.of([1, special, 3], [3, 1]), precision), [NAN])


@pytest.mark.parametrize("precision", list(Precision))
def test_sums_overflow_and_vanish_at_their_one_rounding(precision: Precision) -> None:
    """Products far beyond binary32 may cancel; what is left is rounded like any number."""
    huge = 2.0**127
    assert same(nn.matmul(Tensor.of([huge, -huge], [1, 2]), Tensor.full([2, 1], huge), precision), [0])
    assert same(nn.matmul(Tensor.of([huge, huge], [1, 2]), Tensor.full([2, 1], 1.0), precision), [INF])
    tiny = 2.0**-64
    assert same(nn.matmul(Tensor.of([tiny], [1, 1]), Tensor.of([tiny], [1, 1]), precision), [0])
    assert same(nn.sum_over(vector(huge, huge, -huge)), [huge])


def test_empty_tensors() -> None:
    """Sums of nothing are 0, means NaN, and shapes without elements go through every operator."""
    nothing = nn.variable(Tensor.of([], [0, 3]))
    assert nn.sum_over(nothing, 0).numbers() == [0, 0, 0]
    assert nn.sum_over(nothing, 1).numbers() == []
    assert same(nn.mean_over(nothing, 0), [NAN] * 3)
    assert nn.matmul(Tensor.of([], [2, 0]), nothing).numbers() == [0] * 6
    assert nn.softmax(nothing).shape == nn.log_softmax(nothing, 0).shape == nn.exp(nothing).shape == (0, 3)
    images = nn.variable(Tensor.of([], [0, 2, 5, 5]))
    weight = nn.variable(Tensor.full([3, 2, 3, 3], 1.0))
    pooled = nn.mean_pool2d(nn.max_pool2d(nn.conv2d(images, weight), 2), 1)
    assert pooled.shape == (0, 3, 1, 1)
    assert nn.bilinear(images, (3, 3)).shape == (0, 2, 3, 3)
    assert nn.embedding(Tensor.full([4, 2], 1.0), Indices.of([], [0])).shape == (0, 2)
    slopes = nn.gradients(nn.sum_over(pooled), [images, weight])
    assert slopes[0].shape == images.shape
    assert slopes[1].numbers() == [0] * 54
    product = nn.matmul(nothing, nn.variable(Tensor.full([3, 2], 1.0)))
    assert nn.gradients(nn.sum_over(product), [nothing])[0].shape == (0, 3)
    with pytest.raises(nn.InvalidShape):
        nn.argmax(nothing, 0)


def test_ties_go_to_the_lowest_index() -> None:
    """argmax, the largest over an axis, and pooling, with gradients; NaN is above all numbers."""
    x = nn.variable(Tensor.of([1, 3, 3, 2, NAN, NAN, INF, 5, -INF, -INF, -INF, -INF], [3, 4]))
    assert nn.argmax(x, 1).numbers() == [1, 0, 0]
    assert nn.argmax(nn.negative(x), 0).numbers() == [1, 1, 2, 2]
    assert same(nn.max_over(x, 1), [3, NAN, -INF])
    assert nn.gradients(nn.sum_over(nn.max_over(x, 1)), [x])[0].numbers() == [0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize("fill", [0.0, -INF, INF, NAN])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_pooling_takes_the_first_of_equals(fill: float, stride: int) -> None:
    """In a window of equal values, NaN too, the gradient goes to the first that is no padding."""
    x = nn.variable(Tensor.full([1, 1, 4, 4], fill))
    y = nn.max_pool2d(x, 2, stride=stride, padding=1)
    assert same(y, [fill] * y.count)
    slope = nn.gradients(nn.sum_over(nn.multiply(y, Tensor.full(y.shape, 1.0))), [x])[0].numbers()
    expected = [0.0] * 16
    for row in range(y.shape[2]):
        for column in range(y.shape[3]):
            expected[max(0, row * stride - 1) * 4 + max(0, column * stride - 1)] += 1
    assert slope == expected


@pytest.mark.parametrize("fill", [-INF, -2.0, INF])
def test_padding_wider_than_half_a_window(fill: float) -> None:
    """It is no value of a window's: not the largest, even of -∞; of the mean only the divisor counts it."""
    x = nn.variable(Tensor.full([1, 1, 2, 2], fill))
    y = nn.max_pool2d(x, 3, stride=1, padding=2)
    assert same(y, [fill] * 16)
    slopes = nn.gradients(nn.sum_over(y), [x])[0].numbers()
    assert slopes == [9.0, 3.0, 3.0, 1.0]
    ones = nn.variable(Tensor.full([1, 1, 2, 2], 9.0))
    means = nn.mean_pool2d(ones, 3, stride=1, padding=2)
    assert means.numbers() == [1.0, 2.0, 2.0, 1.0, 2.0, 4.0, 4.0, 2.0, 2.0, 4.0, 4.0, 2.0, 1.0, 2.0, 2.0, 1.0]


def test_rows_of_nothing_are_embedded() -> None:
    """A table without columns has a gradient without elements."""
    table = nn.variable(Tensor.of([], [3, 0]))
    rows = nn.embedding(table, Indices.of([1, 2], [2]))
    assert rows.shape == (2, 0)
    assert nn.gradients(nn.sum_over(rows), [table])[0].shape == (3, 0)


def test_pooling_among_nans() -> None:
    """Numbers lose to NaN, and infinities are ranked as numbers."""
    x = nn.variable(Tensor.of([1, INF, NAN, 2, INF, 3, 4, NAN], [1, 1, 2, 4]))
    y = nn.max_pool2d(x, 2)
    assert same(y, [INF, NAN])
    assert nn.gradients(nn.sum_over(nn.max_over(nn.reshape(y, [2]), 0)), [x])[0].numbers() == [0, 0, 1, 0, 0, 0, 0, 0]


def test_softmax_of_masked_rows() -> None:
    """-∞ is a probability of 0; a row of nothing else is NaN."""
    assert same(nn.softmax(Tensor.of([-INF, 0, 0, -INF, -INF, -INF], [2, 3])), [0, 0.5, 0.5, NAN, NAN, NAN])


def test_an_impossible_target_costs_infinitely_much() -> None:
    """CTC: two equal labels need three steps. The loss is +∞, the gradient 0."""
    x = nn.variable(Tensor.full([2, 1, 3], -1.0))
    loss = nn.ctc_loss(x, Indices.of([1, 1], [1, 2]), Indices.of([2], [1]), Indices.of([2], [1]))
    assert loss.numbers() == [INF]
    assert nn.gradients(nn.sum_over(loss), [x])[0].numbers() == [0] * 6


def test_places_that_no_window_reaches_have_gradient_zero() -> None:
    """Also where the weight is void: nothing is summed there."""
    x = nn.variable(Tensor.full([1, 1, 1, 5], 1.0))
    for precision in Precision:
        y = nn.conv2d(x, Tensor.full([1, 1, 1, 1], NAN), stride=2, precision=precision)
        assert y.node is not None
        slope = Tensor(y.node.backward(Tensor.full([1, 1, 1, 3], 1.0).values)[0])  # type: ignore[attr-defined]
        assert same(slope, [NAN, 0, NAN, 0, NAN])
