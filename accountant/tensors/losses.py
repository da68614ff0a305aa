"""Softmax, log-softmax, and the losses built on them."""

from accountant.tensors import elementary
from accountant.tensors.arithmetic import multiply, negative, subtract
from accountant.tensors.errors import InvalidShape
from accountant.tensors.gathering import gather
from accountant.tensors.ieee import Values, minus, over, times
from accountant.tensors.reductions import mean_over
from accountant.tensors.shapes import axis_of
from accountant.tensors.shaping import reshape
from accountant.tensors.sums import exact_sum
from accountant.tensors.tape import recorded
from accountant.tensors.values import Indices, Tensor


def _parts(x: Values, axis: int) -> tuple[Values, Values, Values]:
    """Of x: itself minus its largest value, e to that, and the exact sum of those."""
    below = minus(x, x.amax(dim=axis, keepdim=True))
    powers = elementary.narrow_map(elementary.exp, below)
    return below, powers, exact_sum(powers, (axis,), keep=True)


def softmax(tensor: Tensor, axis: int = -1) -> Tensor:
    """e^(x - max) ÷ Σ e^(x - max). Gradient: result × (g - Σ g × result)."""
    chosen = axis_of(axis, len(tensor.shape))
    if tensor.count == 0:
        return recorded(tensor.values, (tensor,), lambda g: (g,))
    _, powers, total = _parts(tensor.values, chosen)
    result = over(powers, total)

    def backward(g: Values) -> tuple[Values]:
        return (times(result, minus(g, exact_sum(times(g, result), (chosen,), keep=True))),)

    return recorded(result, (tensor,), backward)


def log_softmax(tensor: Tensor, axis: int = -1) -> Tensor:
    """(x - max) - log Σ e^(x - max). Gradient: g - softmax × Σ g."""
    chosen = axis_of(axis, len(tensor.shape))
    if tensor.count == 0:
        return recorded(tensor.values, (tensor,), lambda g: (g,))
    below, powers, total = _parts(tensor.values, chosen)

    def backward(g: Values) -> tuple[Values]:
        return (minus(g, times(over(powers, total), exact_sum(g, (chosen,), keep=True))),)

    return recorded(minus(below, elementary.narrow_map(elementary.log, total)), (tensor,), backward)


def cross_entropy(logits: Tensor, labels: Indices) -> Tensor:
    """The mean over rows [N, C] of -log softmax at the label."""
    if len(logits.shape) != 2 or labels.shape != logits.shape[:1]:
        raise InvalidShape(f"logits of {logits.shape} with labels of {labels.shape}")
    chosen = gather(log_softmax(logits), 1, Indices(labels.values.unsqueeze(1)))
    return negative(mean_over(reshape(chosen, labels.shape)))


def mean_squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """The mean of (prediction - target)²."""
    if prediction.shape != target.shape:
        raise InvalidShape(f"{prediction.shape} compared with {target.shape}")
    difference = subtract(prediction, target)
    return mean_over(multiply(difference, difference))
