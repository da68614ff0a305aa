"""Models as lists of layers: their weights, what they compute, and what that takes.

    conv2d 1 16 3 padding 1; relu; max_pool 2
    residual { layer_norm 32; attention 32 4 causal }
    linear 32 10

The first dimension of what a model is given counts the samples. `docs/layers.md` has every layer.
"""

from collections.abc import Sequence
from typing import NamedTuple

from accountant.tensors.errors import InvalidModel
from accountant.tensors.layer_parse import Model, parse_model
from accountant.tensors.lowering import Attributes, Program, lowered
from accountant.tensors.randomness import Stream, normal, uniform
from accountant.tensors.rounding import Precision
from accountant.tensors.running import run
from accountant.tensors.shapes import Shape
from accountant.tensors.values import Tensor

__all__ = ["Model", "Passed", "TracedRow", "check_weights", "forward", "init", "parse_model", "trace", "traced"]

TracedRow = tuple[str, tuple[Shape, ...], Attributes]
"""An operator as contracts call it, the shapes of its tensors and indices, and its integers."""

NO_STREAM = Stream(0, 0)


class Passed(NamedTuple):
    """What a model made of a batch, and its weights, in which running statistics may have moved."""

    result: Tensor
    weights: list[Tensor]


def init(model: Model, seed: int) -> list[Tensor]:
    """New weights; parameter i draws from stream i of the seed."""
    made = []
    for number, parameter in enumerate(model.parameters):
        stream = Stream(seed, number)
        if parameter.spread == 0.0:
            made.append(Tensor.full(parameter.shape, parameter.offset))
        elif parameter.is_normal:
            made.append(normal(stream, parameter.shape, 0.0, parameter.spread))
        else:
            made.append(uniform(stream, parameter.shape, -parameter.spread, parameter.spread))
    return made


def check_weights(model: Model, weights: Sequence[Tensor]) -> None:
    """`InvalidModel` where these are not weights of this model."""
    wanted = [parameter.shape for parameter in model.parameters]
    found = [weight.shape for weight in weights]
    if len(found) != len(wanted):
        raise InvalidModel(f"{len(found)} weights for a model that has {len(wanted)}")
    for at, (shape, other) in enumerate(zip(found, wanted, strict=True)):
        if shape != other:
            raise InvalidModel(f"weight {at} is of {shape}; the model's is of {other}")


def forward(
    model: Model,
    weights: Sequence[Tensor],
    x: Tensor,
    *,
    training: bool = False,
    stream: Stream = NO_STREAM,
    precision: Precision = Precision.EXACT20,
) -> Passed:
    """The model on a batch. In training, dropout draws from streams from the given one on, and statistics move.

    Without training no sample depends on another.
    """
    check_weights(model, weights)
    found = run(lowered(model, x.shape, precision, training=training), weights, [x], stream)
    return Passed(found.result, [found.running.get(at, weight) for at, weight in enumerate(weights)])


def trace(
    model: Model, shape: Shape, batch: int, *, training: bool = True, precision: Precision = Precision.EXACT20
) -> list[TracedRow]:
    """What `forward` does with so many samples of a shape, in order; nothing is computed."""
    return traced(lowered(model, (batch, *shape), precision, training=training))


def traced(program: Program) -> list[TracedRow]:
    """The rows of a program."""
    return [(row.name, tuple(program.shapes[place] for place in row.operands), row.attributes) for row in program.rows]
