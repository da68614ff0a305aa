"""Whole training steps: forward, gradients and the optimiser, exact and by torch, with the same layers and weights."""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F

import accountant.tensors as nn
from accountant.tensors import Indices, Momentum, Precision, Stream, Tensor

RATE, MOMENTUM = 0.05, 0.9


class Network(NamedTuple):
    """Shapes of weights and data, and both forward passes from (weights, x) to logits."""

    shapes: tuple[tuple[int, ...], ...]
    data: tuple[int, ...]
    classes: int
    exact: Callable[[Sequence[Tensor], Tensor, Precision], Tensor]
    plain: Callable[[Sequence[torch.Tensor], torch.Tensor], torch.Tensor]
    large: bool = False


def _mlp(w: Sequence[Tensor], x: Tensor, precision: Precision) -> Tensor:
    for layer in range(0, len(w) - 2, 2):
        x = nn.relu(nn.add(nn.matmul(x, w[layer], precision), w[layer + 1]))
    return nn.add(nn.matmul(x, w[-2], precision), w[-1])


def _mlp_plain(w: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    for layer in range(0, len(w) - 2, 2):
        x = F.relu(x @ w[layer] + w[layer + 1])
    return x @ w[-2] + w[-1]


def _cnn(w: Sequence[Tensor], x: Tensor, precision: Precision) -> Tensor:
    for layer in range(0, 6, 2):
        x = nn.relu(nn.conv2d(x, w[layer], w[layer + 1], padding=1, precision=precision))
    return nn.add(nn.matmul(nn.mean_over(x, (2, 3)), w[6], precision), w[7])


def _cnn_plain(w: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    for layer in range(0, 6, 2):
        x = F.relu(F.conv2d(x, w[layer], w[layer + 1], padding=1))
    return x.mean((2, 3)) @ w[6] + w[7]


def _pooled(w: Sequence[Tensor], x: Tensor, precision: Precision) -> Tensor:
    for layer in range(0, 6, 2):
        x = nn.max_pool2d(nn.relu(nn.conv2d(x, w[layer], w[layer + 1], padding=1, precision=precision)), 2)
    return nn.add(nn.matmul(nn.mean_over(x, (2, 3)), w[6], precision), w[7])


def _pooled_plain(w: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    for layer in range(0, 6, 2):
        x = F.max_pool2d(F.relu(F.conv2d(x, w[layer], w[layer + 1], padding=1)), 2)
    return x.mean((2, 3)) @ w[6] + w[7]


def _transformer(w: Sequence[Tensor], x: Tensor, precision: Precision) -> Tensor:
    x = nn.matmul(x, w[0], precision)
    n, length, width = x.shape
    heads = width // 32
    for layer in range(1, len(w) - 1, 4):
        into, out, up, down = w[layer : layer + 4]
        parts = nn.reshape(nn.matmul(nn.layer_norm(x), into, precision), (n, length, 3, heads, 32))
        parts = nn.transpose(parts, (2, 0, 3, 1, 4))
        q, k, v = (nn.reshape(nn.slice_of(parts, 0, at, at + 1), parts.shape[1:]) for at in range(3))
        seen = nn.transpose(nn.attention(q, k, v, causal=True, precision=precision), (0, 2, 1, 3))
        x = nn.add(x, nn.matmul(nn.reshape(seen, x.shape), out, precision))
        x = nn.add(x, nn.matmul(nn.gelu(nn.matmul(nn.layer_norm(x), up, precision)), down, precision))
    return nn.matmul(nn.mean_over(x, 1), w[-1], precision)


def _transformer_plain(w: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    x = x @ w[0]
    n, length, width = x.shape
    for layer in range(1, len(w) - 1, 4):
        into, out, up, down = w[layer : layer + 4]
        parts = (F.layer_norm(x, (width,)) @ into).view(n, length, 3, width // 32, 32).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
        x = x + seen.transpose(1, 2).reshape(x.shape) @ out
        x = x + F.gelu(F.layer_norm(x, (width,)) @ up, approximate="tanh") @ down
    return x.mean(1) @ w[-1]


def _mlp_shapes(*sizes: int) -> tuple[tuple[int, ...], ...]:
    return tuple(shape for a, b in itertools.pairwise(sizes) for shape in ((a, b), (b,)))


def _cnn_shapes(inputs: int, classes: int, *sizes: int) -> tuple[tuple[int, ...], ...]:
    layers = zip((inputs, *sizes), sizes, strict=False)
    convolutions = tuple(shape for a, b in layers for shape in ((b, a, 3, 3), (b,)))
    return (*convolutions, (sizes[-1], classes), (classes,))


def _transformer_shapes(inputs: int, width: int, layers: int, classes: int) -> tuple[tuple[int, ...], ...]:
    layer = ((width, 3 * width), (width, width), (width, 4 * width), (4 * width, width))
    return ((inputs, width), *layer * layers, (width, classes))


NETWORKS = {
    "mlp, small": Network(_mlp_shapes(64, 64, 10), (64, 64), 10, _mlp, _mlp_plain),
    "mlp, large": Network(_mlp_shapes(784, 1024, 1024, 10), (256, 784), 10, _mlp, _mlp_plain, True),
    "cnn, small": Network(_cnn_shapes(1, 10, 8, 16, 16), (64, 1, 8, 8), 10, _pooled, _pooled_plain),
    "cnn, 64 images of 32 × 32": Network(_cnn_shapes(3, 10, 32, 64, 64), (64, 3, 32, 32), 10, _cnn, _cnn_plain, True),
    "cnn, the same with pooling": Network(
        _cnn_shapes(3, 10, 32, 64, 64), (64, 3, 32, 32), 10, _pooled, _pooled_plain, True
    ),
    "transformer, small": Network(
        _transformer_shapes(16, 32, 2, 10), (16, 16, 16), 10, _transformer, _transformer_plain
    ),
    "transformer, large": Network(
        _transformer_shapes(64, 256, 4, 10), (16, 128, 64), 10, _transformer, _transformer_plain, True
    ),
}


def _weights(network: Network) -> list[torch.Tensor]:
    made = []
    for at, shape in enumerate(network.shapes):
        inputs = shape[0] if len(shape) == 2 else max(1, shape[1] * 9 if len(shape) == 4 else 1)
        bound = 0.0 if len(shape) == 1 else inputs**-0.5
        made.append(nn.uniform(Stream(4, at), shape, -bound, bound).values)
    return made


def _labels(network: Network) -> torch.Tensor:
    return nn.permutation(Stream(5, 1), network.data[0]).values % network.classes


def exact_step(network: Network, precision: Precision) -> Callable[[], object]:
    """One step after the other, each from the weights of the last."""
    x, labels = nn.normal(Stream(5, 0), network.data), Indices(_labels(network))
    weights = [nn.variable(Tensor(values)) for values in _weights(network)]
    velocities = nn.zeros_like(weights)

    def step() -> float:
        nonlocal weights, velocities
        loss = nn.cross_entropy(network.exact(weights, x, precision), labels)
        slopes = nn.gradients(loss, weights)
        weights, velocities = nn.sgd_step(weights, slopes, velocities, Momentum(RATE, MOMENTUM))
        return loss.numbers()[0]

    return step


def torch_step(network: Network) -> Callable[[], object]:
    """The same by torch, in float32."""
    x, labels = nn.normal(Stream(5, 0), network.data).values, _labels(network)
    weights = [values.requires_grad_() for values in _weights(network)]
    optimiser = torch.optim.SGD(weights, RATE, MOMENTUM)

    def step() -> float:
        optimiser.zero_grad()
        loss = F.cross_entropy(network.plain(weights, x), labels)
        torch.autograd.backward(loss)
        optimiser.step()
        return float(loss.detach())

    return step


FOLDS = 5


def accuracy(
    images: torch.Tensor, labels: torch.Tensor, epochs: int, precision: Precision | None, folds: int = FOLDS
) -> float:
    """Of the small CNN on images that it was not trained on; by torch where there is no precision.

    The images, in an order of chance, make five parts. Each of the first `folds` is left out of one training.
    """
    order = nn.permutation(Stream(7, 0), len(labels)).values
    parts = [order[at::FOLDS] for at in range(FOLDS)]
    right = total = 0
    for fold in range(folds):
        others = torch.cat([part for at, part in enumerate(parts) if at != fold])
        chosen = torch.cat([others, parts[fold]])
        right += _right(images[chosen], labels[chosen], len(others), epochs, precision)
        total += len(parts[fold])
    return right / total


def _right(images: torch.Tensor, labels: torch.Tensor, cut: int, epochs: int, precision: Precision | None) -> int:
    """How many images from `cut` on are told rightly after training on those before."""
    network = NETWORKS["cnn, small"]
    start = _weights(network)
    weights = [nn.variable(Tensor(values)) for values in start]
    velocities = nn.zeros_like(weights)
    plain = [values.clone().requires_grad_() for values in start]
    optimiser = torch.optim.SGD(plain, RATE, MOMENTUM)
    for epoch in range(epochs):
        order = nn.permutation(Stream(6, epoch), cut).values
        for batch in torch.split(order, 64):
            if precision is not None:
                loss = nn.cross_entropy(
                    network.exact(weights, Tensor(images[batch]), precision), Indices(labels[batch])
                )
                slopes = nn.gradients(loss, weights)
                weights, velocities = nn.sgd_step(weights, slopes, velocities, Momentum(RATE, MOMENTUM))
            else:
                optimiser.zero_grad()
                torch.autograd.backward(F.cross_entropy(network.plain(plain, images[batch]), labels[batch]))
                optimiser.step()
    with torch.no_grad():
        if precision is None:
            logits = network.plain(plain, images[cut:])
        else:
            logits = network.exact(weights, Tensor(images[cut:]), precision).values
    return int((logits.argmax(1) == labels[cut:]).sum())
