"""Elementwise operators with broadcasting, and their gradients."""

import torch

from accountant.tensors import elementary
from accountant.tensors.ieee import Values, minus, negated, over, plus, root, scalar, times
from accountant.tensors.shapes import Shape, broadcast, stretched_axes
from accountant.tensors.sums import exact_sum
from accountant.tensors.tape import recorded
from accountant.tensors.values import Tensor

GELU_SCALE = 0.7978845608028654  # √(2/π)
GELU_CUBE = 0.044715


def unbroadcast(gradient: Values, shape: Shape) -> Values:
    """Sums what arrives at an operand that was stretched."""
    axes = stretched_axes(shape, tuple(gradient.shape))
    return exact_sum(gradient, axes, keep=True).reshape(shape) if axes else gradient.reshape(shape)


def add(left: Tensor, right: Tensor) -> Tensor:
    """The sum of two tensors."""
    broadcast(left.shape, right.shape)
    return recorded(
        plus(left.values, right.values),
        (left, right),
        lambda g: (unbroadcast(g, left.shape), unbroadcast(g, right.shape)),
    )


def subtract(left: Tensor, right: Tensor) -> Tensor:
    """The left without the right."""
    broadcast(left.shape, right.shape)
    return recorded(
        minus(left.values, right.values),
        (left, right),
        lambda g: (unbroadcast(g, left.shape), unbroadcast(negated(g), right.shape)),
    )


def multiply(left: Tensor, right: Tensor) -> Tensor:
    """The product, element by element."""
    broadcast(left.shape, right.shape)
    x, y = left.values, right.values
    return recorded(
        times(x, y),
        (left, right),
        lambda g: (unbroadcast(times(g, y), left.shape), unbroadcast(times(g, x), right.shape)),
    )


def divide(left: Tensor, right: Tensor) -> Tensor:
    """The quotient. Gradient of right: -((g × result) ÷ right)."""
    broadcast(left.shape, right.shape)
    y = right.values
    result = over(left.values, y)
    return recorded(
        result,
        (left, right),
        lambda g: (unbroadcast(over(g, y), left.shape), unbroadcast(negated(over(times(g, result), y)), right.shape)),
    )


def scale(tensor: Tensor, factor: float) -> Tensor:
    """Every value × a number rounded to binary32."""
    number = scalar(factor, tensor.values)
    return recorded(times(tensor.values, number), (tensor,), lambda g: (times(g, number),))


def shift(tensor: Tensor, number: float) -> Tensor:
    """Every value + a number rounded to binary32."""
    return recorded(plus(tensor.values, scalar(number, tensor.values)), (tensor,), lambda g: (g,))


def negative(tensor: Tensor) -> Tensor:
    """-x; 0 stays 0."""
    return recorded(negated(tensor.values), (tensor,), lambda g: (negated(g),))


def sqrt(tensor: Tensor) -> Tensor:
    """The square root. Gradient: g ÷ (2 × result)."""
    result = root(tensor.values)
    return recorded(result, (tensor,), lambda g: (over(g, plus(result, result)),))


def exp(tensor: Tensor) -> Tensor:
    """e^x. Gradient: g × result."""
    result = elementary.narrow_map(elementary.exp, tensor.values)
    return recorded(result, (tensor,), lambda g: (times(g, result),))


def log(tensor: Tensor) -> Tensor:
    """The natural logarithm. Gradient: g ÷ x."""
    x = tensor.values
    return recorded(elementary.narrow_map(elementary.log, x), (tensor,), lambda g: (over(g, x),))


def sigmoid(tensor: Tensor) -> Tensor:
    """1 ÷ (1 + e^-x). Gradient: g × (result × (1 - result))."""
    result = elementary.narrow_map(elementary.sigmoid, tensor.values)
    one = scalar(1.0, result)
    return recorded(result, (tensor,), lambda g: (times(g, times(result, minus(one, result))),))


def tanh(tensor: Tensor) -> Tensor:
    """The hyperbolic tangent. Gradient: g × (1 - result × result)."""
    result = elementary.narrow_map(elementary.tanh, tensor.values)
    one = scalar(1.0, result)
    return recorded(result, (tensor,), lambda g: (times(g, minus(one, times(result, result))),))


def relu(tensor: Tensor) -> Tensor:
    """The larger of x and 0; NaN stays. Gradient: 0 where x ≤ 0, else g."""
    result = torch.relu(tensor.values)
    return recorded(result, (tensor,), lambda g: (torch.ops.aten.threshold_backward(g, result, 0.0),))


def _gelu(x: torch.Tensor) -> torch.Tensor:
    inner = (x * x).mul_(x).mul_(GELU_CUBE).add_(x).mul_(GELU_SCALE)
    return (elementary.tanh(inner).add_(1.0)).mul_(x * 0.5)


def _gelu_slope(x: torch.Tensor) -> torch.Tensor:
    square = x * x
    inner = (square * x).mul_(GELU_CUBE).add_(x).mul_(GELU_SCALE)
    t = elementary.tanh(inner)
    inner_slope = (square * (3.0 * GELU_CUBE)).add_(1.0).mul_(GELU_SCALE)
    rising = (1.0 - t * t).mul_(inner_slope).mul_(x * 0.5)
    return (t + 1.0).mul_(0.5).add_(rising)


def gelu(tensor: Tensor) -> Tensor:
    """The Gaussian error linear unit, x × Φ(x), in its tanh form. Gradient: g × the slope rounded to binary32."""
    x = tensor.values
    return recorded(
        elementary.narrow_map(_gelu, x), (tensor,), lambda g: (times(g, elementary.narrow_map(_gelu_slope, x)),)
    )


def where(condition: torch.Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Left where the condition holds, else right. The condition has the result's shape."""
    shape = broadcast(left.shape, right.shape)
    assert tuple(condition.shape) == shape
    return recorded(
        torch.where(condition, left.values, right.values),
        (left, right),
        lambda g: (
            unbroadcast(torch.where(condition, g, 0.0), left.shape),
            unbroadcast(torch.where(condition, 0.0, g), right.shape),
        ),
    )
