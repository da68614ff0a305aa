"""Steps of training: stochastic gradient descent with momentum, Adam, and clipping of gradients.

All of it elementwise on binary32 with one rounding for each operation, in the order that the formulas are written.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from accountant.tensors.errors import InvalidShape, InvalidTensor
from accountant.tensors.ieee import Values, minus, over, plus, root, scalar, times
from accountant.tensors.sums import exact_sum
from accountant.tensors.tape import variable
from accountant.tensors.values import Tensor


class Momentum(NamedTuple):
    """SGD's settings. v ← momentum × v + (g + decay × w); w ← w - rate × v."""

    rate: float
    momentum: float = 0.0
    decay: float = 0.0


class Adam(NamedTuple):
    """Adam's settings; see `adam_step`."""

    rate: float = 1e-3
    first: float = 0.9
    second: float = 0.999
    epsilon: float = 1e-8
    decay: float = 0.0


class Moments(NamedTuple):
    """What Adam remembers: running means of gradients and of their squares; the settings to the power of the steps."""

    means: list[Tensor]
    squares: list[Tensor]
    first_power: float
    second_power: float


def _check(weights: Sequence[Tensor], *others: Sequence[Tensor]) -> None:
    for other in others:
        if [tensor.shape for tensor in weights] != [tensor.shape for tensor in other]:
            raise InvalidShape("weights, gradients and what the optimiser remembers must have the same shapes")


def zeros_like(weights: Sequence[Tensor]) -> list[Tensor]:
    """Where an optimiser starts."""
    return [Tensor(torch.zeros_like(weight.values)) for weight in weights]


def _decayed(weight: Values, gradient: Values, decay: float) -> Values:
    return gradient if decay == 0.0 else plus(gradient, times(scalar(decay, weight), weight))


def sgd_step(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], velocities: Sequence[Tensor], settings: Momentum
) -> tuple[list[Tensor], list[Tensor]]:
    """New weights, as variables, and velocities. Without decay its term is left out."""
    _check(weights, gradients, velocities)
    moved, kept = [], []
    for weight, gradient, velocity in zip(weights, gradients, velocities, strict=True):
        w = weight.values
        pull = _decayed(w, gradient.values, settings.decay)
        v = plus(times(scalar(settings.momentum, w), velocity.values), pull)
        moved.append(variable(Tensor(minus(w, times(scalar(settings.rate, w), v)))))
        kept.append(Tensor(v))
    return moved, kept


def no_moments(weights: Sequence[Tensor]) -> Moments:
    """Before Adam's first step."""
    return Moments(zeros_like(weights), zeros_like(weights), 1.0, 1.0)


def adam_step(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], moments: Moments, settings: Adam
) -> tuple[list[Tensor], Moments]:
    """One step: m ← β₁m + (1 - β₁)g; v ← β₂v + (1 - β₂)(g × g); w ← w - rate × ((m ÷ c₁) ÷ (√(v ÷ c₂) + ε)).

    cᵢ is 1 - βᵢ^step. The powers are running products in binary64, and all numbers are rounded to binary32 before use.
    """
    _check(weights, gradients, moments.means, moments.squares)
    powers = moments.first_power * settings.first, moments.second_power * settings.second
    moved, means, squares = [], [], []
    for weight, gradient, mean, square in zip(weights, gradients, moments.means, moments.squares, strict=True):
        w = weight.values
        g = _decayed(w, gradient.values, settings.decay)
        m = plus(times(scalar(settings.first, w), mean.values), times(scalar(1.0 - settings.first, w), g))
        v = plus(times(scalar(settings.second, w), square.values), times(scalar(1.0 - settings.second, w), times(g, g)))
        spread = plus(root(over(v, scalar(1.0 - powers[1], w))), scalar(settings.epsilon, w))
        step = times(scalar(settings.rate, w), over(over(m, scalar(1.0 - powers[0], w)), spread))
        moved.append(variable(Tensor(minus(w, step))))
        means.append(Tensor(m))
        squares.append(Tensor(v))
    return moved, Moments(means, squares, *powers)


def clip_gradients(gradients: Sequence[Tensor], most: float) -> list[Tensor]:
    """All × (most ÷ norm) where the norm of all together is greater; else unchanged.

    The norm is the root of the exact sum of the exact sums, each rounded, of the squares of each gradient.
    """
    if not most >= 0.0 or math.isinf(most):
        raise InvalidTensor(f"a largest norm of {most}")
    if not gradients:
        return []
    parts = [exact_sum(times(g.values, g.values), range(g.values.dim())).reshape(1) for g in gradients]
    norm = root(exact_sum(torch.cat(parts), (0,)))
    limit = scalar(most, norm)
    if not bool(norm > limit):
        return list(gradients)
    factor = over(limit, norm)
    return [Tensor(times(g.values, factor)) for g in gradients]
