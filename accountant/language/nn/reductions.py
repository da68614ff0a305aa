"""Sums, means, largest values, softmax, and losses."""

from accountant.language.nn.exact import exact
from accountant.language.nn.values import Indices, Sizes, Tensor


def sum(tensor: Tensor, axes: Sizes = (), keep: bool = False) -> Tensor:
    """The exact sum over the axes (all of them unless said), rounded once. `keep`: as axes of size 1."""
    return Tensor(exact.sum_over(tensor.exact, axes if axes != () else None, keep=keep))


def mean(tensor: Tensor, axes: Sizes = (), keep: bool = False) -> Tensor:
    """The sum ÷ the number of elements in it."""
    return Tensor(exact.mean_over(tensor.exact, axes if axes != () else None, keep=keep))


def max(tensor: Tensor, axis: int = -1, keep: bool = False) -> Tensor:
    """The largest value along an axis; the gradient goes to the first of equals."""
    return Tensor(exact.max_over(tensor.exact, axis, keep=keep))


def argmax(tensor: Tensor, axis: int = -1) -> Indices:
    """Where the largest value lies along an axis: the first of equals."""
    return Indices(exact.argmax(tensor.exact, axis))


def softmax(tensor: Tensor, axis: int = -1) -> Tensor:
    """Positive numbers along an axis whose sum is 1."""
    return Tensor(exact.softmax(tensor.exact, axis))


def log_softmax(tensor: Tensor, axis: int = -1) -> Tensor:
    """The logarithm of softmax, without its loss of precision."""
    return Tensor(exact.log_softmax(tensor.exact, axis))


def cross_entropy(logits: Tensor, labels: Indices) -> Tensor:
    """The mean over rows of logits [N, C] of -log softmax at the label [N]."""
    return Tensor(exact.cross_entropy(logits.exact, labels.exact))


def mean_squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """The mean of (prediction - target)²; both have one shape."""
    return Tensor(exact.mean_squared_error(prediction.exact, target.exact))


def ctc_loss(log_probabilities: Tensor, targets: Indices, times: Indices, lengths: Indices, blank: int = 0) -> Tensor:
    """-log P of each target, [N].

    Log probabilities [T, N, C], targets [N, S], times [N] from 1 to T, lengths [N] up to S.
    """
    return Tensor(exact.ctc_loss(log_probabilities.exact, targets.exact, times.exact, lengths.exact, blank=blank))
