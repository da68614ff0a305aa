"""Every operator and its gradients: against torch in binary64, against differences, and in what is left unchanged."""

import math

import pytest
import torch

import accountant.tensors as nn
from accountant.tensors import Stream, Tensor
from tests.support.tensor_operators import CASES, Case, inputs, outputs

BY_NAME = {case.name: case for case in CASES}
EXPLAINED = {
    "Tensor", "Indices", "Precision", "variable", "gradients", "argmax", "one_hot", "Normalised", "Stream", "uniform",
    "normal", "fan_in_uniform", "permutation", "Momentum", "sgd_step", "Adam", "Moments", "adam_step", "no_moments",
    "zeros_like", "clip_gradients", "InvalidTensor", "InvalidShape", "InvalidIndex", "TensorTooLarge", "InexactMachine",
}  # fmt: skip
"""What is public and no operator with a gradient."""


def _slope(case: Case, shape: torch.Size) -> torch.Tensor:
    return nn.uniform(Stream(1, 99), tuple(shape), -1.0, 1.0).values.double()


def test_every_operator_is_here() -> None:
    """No public operator is without a case."""
    assert {name for name in nn.__all__ if name not in EXPLAINED} <= {case.name for case in CASES}


@pytest.mark.parametrize("name", BY_NAME)
def test_results_and_gradients_are_torchs(name: str) -> None:
    """Within the precision's error of torch's own in binary64."""
    case = BY_NAME[name]
    given = inputs(case)
    wide = [values.double().requires_grad_() for values in given]
    expected = case.reference(*wide)
    torch.autograd.backward((expected * _slope(case, expected.shape)).sum())
    for ours, theirs in zip(outputs(case, given), [expected, *(each.grad for each in wide)], strict=True):
        assert theirs is not None
        assert ours.shape == tuple(theirs.shape)
        theirs = theirs.detach()
        error = (ours.values - theirs).abs().max() / theirs.abs().max()
        assert float(error) <= case.tolerance


@pytest.mark.parametrize("name", [case.name for case in CASES if "exact8" not in case.name])
def test_gradients_are_differences(name: str) -> None:
    """Along a random direction the gradients say what torch's binary64 reference changes by."""
    case = BY_NAME[name]
    given = inputs(case, seed=2)
    _, *slopes = outputs(case, given, seed=1)
    ways = [nn.uniform(Stream(3, number), shape, -1.0, 1.0).values for number, shape in enumerate(case.shapes)]
    step = 1e-6

    def along(distance: float) -> float:
        moved = [values.double() + distance * way for values, way in zip(given, ways, strict=True)]
        result = case.reference(*moved)
        return float((result * _slope(case, result.shape)).sum())

    expected = (along(step) - along(-step)) / (2 * step)
    ours = sum(float((slope.values.double() * way).sum()) for slope, way in zip(slopes, ways, strict=True))
    size = sum(float((slope.values.double() * way).abs().sum()) for slope, way in zip(slopes, ways, strict=True))
    assert math.isclose(ours, expected, abs_tol=2e-5 * max(1.0, size))


@pytest.mark.parametrize("name", BY_NAME)
def test_operands_stay_as_they_are(name: str) -> None:
    """Nothing is computed in place of an operand, and results are canonical and contiguous."""
    case = BY_NAME[name]
    given = inputs(case)
    before = [values.clone() for values in given]
    for result in outputs(case, given):
        assert result.values.is_contiguous()
        assert result.values.dtype == torch.float32
        assert Tensor.from_bytes(result.to_bytes(), result.shape).to_bytes() == result.to_bytes()
        assert not bool((result.values.view(torch.int32) == -(2**31)).any())
    assert all(torch.equal(values, copy) for values, copy in zip(given, before, strict=True))


def test_contributions_are_added_from_the_last_use_on() -> None:
    """A tensor that is used three times adds what arrives in the order of the page."""
    big, one = 2.0**24, 1.0
    x = nn.variable(Tensor.of([1.0], [1]))
    first, second, third = nn.scale(x, one), nn.scale(x, -big), nn.scale(x, big)
    total = nn.add(nn.add(first, second), third)
    # third, then second, then first: (2^24 - 2^24) + 1. From the first use on it would be (1 - 2^24) + 2^24.
    assert nn.gradients(nn.sum_over(total), [x])[0].numbers() == [1.0]
    first, second, third = nn.scale(x, big), nn.scale(x, one), nn.scale(x, one)
    total = nn.add(nn.add(first, second), third)
    assert nn.gradients(nn.sum_over(total), [x])[0].numbers() == [2.0**24 + 2]
    first, second, third = nn.scale(x, one), nn.scale(x, one), nn.scale(x, big)
    total = nn.add(nn.add(first, second), third)
    assert nn.gradients(nn.sum_over(total), [x])[0].numbers() == [2.0**24]


def test_what_a_result_does_not_depend_on_has_gradient_zero() -> None:
    """Also plain tensors and variables of another graph."""
    x, other = nn.variable(Tensor.of([2.0, 3.0], [2])), nn.variable(Tensor.of([1.0], [1]))
    total = nn.sum_over(nn.multiply(x, x.plain()))
    assert [g.numbers() for g in nn.gradients(total, [x, other])] == [[2.0, 3.0], [0.0]]


def test_gradients_start_from_a_number() -> None:
    """Anything else is refused."""
    with pytest.raises(nn.InvalidShape):
        nn.gradients(nn.variable(Tensor.of([1.0, 2.0], [2])), [])


def test_long_chains_are_walked_without_recursion() -> None:
    """A graph of 20,000 operators in a row has gradients."""
    x = nn.variable(Tensor.of([1.0], []))
    y = x
    for _ in range(20_000):
        y = nn.shift(y, 1.0)
    assert nn.gradients(y, [x])[0].numbers() == [1.0]
