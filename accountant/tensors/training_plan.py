"""What a training does, step by step, before any of it is done: its operators and how often each runs."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from accountant.tensors.errors import InvalidSettings, InvalidShape
from accountant.tensors.layer_parse import Model
from accountant.tensors.layers import TracedRow, traced
from accountant.tensors.lowering import Lowering, Program, lowered
from accountant.tensors.optimisers import Adam
from accountant.tensors.rounding import Precision
from accountant.tensors.shapes import Shape, element_count
from accountant.tensors.training_settings import Loss, Settings

STEPS_MOST: Final = 1 << 24
PIECE: Final = 256
"""Samples that `predict` works on at once. No sample depends on another, so it shows nowhere."""


class Part(NamedTuple):
    """Operators that run `times` over: those whose gradients are taken too (`taped`), and others."""

    times: int
    plain: list[TracedRow]
    taped: list[TracedRow]


class Plan(NamedTuple):
    """All that is done, in parts. A prediction has as many steps as pieces."""

    steps: int
    parts: list[Part]


def step_program(model: Model, samples: int, shape: Shape, answers: Shape | None, settings: Settings) -> Program:
    """A batch of samples of a shape and its answers, of which each has this shape, up to the loss."""
    loss = settings.loss
    if loss is Loss.NEXT_TOKEN:
        if len(shape) != 1 or shape[0] < 2:
            raise InvalidShape(f"samples of {shape}; for the loss {loss} each is a row of at least two whole numbers")
        shape = answers = (shape[0] - 1,)
    assert answers is not None
    lowering = Lowering(model, [(samples, *shape), (samples, *answers)], settings.precision, training=True)
    x, given = lowering.given
    result = lowering.layers(model.layers, x)
    made = lowering.shapes[result]
    wanted = (samples, *answers) if loss is Loss.MEAN_SQUARED_ERROR else (samples, *answers, made[-1])
    if made != wanted or (loss is not Loss.MEAN_SQUARED_ERROR and len(made) < 2):
        raise InvalidShape(f"the model makes {made}, which does not fit answers of {(samples, *answers)} and {loss}")
    if loss is Loss.MEAN_SQUARED_ERROR:
        lowering.row("mean_squared_error", [result, given], ())
        return lowering.program()
    if len(made) > 2:
        result = lowering.reshape(result, (math.prod(made[:-1]), made[-1]))
        given = lowering.reshape(given, (math.prod(made[:-1]),))
    lowering.row("cross_entropy", [result, given], ())
    return lowering.program()


def batches(samples: int, settings: Settings) -> list[tuple[int, int]]:
    """The batches of an epoch: how many of which size. The last one has what is left over."""
    whole, rest = divmod(samples, settings.batch)
    return [(times, size) for times, size in ((whole, settings.batch), (min(rest, 1), rest)) if times]


def step_count(samples: int, settings: Settings) -> int:
    """How many steps a training takes. `InvalidSettings` for too many, `InvalidShape` without a sample."""
    if samples < 1:
        raise InvalidShape("nothing to train on")
    element_count((2 * samples,))  # the keys of a permutation
    steps = settings.epochs * sum(times for times, _ in batches(samples, settings))
    if steps > STEPS_MOST:
        raise InvalidSettings(f"{steps} steps; at most {STEPS_MOST} are possible")
    return steps


def check_data(shape: Shape) -> None:
    """`InvalidShape` where the first dimension, which counts samples, is missing."""
    if not shape:
        raise InvalidShape("data without samples")


def check_answers(shape: Shape, answers: Shape | None, settings: Settings) -> None:
    """Whether there are answers where the loss takes some, and as many as samples."""
    check_data(shape)
    if settings.loss is Loss.NEXT_TOKEN and answers is not None:
        raise InvalidSettings(f"the loss {settings.loss} takes no answers: they are in the data")
    if settings.loss is not Loss.NEXT_TOKEN and answers is None:
        raise InvalidSettings(f"the loss {settings.loss} takes labels or targets")
    if answers is not None and answers[:1] != shape[:1]:
        raise InvalidShape(f"answers of {answers} for data of {shape}")


def pieces_of(samples: int) -> list[tuple[int, int]]:
    """What `predict` works on at once: how many pieces of which size, one of no samples if there are none."""
    whole, rest = divmod(samples, PIECE)
    return [(times, size) for times, size in ((whole, PIECE), (1, rest)) if times and (size or not whole)]


def plan_training(model: Model, shape: Shape, answers: Shape | None, settings: Settings) -> Plan:
    """What `fit` does with data and answers of these shapes."""
    check_answers(shape, answers, settings)
    steps = step_count(shape[0], settings)
    parts = [Part(settings.epochs, [("permutation", (), (0, 0, shape[0]))], [])]
    for times, size in batches(shape[0], settings):
        program = step_program(model, size, shape[1:], None if answers is None else answers[1:], settings)
        before = _batching(shape, answers, size)
        parts.append(Part(settings.epochs * times, before + _after(model, settings), traced(program)))
    return Plan(steps, parts)


def plan_prediction(model: Model, shape: Shape, precision: Precision = Precision.EXACT20) -> Plan:
    """What `predict` does with data of this shape."""
    check_data(shape)
    parts, results = [], []
    for times, size in pieces_of(shape[0]):
        program = lowered(model, (size, *shape[1:]), precision, training=False)
        cut: list[TracedRow] = [("slice", (shape,), (0, 0, size))]
        parts.append(Part(times, cut + traced(program), []))
        results += [program.shape] * times
    parts.append(Part(1, [("join", tuple(results), (0,))], []))
    return Plan(len(results), parts)


def _batching(shape: Shape, answers: Shape | None, size: int) -> list[TracedRow]:
    if answers is not None:
        return [("take", (given, (size,)), (0,)) for given in (shape, answers)]
    taken = (size, *shape[1:])
    last = shape[1]
    ends: Sequence[tuple[int, int]] = ((0, last - 1), (1, last))
    slices: list[TracedRow] = [("slice", (taken,), (1, begin, end)) for begin, end in ends]
    return [("take", (shape, (size,)), (0,)), *slices, ("indices", ((size, last - 1),), ())]


def _after(model: Model, settings: Settings) -> list[TracedRow]:
    """Clipping, and the optimiser's step over its state and the gradients."""
    weights = tuple(parameter.shape for parameter in model.parameters if parameter.is_trained)
    clip: list[TracedRow] = [] if settings.clip is None else [("clip", weights, ())]
    is_adam = isinstance(settings.optimiser, Adam)
    return [*clip, ("adam" if is_adam else "sgd", weights * (4 if is_adam else 3), ())]
