"""Optimisers against torch's, and networks that learn."""

from collections.abc import Callable

import pytest
import torch

import accountant.tensors as nn
from accountant.tensors import Adam, Indices, Momentum, Precision, Stream, Tensor
from tests.support.small_networks import (
    Loss,
    blobs,
    cnn_loss,
    cnn_weights,
    train_adam,
    train_sgd,
    transformer_loss,
    transformer_weights,
)

START = nn.uniform(Stream(1, 1), (5, 3), -1.0, 1.0).values


def _quartic(weight: Tensor) -> Tensor:
    square = nn.multiply(nn.shift(weight, -0.5), nn.shift(weight, -0.5))
    return nn.sum_over(nn.multiply(square, square))


def _torch_weights(make: Callable[[list[torch.Tensor]], torch.optim.Optimizer], steps: int) -> torch.Tensor:
    weight = START.double().clone().requires_grad_()
    optimiser = make([weight])
    for _ in range(steps):
        optimiser.zero_grad()
        torch.autograd.backward(((weight - 0.5) ** 4).sum())
        optimiser.step()
    return weight.detach()


def test_momentum_is_torchs() -> None:
    """30 steps with decay stay within rounding of torch's in binary64."""
    weights, velocities = [nn.variable(Tensor(START))], nn.zeros_like([Tensor(START)])
    for _ in range(30):
        slopes = nn.gradients(_quartic(weights[0]), weights)
        weights, velocities = nn.sgd_step(weights, slopes, velocities, Momentum(0.02, 0.9, 0.1))
    expected = _torch_weights(lambda w: torch.optim.SGD(w, 0.02, 0.9, weight_decay=0.1), 30)
    assert torch.allclose(weights[0].values.double(), expected, atol=1e-5)


def test_adam_is_torchs() -> None:
    """30 steps with decay stay within rounding of torch's in binary64."""
    weights = [nn.variable(Tensor(START))]
    moments = nn.no_moments(weights)
    for _ in range(30):
        slopes = nn.gradients(_quartic(weights[0]), weights)
        weights, moments = nn.adam_step(weights, slopes, moments, Adam(0.01, decay=0.1))
    expected = _torch_weights(lambda w: torch.optim.Adam(w, 0.01, weight_decay=0.1), 30)
    assert torch.allclose(weights[0].values.double(), expected, atol=1e-5)


def test_clipping_is_torchs_and_leaves_short_gradients_alone() -> None:
    """A norm above the limit becomes the limit; one below stays bit for bit."""
    slopes = [Tensor(START), nn.uniform(Stream(1, 2), (4,), -1.0, 1.0)]
    clipped = nn.clip_gradients(slopes, 0.5)
    norm = torch.cat([slope.values.reshape(-1) for slope in clipped]).double().norm()
    assert abs(float(norm) - 0.5) < 1e-6
    assert [slope.to_bytes() for slope in nn.clip_gradients(slopes, 100.0)] == [slope.to_bytes() for slope in slopes]
    assert nn.clip_gradients([], 1.0) == []


def _accuracy(weights: list[Tensor], x: Tensor, labels: Indices) -> float:
    """Of the CNN, from its own layers."""
    x = nn.relu(nn.conv2d(x, weights[0], padding=1))
    x = nn.max_pool2d(nn.relu(nn.conv2d(x, weights[1], padding=1)), 2)
    x = nn.mean_pool2d(nn.relu(nn.conv2d(x, weights[2], padding=1)), 4)
    guesses = nn.argmax(nn.matmul(nn.reshape(x, (x.shape[0], 16)), weights[3]), 1)
    return float((guesses.values == labels.values).double().mean())


@pytest.mark.parametrize("precision", list(Precision))
def test_a_small_cnn_learns(precision: Precision) -> None:
    """Patterns in noise are told apart after 90 steps; with `EXACT8` too."""
    x, labels = blobs(32, (1, 8, 8))
    weights, losses = train_sgd(cnn_weights(), cnn_loss(precision), x, labels, 90)
    assert losses[-1] < 0.5 * losses[0]
    assert _accuracy(weights, x, labels) > 0.9


def test_a_small_transformer_learns() -> None:
    """Two layers of attention overcome dropout in 40 steps of Adam."""
    x, labels = blobs(32, (6, 8))
    _, losses = train_adam(transformer_weights(), transformer_loss, x, labels, 40)
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize(("make", "loss"), [(cnn_weights, cnn_loss()), (transformer_weights, transformer_loss)])
def test_exact_training_stays_near_binary64s(make: Callable[[], list[Tensor]], loss: Loss) -> None:
    """One step's gradients differ from central differences of the loss by what rounding explains."""
    x, labels = blobs(16, (1, 8, 8) if make is cnn_weights else (6, 8))
    weights = make()
    slopes = nn.gradients(loss(weights, x, labels), weights)
    way = [nn.uniform(Stream(8, at), weight.shape, -1.0, 1.0) for at, weight in enumerate(weights)]
    step = 2.0**-9

    def along(distance: float) -> float:
        moved = [nn.add(w.plain(), nn.scale(d, distance)) for w, d in zip(weights, way, strict=True)]
        return loss(moved, x, labels).numbers()[0]

    expected = (along(step) - along(-step)) / (2 * step)
    ours = sum(float((g.values * d.values).double().sum()) for g, d in zip(slopes, way, strict=True))
    assert abs(ours - expected) < 0.02 * max(1.0, abs(expected))
