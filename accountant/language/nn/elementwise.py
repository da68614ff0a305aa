"""Operators on each element. Of two tensors the shapes are broadcast, as NumPy does it."""

from accountant.language.nn.exact import exact
from accountant.language.nn.values import Tensor


def add(left: Tensor, right: Tensor) -> Tensor:
    """The sum; also `left + right`."""
    return left + right


def subtract(left: Tensor, right: Tensor) -> Tensor:
    """The left without the right; also `left - right`."""
    return left - right


def multiply(left: Tensor, right: Tensor) -> Tensor:
    """The product of each two elements; also `left * right`."""
    return left * right


def divide(left: Tensor, right: Tensor) -> Tensor:
    """The quotient; also `left / right`."""
    return left / right


def scale(tensor: Tensor, factor: float) -> Tensor:
    """Every element times a number; also `tensor * 0.5`."""
    return tensor * factor


def shift(tensor: Tensor, number: float) -> Tensor:
    """Every element plus a number; also `tensor + 0.5`."""
    return tensor + number


def negative(tensor: Tensor) -> Tensor:
    """Also `-tensor`."""
    return -tensor


def sqrt(tensor: Tensor) -> Tensor:
    """The square root."""
    return Tensor(exact.sqrt(tensor.exact))


def exp(tensor: Tensor) -> Tensor:
    """The number e to the power of each element."""
    return Tensor(exact.exp(tensor.exact))


def log(tensor: Tensor) -> Tensor:
    """The natural logarithm."""
    return Tensor(exact.log(tensor.exact))


def sigmoid(tensor: Tensor) -> Tensor:
    """1 ÷ (1 + e^-x)."""
    return Tensor(exact.sigmoid(tensor.exact))


def tanh(tensor: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return Tensor(exact.tanh(tensor.exact))


def relu(tensor: Tensor) -> Tensor:
    """The larger of x and 0."""
    return Tensor(exact.relu(tensor.exact))


def gelu(tensor: Tensor) -> Tensor:
    """The Gaussian error linear unit in its tanh form."""
    return Tensor(exact.gelu(tensor.exact))
