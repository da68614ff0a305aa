"""The kinds of layers, and the weights that each needs."""

import math
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from accountant.tensors.shapes import Shape

SIZE_MOST: Final = 1 << 20
"""Of every number of a layer."""


class Kind(NamedTuple):
    """What follows a layer's name: sizes in order, options with what they are unless given, words that may stand."""

    sizes: tuple[str, ...] = ()
    options: Mapping[str, int] = {}
    flags: tuple[str, ...] = ()


KINDS: Final[Mapping[str, Kind]] = {
    "linear": Kind(("in", "out")),
    "conv1d": Kind(("in", "out", "kernel"), {"stride": 1, "padding": 0, "groups": 1}),
    "conv2d": Kind(("in", "out", "kernel"), {"stride": 1, "padding": 0, "groups": 1}),
    "relu": Kind(),
    "gelu": Kind(),
    "tanh": Kind(),
    "sigmoid": Kind(),
    "max_pool": Kind(("kernel",), {"stride": 0, "padding": 0}),
    "mean_pool": Kind(("kernel",), {"stride": 0, "padding": 0}),
    "flatten": Kind(),
    "layer_norm": Kind(("width",)),
    "batch_norm": Kind(("channels",)),
    "embedding": Kind(("rows", "width")),
    "position": Kind(("length", "width")),
    "attention": Kind(("width", "heads"), flags=("causal",)),
    "feed_forward": Kind(("width", "hidden")),
    "mean_over": Kind(("axis",)),
}
"""But for `reshape`, `dropout` and `residual`, which are followed by other things."""


class Layer(NamedTuple):
    """One layer. `sizes` has every size, option and flag of its kind; a stride of 0 is the window's size."""

    kind: str
    line: int
    sizes: Mapping[str, int] = {}
    shape: Shape = ()
    """What `reshape` makes of each sample."""
    rate: float = 0.0
    """Of `dropout`."""
    body: tuple["Layer", ...] = ()
    """Of `residual`."""


class Parameter(NamedTuple):
    """A weight. It starts uniform in ±`spread`, normal with that deviation, or as `offset` where there is no spread.

    One that is not trained follows the data instead: the running statistics of a `batch_norm`.
    """

    shape: Shape
    spread: float = 0.0
    offset: float = 0.0
    is_normal: bool = False
    is_trained: bool = True


def flattened(layers: Iterable[Layer]) -> list[Layer]:
    """All layers, those inside others after them: the order of their weights."""
    return [inner for layer in layers for inner in (layer, *flattened(layer.body))]


def described(layers: Iterable[Layer]) -> str:
    """The layers as text with every option: equal for models that compute the same from the same weights."""
    return ";".join(_described(layer) for layer in layers)


def _described(layer: Layer) -> str:
    if layer.body:
        return f"{layer.kind}{{{described(layer.body)}}}"
    sizes = [f"{name} {size}" for name, size in sorted(layer.sizes.items())]
    return " ".join([layer.kind, *sizes, *map(str, layer.shape), *([layer.rate.hex()] if layer.rate else [])])


def parameters_of(layer: Layer) -> tuple[Parameter, ...]:
    """The weights of a layer itself."""
    size = layer.sizes
    match layer.kind:
        case "linear":
            return _linear(size["in"], size["out"])
        case "conv1d" | "conv2d":
            window = (size["kernel"],) * (2 if layer.kind == "conv2d" else 1)
            inputs = size["in"] // size["groups"]
            spread = 1.0 / math.sqrt(inputs * math.prod(window))
            return Parameter((size["out"], inputs, *window), spread), Parameter((size["out"],), spread)
        case "layer_norm":
            return Parameter((size["width"],), offset=1.0), Parameter((size["width"],))
        case "batch_norm":
            shape = (size["channels"],)
            running = Parameter(shape, is_trained=False), Parameter(shape, offset=1.0, is_trained=False)
            return Parameter(shape, offset=1.0), Parameter(shape), *running
        case "embedding":
            return (Parameter((size["rows"], size["width"]), 1.0 / math.sqrt(size["width"]), is_normal=True),)
        case "position":
            return (Parameter((size["length"], size["width"]), 1.0 / math.sqrt(size["width"]), is_normal=True),)
        case "attention":
            return *_linear(size["width"], 3 * size["width"]), *_linear(size["width"], size["width"])
        case "feed_forward":
            return *_linear(size["width"], size["hidden"]), *_linear(size["hidden"], size["width"])
        case _:
            return ()


def _linear(inputs: int, outputs: int) -> tuple[Parameter, Parameter]:
    """[in, out], so that rows are multiplied by it as it lies, and a bias."""
    spread = 1.0 / math.sqrt(inputs)
    return Parameter((inputs, outputs), spread), Parameter((outputs,), spread)
