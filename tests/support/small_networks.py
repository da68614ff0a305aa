"""Small networks and data made from counters: what training tests and digests run."""

from collections.abc import Callable, Sequence

import accountant.tensors as nn
from accountant.tensors import Adam, Indices, Momentum, Precision, Stream, Tensor

CLASSES = 4
Loss = Callable[[Sequence[Tensor], Tensor, Indices], Tensor]


def blobs(samples: int, shape: tuple[int, ...], seed: int = 5) -> tuple[Tensor, Indices]:
    """Noise around one pattern for each class."""
    patterns = nn.normal(Stream(seed, 0), (CLASSES, *shape))
    labels = Indices(nn.permutation(Stream(seed, 1), samples).values % CLASSES)
    noise = nn.normal(Stream(seed, 2), (samples, *shape), 0.0, 1.5)
    return nn.add(nn.take(patterns, 0, labels), noise), labels


def cnn_weights(seed: int = 11) -> list[Tensor]:
    """Three convolutions and a linear layer on 1 × 8 × 8 images."""
    shapes = [(16, 1, 3, 3), (16, 16, 3, 3), (16, 16, 3, 3), (16, CLASSES)]
    return [nn.variable(nn.uniform(Stream(seed, at), shape, -0.2, 0.2)) for at, shape in enumerate(shapes)]


def cnn_loss(precision: Precision = Precision.EXACT20) -> Loss:
    """Convolutions, pooling of both kinds, cross-entropy."""

    def loss(weights: Sequence[Tensor], x: Tensor, labels: Indices) -> Tensor:
        x = nn.relu(nn.conv2d(x, weights[0], padding=1, precision=precision))
        x = nn.max_pool2d(nn.relu(nn.conv2d(x, weights[1], padding=1, precision=precision)), 2)
        x = nn.mean_pool2d(nn.relu(nn.conv2d(x, weights[2], padding=1, precision=precision)), 4)
        return nn.cross_entropy(nn.matmul(nn.reshape(x, (x.shape[0], 16)), weights[3], precision), labels)

    return loss


def transformer_weights(seed: int = 12) -> list[Tensor]:
    """Two layers of attention and a feed-forward part, width 16, on sequences of 6 vectors of 8."""
    shapes = [(8, 16), *[(16, 48), (16, 16), (16, 32), (32, 16)] * 2, (16, CLASSES)]
    return [nn.variable(nn.uniform(Stream(seed, at), shape, -0.3, 0.3)) for at, shape in enumerate(shapes)]


def transformer_loss(weights: Sequence[Tensor], x: Tensor, labels: Indices) -> Tensor:
    """Two heads, layer norm before each part, GELU, dropout."""
    x = nn.matmul(x, weights[0])
    samples, length, width = x.shape
    for layer in range(2):
        into, out, up, down = weights[1 + 4 * layer : 5 + 4 * layer]
        heads = nn.reshape(nn.matmul(nn.layer_norm(x), into), (samples, length, 3, 2, width // 2))
        heads = nn.transpose(heads, (2, 0, 3, 1, 4))
        query, key, value = (nn.reshape(nn.slice_of(heads, 0, at, at + 1), heads.shape[1:]) for at in range(3))
        seen = nn.transpose(nn.attention(query, key, value, causal=True), (0, 2, 1, 3))
        x = nn.add(x, nn.matmul(nn.reshape(seen, x.shape), out))
        wide = nn.gelu(nn.matmul(nn.layer_norm(x), up))
        x = nn.add(x, nn.matmul(nn.dropout(wide, 0.1, Stream(3, layer)), down))
    return nn.cross_entropy(nn.matmul(nn.mean_over(x, 1), weights[-1]), labels)


def train_sgd(
    weights: list[Tensor], loss: Loss, x: Tensor, labels: Indices, steps: int
) -> tuple[list[Tensor], list[float]]:
    """Momentum, clipped gradients; the losses on the way."""
    velocities, losses = nn.zeros_like(weights), []
    for _ in range(steps):
        result = loss(weights, x, labels)
        slopes = nn.clip_gradients(nn.gradients(result, weights), 1.0)
        weights, velocities = nn.sgd_step(weights, slopes, velocities, Momentum(0.1, 0.9, 1e-4))
        losses.append(result.numbers()[0])
    return weights, losses


def train_adam(
    weights: list[Tensor], loss: Loss, x: Tensor, labels: Indices, steps: int
) -> tuple[list[Tensor], list[float]]:
    """Adam; the losses on the way."""
    moments, losses = nn.no_moments(weights), []
    for _ in range(steps):
        result = loss(weights, x, labels)
        weights, moments = nn.adam_step(weights, nn.gradients(result, weights), moments, Adam(3e-3))
        losses.append(result.numbers()[0])
    return weights, losses
