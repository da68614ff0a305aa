"""Optimisers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.support.numpy_twin.sums import xsum
from tests.support.numpy_twin.values import Singles, Tensor, minus, over, plus, root, s32, times


@dataclass(frozen=True)
class Momentum:
    """Settings of gradient descent."""

    rate: float
    momentum: float = 0.0
    decay: float = 0.0


@dataclass(frozen=True)
class Adam:
    """Settings of Adam."""

    rate: float = 0.001
    first: float = 0.9
    second: float = 0.999
    epsilon: float = 1e-08
    decay: float = 0.0


@dataclass
class Moments:
    """What Adam keeps."""

    means: list[Tensor]
    squares: list[Tensor]
    first_power: float
    second_power: float


def zeros_like(weights: Sequence[Tensor]) -> list[Tensor]:
    return [Tensor(np.zeros_like(weight.values)) for weight in weights]


def no_moments(weights: Sequence[Tensor]) -> Moments:
    return Moments(zeros_like(weights), zeros_like(weights), 1.0, 1.0)


def _decayed(weight: Singles, gradient: Singles, decay: float) -> Singles:
    return gradient if decay == 0 else plus(gradient, times(s32(decay), weight))


def sgd_step(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], velocities: Sequence[Tensor], settings: Momentum
) -> tuple[list[Tensor], list[Tensor]]:
    moved, kept = [], []
    for w, g, v in zip(weights, gradients, velocities, strict=True):
        h = _decayed(w.values, g.values, settings.decay)
        velocity = plus(times(s32(settings.momentum), v.values), h)
        moved.append(Tensor(minus(w.values, times(s32(settings.rate), velocity))))
        kept.append(Tensor(velocity))
    return moved, kept


def adam_step(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], moments: Moments, settings: Adam
) -> tuple[list[Tensor], Moments]:
    p1, p2 = moments.first_power * settings.first, moments.second_power * settings.second
    after = Moments([], [], p1, p2)
    moved = []
    for w, g, m, v in zip(weights, gradients, moments.means, moments.squares, strict=True):
        h = _decayed(w.values, g.values, settings.decay)
        mean = plus(times(s32(settings.first), m.values), times(s32(1 - settings.first), h))
        square = plus(times(s32(settings.second), v.values), times(s32(1 - settings.second), times(h, h)))
        step = over(over(mean, s32(1 - p1)), plus(root(over(square, s32(1 - p2))), s32(settings.epsilon)))
        moved.append(Tensor(minus(w.values, times(s32(settings.rate), step))))
        after.means.append(Tensor(mean))
        after.squares.append(Tensor(square))
    return moved, after


def clip_gradients(gradients: Sequence[Tensor], most: float) -> list[Tensor]:
    parts = [xsum(times(g.values, g.values), range(g.values.ndim)) for g in gradients]
    norm = root(xsum(np.array(parts, dtype=np.float32), (0,)))
    if not norm > s32(most):
        return list(gradients)
    return [Tensor(times(g.values, over(s32(most), norm))) for g in gradients]
