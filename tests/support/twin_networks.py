"""Small networks trained for a few steps, as programs that run on `accountant.tensors` and on its NumPy twin alike."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

Loss = Callable[[ModuleType, list[Any], int], Any]
STEPS = 3


def mlp(lib: ModuleType, precision: str) -> list[Any]:
    """Two layers and a squared error, by momentum with decay and clipping."""
    weights = _initialised(lib, [[7, 16], [16], [16, 3], [3]])

    def loss(lib: ModuleType, w: list[Any], step: int) -> Any:
        x, y = lib.normal(lib.Stream(5, step), [9, 7]), lib.uniform(lib.Stream(6, step), [9, 3])
        hidden = lib.tanh(lib.add(lib.matmul(x, w[0], lib.Precision[precision]), w[1]))
        found = lib.sigmoid(lib.add(lib.matmul(hidden, w[2], lib.Precision[precision]), w[3]))
        return lib.mean_squared_error(found, y)

    velocities = lib.zeros_like(weights)
    for step in range(STEPS):
        slopes = lib.clip_gradients(_slopes(lib, loss, weights, step), 0.05)
        settings = lib.Momentum(rate=0.3, momentum=0.9, decay=0.01)
        weights, velocities = lib.sgd_step(weights, slopes, velocities, settings)
    return [*weights, *velocities]


def cnn(lib: ModuleType, precision: str) -> list[Any]:
    """Two convolutions, batch norm, pooling both ways and a linear layer, by Adam."""
    weights = _initialised(lib, [[4, 1, 3, 3], [4], [4], [4], [6, 2, 3, 3], [6], [24, 5], [5]])
    running = [lib.Tensor.full([4], 0.0), lib.Tensor.full([4], 1.0)]

    def loss(lib: ModuleType, w: list[Any], step: int) -> Any:
        chosen = lib.Precision[precision]
        x = lib.normal(lib.Stream(5, step), [6, 1, 9, 9])
        labels = lib.Indices.of([number % 5 for number in lib.permutation(lib.Stream(6, step), 6).numbers()], [6])
        y = lib.conv2d(x, w[0], w[1], padding=1, precision=chosen)
        normal = lib.batch_norm(y, w[2], w[3], *running)
        running[:] = [normal.running_mean, normal.running_variance]
        y = lib.max_pool2d(lib.relu(normal.result), 3, stride=2)
        y = lib.relu(lib.conv2d(y, w[4], w[5], padding=1, groups=2, precision=chosen))
        y = lib.reshape(lib.mean_pool2d(y, 2), [6, 24])
        return lib.cross_entropy(lib.add(lib.matmul(y, w[6], chosen), w[7]), labels)

    return _by_adam(lib, loss, weights) + running


def transformer(lib: ModuleType, precision: str) -> list[Any]:
    """One block: embedding, causal attention of two heads, layer norm, GELU and dropout, by Adam."""
    width, heads, length, words = 8, 2, 5, 11
    square = [[width, width]] * 4
    weights = _initialised(lib, [[words, width], *square, [width], [width], [width, 16], [16, width], [width, words]])

    def split(lib: ModuleType, x: Any) -> Any:
        return lib.transpose(lib.reshape(x, [3, length, heads, width // heads]), [0, 2, 1, 3])

    def loss(lib: ModuleType, w: list[Any], step: int) -> Any:
        chosen = lib.Precision[precision]
        numbers = [number % words for number in lib.permutation(lib.Stream(6, step), 3 * length).numbers()]
        x = lib.embedding(w[0], lib.Indices.of(numbers, [3, length]))
        query, key, value = (split(lib, lib.matmul(x, part, chosen)) for part in w[1:4])
        seen = lib.transpose(lib.attention(query, key, value, causal=True, precision=chosen), [0, 2, 1, 3])
        x = lib.add(x, lib.matmul(lib.reshape(seen, [3, length, width]), w[4], chosen))
        y = lib.layer_norm(x, w[5], w[6])
        y = lib.matmul(lib.gelu(lib.matmul(y, w[7], chosen)), w[8], chosen)
        x = lib.add(x, lib.dropout(y, 0.2, lib.Stream(7, step)))
        scores = lib.reshape(lib.matmul(x, w[9], chosen), [3 * length, words])
        return lib.cross_entropy(scores, lib.Indices.of(numbers[1:] + numbers[:1], [3 * length]))

    return _by_adam(lib, loss, weights)


def _initialised(lib: ModuleType, shapes: Sequence[Sequence[int]]) -> list[Any]:
    return [lib.fan_in_uniform(lib.Stream(1, number), list(shape)) for number, shape in enumerate(shapes)]


def _slopes(lib: ModuleType, loss: Loss, weights: list[Any], step: int) -> list[Any]:
    variables = [lib.variable(weight) for weight in weights]
    return list(lib.gradients(loss(lib, variables, step), variables))


def _by_adam(lib: ModuleType, loss: Loss, weights: list[Any]) -> list[Any]:
    moments = lib.no_moments(weights)
    for step in range(STEPS):
        slopes = _slopes(lib, loss, weights, step)
        weights, moments = lib.adam_step(weights, slopes, moments, lib.Adam(rate=0.02))
    return [*weights, *moments.means, *moments.squares]


NETWORKS: dict[str, Callable[[ModuleType, str], list[Any]]] = {"mlp": mlp, "cnn": cnn, "transformer": transformer}
