"""Layer and batch normalisation, made of other operators, so that their gradients are those operators'."""

from collections.abc import Sequence
from typing import NamedTuple

from accountant.tensors.arithmetic import add, divide, multiply, scale, shift, sqrt, subtract
from accountant.tensors.errors import InvalidShape
from accountant.tensors.reductions import mean_over
from accountant.tensors.shaping import reshape
from accountant.tensors.values import Tensor


class Normalised(NamedTuple):
    """A batch normalised by its own statistics, and the running ones that follow from it."""

    result: Tensor
    running_mean: Tensor
    running_variance: Tensor


def _standardised(tensor: Tensor, axes: Sequence[int], epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """(x - mean) ÷ √(variance + ε), the mean, and the variance: the mean of (x - mean)²."""
    mean = mean_over(tensor, axes, keep=True)
    centred = subtract(tensor, mean)
    variance = mean_over(multiply(centred, centred), axes, keep=True)
    return divide(centred, sqrt(shift(variance, epsilon))), mean, variance


def layer_norm(
    tensor: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, *, epsilon: float = 1e-5
) -> Tensor:
    """Normalises the last dimension, then × weight + bias, both of its size."""
    for parameter in (weight, bias):
        if not tensor.shape or (parameter is not None and parameter.shape != tensor.shape[-1:]):
            raise InvalidShape(f"a parameter for the last dimension of {tensor.shape} does not fit")
    result, _, _ = _standardised(tensor, (-1,), epsilon)
    if weight is not None:
        result = multiply(result, weight)
    return result if bias is None else add(result, bias)


def _per_channel(tensor: Tensor, rank: int) -> Tensor:
    return reshape(tensor, (1, tensor.count, *(1,) * (rank - 2)))


def batch_norm(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_variance: Tensor,
    *,
    momentum: float = 0.1,
    epsilon: float = 1e-5,
) -> Normalised:
    """Training: normalises each channel (axis 1) over all other axes.

    Running ← (1 - momentum) × running + momentum × new. The running variance is the batch's own, divided by the count,
    not by one less.
    """
    rank = len(tensor.shape)
    _check_channels(tensor, weight, bias, running_mean, running_variance)
    axes = tuple(axis for axis in range(rank) if axis != 1)
    result, mean, variance = _standardised(tensor, axes, epsilon)
    moved = [
        add(scale(before.plain(), 1.0 - momentum), scale(reshape(now.plain(), before.shape), momentum))
        for before, now in ((running_mean, mean), (running_variance, variance))
    ]
    scaled = add(multiply(result, _per_channel(weight, rank)), _per_channel(bias, rank))
    return Normalised(scaled, *moved)


def batch_norm_fixed(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_variance: Tensor,
    *,
    epsilon: float = 1e-5,
) -> Tensor:
    """Use: normalises by the running statistics, so that a sample's result depends on no other sample."""
    rank = len(tensor.shape)
    _check_channels(tensor, weight, bias, running_mean, running_variance)
    centred = subtract(tensor, _per_channel(running_mean, rank))
    spread = sqrt(shift(_per_channel(running_variance, rank), epsilon))
    return add(multiply(divide(centred, spread), _per_channel(weight, rank)), _per_channel(bias, rank))


def _check_channels(tensor: Tensor, *parameters: Tensor) -> None:
    if len(tensor.shape) < 2:
        raise InvalidShape(f"{tensor.shape} has no channels")
    for parameter in parameters:
        if parameter.shape != (tensor.shape[1],):
            raise InvalidShape(f"a parameter of {parameter.shape} for {tensor.shape[1]} channels")
