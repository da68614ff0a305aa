"""From layers to operators: a model on an input of a known shape becomes a list of rows, shapes and all.

What is executed (`running`) and what is priced in advance are the same list, so a price cannot miss what is done. A row
is an operator as contracts call it (`nn_…` without its beginning), with the places of its operands among all values:
first the model's weights, then what is given, then the results of rows.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from accountant.primitives.errors import AccountantError
from accountant.tensors.errors import InvalidModel, InvalidShape
from accountant.tensors.geometry import windows_of
from accountant.tensors.layer_kinds import Layer, parameters_of
from accountant.tensors.layer_parse import Model
from accountant.tensors.layer_text import refused
from accountant.tensors.rounding import Precision
from accountant.tensors.shapes import Shape, broadcast, element_count

MOMENTUM, EPSILON = 0.1, 1e-5
"""Of the normalising layers."""

Attributes = tuple[int | tuple[int, ...], ...]


class Row(NamedTuple):
    """One operator: what it is called, its operands' places, its integers, and the shape of its result."""

    name: str
    operands: tuple[int, ...]
    attributes: Attributes
    shape: Shape
    rate: float = 0.0
    """Of `dropout`, whose second attribute is the number of the layer's stream."""


class Program(NamedTuple):
    """Rows over `shapes`: those of the weights, of the `given` values, and of each row's result. The last is it."""

    rows: tuple[Row, ...]
    shapes: tuple[Shape, ...]
    weights: int
    given: int

    @property
    def shape(self) -> Shape:
        """Of the result."""
        return self.shapes[-1]


def lowered(model: Model, shape: Shape, precision: Precision, *, training: bool) -> Program:
    """The model on an input of this shape, samples first. `InvalidModel` with the line that does not fit."""
    lowering = Lowering(model, [shape], precision, training=training)
    lowering.layers(model.layers, lowering.given[0])
    return lowering.program()


class Lowering:
    """A program in the making. Each method adds rows and answers the place of the result."""

    def __init__(self, model: Model, given: Iterable[Shape], precision: Precision, *, training: bool) -> None:
        self.shapes: list[Shape] = [parameter.shape for parameter in model.parameters]
        self.weights = len(self.shapes)
        self.given = []
        for shape in given:
            element_count(shape)
            self.given.append(len(self.shapes))
            self.shapes.append(shape)
        self.precision = 8 if precision is Precision.EXACT8 else int(precision)
        self.training = training
        self.rows: list[Row] = []
        self._next_weight = 0
        self._dropouts = 0

    def program(self) -> Program:
        """What was added so far."""
        return Program(tuple(self.rows), tuple(self.shapes), self.weights, len(self.given))

    def layers(self, layers: Iterable[Layer], x: int) -> int:
        """One layer after the other."""
        for layer in layers:
            first = self._next_weight
            self._next_weight += len(parameters_of(layer))
            try:
                x = self._layer(layer, x, first)
            except InvalidModel:
                raise
            except AccountantError as error:
                raise refused(InvalidModel, layer.line, error.detail) from error
        return x

    def row(
        self, name: str, operands: Iterable[int], shape: Iterable[int], attributes: Attributes = (), rate: float = 0.0
    ) -> int:
        """One more row, whose result has this shape."""
        result = tuple(shape)
        element_count(result)
        self.rows.append(Row(name, tuple(operands), attributes, result, rate))
        self.shapes.append(result)
        return len(self.shapes) - 1

    def reshape(self, x: int, shape: Iterable[int]) -> int:
        """Another shape of as many elements."""
        wanted = tuple(shape)
        if math.prod(wanted) != math.prod(self.shapes[x]):
            raise InvalidShape(f"{self.shapes[x]} does not become {wanted}")
        return self.row("reshape", [x], wanted, (wanted,))

    def slice(self, x: int, axis: int, begin: int, end: int) -> int:
        """Part of an axis."""
        shape = self.shapes[x]
        return self.row("slice", [x], (*shape[:axis], end - begin, *shape[axis + 1 :]), (axis, begin, end))

    def add(self, left: int, right: int) -> int:
        """The sum."""
        return self.row("add", [left, right], broadcast(self.shapes[left], self.shapes[right]))

    def linear(self, x: int, weight: int) -> int:
        """Rows × the weight at this place + the bias right after it."""
        shape = self.shapes[x]
        inputs, outputs = self.shapes[weight]
        if len(shape) < 2 or shape[-1] != inputs:
            raise InvalidShape(f"an input of {shape}; its last size must be {inputs}")
        product = self.row("matmul", [x, weight], (*shape[:-1], outputs), (self.precision,))
        return self.add(product, weight + 1)

    def _layer(self, layer: Layer, x: int, weight: int) -> int:
        shape, size = self.shapes[x], layer.sizes
        match layer.kind:
            case "linear":
                return self.linear(x, weight)
            case "conv1d" | "conv2d":
                return self._convolution(layer, x, weight)
            case "relu" | "gelu" | "tanh" | "sigmoid":
                return self.row(layer.kind, [x], shape)
            case "max_pool" | "mean_pool":
                return self._pool(layer, x)
            case "flatten":
                self._need(x, 2)
                return self.reshape(x, (shape[0], math.prod(shape[1:])))
            case "reshape":
                self._need(x, 1)
                return self.reshape(x, (shape[0], *layer.shape))
            case "dropout":
                return self._dropout(layer, x)
            case "layer_norm":
                self._need(x, 2, {-1: size["width"]})
                return self.row("layer_norm", [x, weight, weight + 1], shape)
            case "batch_norm":
                self._need(x, 2, {1: size["channels"]})
                name = "batch_norm" if self.training else "batch_norm_fixed"
                return self.row(name, [x, *range(weight, weight + 4)], shape)
            case "embedding":
                self._need(x, 1)
                return self.row("embedding", [weight, self.row("indices", [x], shape)], (*shape, size["width"]))
            case "position":
                return self._position(layer, x, weight)
            case "attention":
                return self._attention(layer, x, weight)
            case "feed_forward":
                self._need(x, 2, {-1: size["width"]})
                wide = self.linear(x, weight)
                return self.linear(self.row("gelu", [wide], self.shapes[wide]), weight + 2)
            case "mean_over":
                return self._mean(size["axis"], x)
            case _:
                assert layer.kind == "residual"
                return self._residual(layer, x)

    def _need(self, x: int, rank: int, sizes: dict[int, int] | None = None) -> None:
        """`InvalidShape` where x has fewer dimensions, or another size at an axis."""
        shape = self.shapes[x]
        if len(shape) < rank:
            raise InvalidShape(f"an input of {shape}; at least {rank} dimensions are needed, samples first")
        for axis, size in (sizes or {}).items():
            if shape[axis] != size:
                raise InvalidShape(f"an input of {shape}; its size at axis {axis % len(shape)} must be {size}")

    def _convolution(self, layer: Layer, x: int, weight: int) -> int:
        shape, size = self.shapes[x], layer.sizes
        flat = layer.kind == "conv1d"
        if len(shape) != (3 if flat else 4):
            raise InvalidShape(f"an input of {shape} for {layer.kind}; {3 if flat else 4} dimensions are needed")
        self._need(x, 3, {1: size["in"]})
        kernel, stride, padding, groups = (size[name] for name in ("kernel", "stride", "padding", "groups"))
        operands = [x, weight, weight + 1]
        if flat:
            out: Shape = windows_of((1, shape[2]), (1, kernel), (1, stride), (0, padding)).out[1:]
            attributes: Attributes = (stride, padding, groups, self.precision)
        else:
            out = windows_of((shape[2], shape[3]), (kernel, kernel), (stride, stride), (padding, padding)).out
            attributes = ((stride, stride), (padding, padding), groups, self.precision)
        return self.row(layer.kind, operands, (shape[0], size["out"], *out), attributes)

    def _pool(self, layer: Layer, x: int) -> int:
        shape = self.shapes[x]
        kernel, padding = layer.sizes["kernel"], layer.sizes["padding"]
        stride = layer.sizes["stride"] or kernel
        if len(shape) != 4:
            raise InvalidShape(f"an input of {shape} for {layer.kind}; four dimensions are needed")
        pairs = ((kernel, kernel), (stride, stride), (padding, padding))
        out = windows_of((shape[2], shape[3]), *pairs).out
        return self.row(layer.kind, [x], (*shape[:2], *out), pairs)

    def _dropout(self, layer: Layer, x: int) -> int:
        if not self.training:
            return x
        self._dropouts += 1
        return self.row("dropout", [x], self.shapes[x], (0, self._dropouts - 1), layer.rate)

    def _position(self, layer: Layer, x: int, weight: int) -> int:
        shape = self.shapes[x]
        self._need(x, 3, {-1: layer.sizes["width"]})
        if shape[-2] > layer.sizes["length"]:
            raise InvalidShape(f"an input of {shape}; at most {layer.sizes['length']} positions are possible")
        return self.add(x, self.slice(weight, 0, 0, shape[-2]))

    def _attention(self, layer: Layer, x: int, weight: int) -> int:
        shape, heads, width = self.shapes[x], layer.sizes["heads"], layer.sizes["width"]
        if len(shape) != 3 or shape[2] != width:
            raise InvalidShape(f"an input of {shape}; [samples, length, {width}] is needed")
        samples, length, _ = shape
        parts = self.reshape(self.linear(x, weight), (samples, length, 3, heads, width // heads))
        each = (samples, heads, length, width // heads)
        parts = self.row("transpose", [parts], (3, *each), ((2, 0, 3, 1, 4),))
        operands = [self.reshape(self.slice(parts, 0, at, at + 1), each) for at in range(3)]
        seen = self.row("attention", operands, each, (layer.sizes["causal"], self.precision))
        turned = self.row("transpose", [seen], (samples, length, heads, width // heads), ((0, 2, 1, 3),))
        return self.linear(self.reshape(turned, shape), weight + 2)

    def _mean(self, axis: int, x: int) -> int:
        shape = self.shapes[x]
        self._need(x, axis + 1)
        return self.row("mean", [x], (*shape[:axis], *shape[axis + 1 :]), ((axis,), 0))

    def _residual(self, layer: Layer, x: int) -> int:
        inner = self.layers(layer.body, x)
        if self.shapes[inner] != self.shapes[x]:
            raise InvalidShape(f"the block makes {self.shapes[inner]} of {self.shapes[x]}; both must have one shape")
        return self.add(x, inner)
