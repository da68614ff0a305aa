"""Normalisation, all of it made of other operators."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.numpy_twin.arithmetic import add, divide, multiply, shift, sqrt, subtract
from tests.support.numpy_twin.reductions import mean_over
from tests.support.numpy_twin.shaping import reshape
from tests.support.numpy_twin.values import Tensor, plus, s32, times


@dataclass
class Normalised:
    """A batch's result and the running moments after it."""

    result: Tensor
    running_mean: Tensor
    running_variance: Tensor


def _standard(x: Tensor, axes: Sequence[int], epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    m = mean_over(x, axes, keep=True)
    c = subtract(x, m)
    v = mean_over(multiply(c, c), axes, keep=True)
    return divide(c, sqrt(shift(v, epsilon))), m, v


def layer_norm(
    tensor: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, *, epsilon: float = 1e-05
) -> Tensor:
    y, _, _ = _standard(tensor, [len(tensor.shape) - 1], epsilon)
    y = y if weight is None else multiply(y, weight)
    return y if bias is None else add(y, bias)


def _channels(tensor: Tensor, rank: int) -> Tensor:
    return reshape(tensor, [1, tensor.shape[0], *[1] * (rank - 2)])


def batch_norm(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_variance: Tensor,
    *,
    momentum: float = 0.1,
    epsilon: float = 1e-05,
) -> Normalised:
    rank = len(tensor.shape)
    z, m, v = _standard(tensor, [axis for axis in range(rank) if axis != 1], epsilon)

    def running(old: Tensor, new: Tensor) -> Tensor:
        fresh = times(new.values.reshape(old.shape), s32(momentum))
        return Tensor(plus(times(old.values, s32(1 - momentum)), fresh))

    y = add(multiply(z, _channels(weight, rank)), _channels(bias, rank))
    return Normalised(y, running(running_mean, m), running(running_variance, v))


def batch_norm_fixed(
    tensor: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_variance: Tensor,
    *,
    epsilon: float = 1e-05,
) -> Tensor:
    rank = len(tensor.shape)
    c = subtract(tensor, _channels(running_mean, rank))
    s = sqrt(shift(_channels(running_variance, rank), epsilon))
    return add(multiply(divide(c, s), _channels(weight, rank)), _channels(bias, rank))
