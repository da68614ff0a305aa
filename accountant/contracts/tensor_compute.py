"""The operations themselves: the one module here that needs torch. It is imported when a contract first computes."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

from accountant import tensors
from accountant.contracts.errors import ContractFailure, FailureKind
from accountant.contracts.tensor_means import Checkpoints, Means, TooLittleMemory, UnfitMachine
from accountant.contracts.tensor_plans import LENGTH_BYTES
from accountant.contracts.tensor_rule import Attribute
from accountant.contracts.tensor_values import Step
from accountant.primitives.errors import AccountantError
from accountant.tensors import (
    Adam,
    Indices,
    InexactMachine,
    Moments,
    Momentum,
    Precision,
    Stream,
    Tensor,
)
from accountant.tensors.files import read_tensors, write_file
from accountant.tensors.fit import fit, predict
from accountant.tensors.integers import indices_of_integers, tensor_of_integers
from accountant.tensors.layers import init, parse_model
from accountant.tensors.machine import lacks_memory
from accountant.tensors.tape import Node, number_from
from accountant.tensors.training_settings import parse_settings

P = ParamSpec("P")
R = TypeVar("R")

Value = Tensor | Indices
Values = Sequence[Value | None]
Computed = tuple[Value, ...]

NODES_BITS = 32
"""Nodes of one operation are numbered within 2^32."""

_PRECISIONS = {20: Precision.EXACT20, 8: Precision.EXACT8}
_SEED_MASK = 2**64 - 1


class _Call(NamedTuple):
    """An operation with its operands. What they are was checked when it was asked for."""

    values: Any
    attributes: Any
    reals: Any
    data: bytes
    means: Means


class _Stopped(BaseException):
    """Whoever was told of progress stopped the work. Whatever that raised must not be taken for an outcome."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


_Operation = Callable[[_Call], Value | Computed | list[Tensor]]


def compute(step: Step, values: Values, means: Means) -> Computed:
    """The results of a step whose operands are at hand.

    Raises INVALID_VALUE where a value is not what the operation takes, `TooLittleMemory` and `UnfitMachine` where
    this machine cannot do it.
    """
    try:
        if step.number:
            number_from(step.number << NODES_BITS)
        results = _OPERATIONS[step.name](_Call(values, step.attributes, step.reals, step.data, means))
    except _Stopped as stopped:
        raise stopped.error  # noqa: B904  # as if nothing had been between
    except InexactMachine as error:
        raise UnfitMachine(str(error)) from error
    except AccountantError as error:
        raise ContractFailure(FailureKind.INVALID_VALUE, str(error)) from None
    except MemoryError as error:
        raise TooLittleMemory(f"no memory for {step.name}") from error
    except RuntimeError as error:
        if lacks_memory(error):
            raise TooLittleMemory(f"no memory for {step.name}") from error
        raise
    return (results,) if isinstance(results, (Tensor, Indices)) else tuple(results)


def plain(results: Computed) -> Computed:
    """The same values, which lead to nothing."""
    return tuple(one.plain() if isinstance(one, Tensor) else one for one in results)


def written(values: Sequence[object]) -> bytes:
    """A file with these tensors."""
    return write_file([value for value in values if isinstance(value, Tensor)])


def bare(results: Computed) -> tuple[Computed, bool]:
    """The values alone, without what they were rounded to; whether all that gradients need is still there."""
    kept: list[Value] = []
    whole = True
    for one in results:
        if isinstance(one, Tensor):
            begins = isinstance(one.node, Node) and one.node.backward is None
            whole = whole and (one.node is None or begins)
            kept.append(Tensor(one.values, node=one.node if begins else None))
        else:
            kept.append(one)
    return tuple(kept), whole


def _on_values(operation: Callable[..., Value]) -> _Operation:
    """Operands alone."""
    return lambda call: operation(*call.values)


def _with_real(operation: Callable[[Tensor, float], Tensor]) -> _Operation:
    return lambda call: operation(call.values[0], call.reals[0])


def _with_axes(operation: Callable[..., Tensor]) -> _Operation:
    return lambda call: operation(call.values[0], call.attributes[0] or None, keep=bool(call.attributes[1]))


def _pooled(operation: Callable[..., Tensor]) -> _Operation:
    return lambda call: operation(
        call.values[0], call.attributes[0], stride=call.attributes[1], padding=call.attributes[2]
    )


def _convolved(operation: Callable[..., Tensor]) -> _Operation:
    def run(call: _Call) -> Tensor:
        stride, padding, groups, precision = call.attributes
        return operation(*call.values, stride=stride, padding=padding, groups=groups, precision=_PRECISIONS[precision])

    return run


def _stream(attributes: Sequence[Attribute]) -> Stream:
    """Seed and number: signed integers, as 64 bits."""
    seed, number = attributes[:2]
    assert isinstance(seed, int) and isinstance(number, int)
    return Stream(seed & _SEED_MASK, number & _SEED_MASK)


def _max(call: _Call) -> Tensor:
    return tensors.max_over(call.values[0], call.attributes[0], keep=bool(call.attributes[1]))


def _attention(call: _Call) -> Tensor:
    return tensors.attention(*call.values, causal=bool(call.attributes[0]), precision=_PRECISIONS[call.attributes[1]])


def _batch_norm(call: _Call) -> Computed:
    return tuple(tensors.batch_norm(*call.values, momentum=call.reals[0], epsilon=call.reals[1]))


def _grad(call: _Call) -> list[Tensor]:
    return tensors.gradients(call.values[0], call.values[1:])


def _sgd_start(call: _Call) -> list[Tensor]:
    return [*map(tensors.variable, call.values), *tensors.zeros_like(call.values)]


def _sgd(call: _Call) -> list[Tensor]:
    count = len(call.values) // 3
    weights, velocities, gradients = call.values[:count], call.values[count : 2 * count], call.values[2 * count :]
    moved, kept = tensors.sgd_step(weights, gradients, velocities, Momentum(*call.reals))
    return [*moved, *kept]


def _adam_start(call: _Call) -> list[Tensor]:
    return [*map(tensors.variable, call.values), *tensors.zeros_like(call.values), *tensors.zeros_like(call.values)]


def _adam(call: _Call) -> list[Tensor]:
    """`call.reals`: rate, first, second, epsilon, decay, and the powers of first and second before this step."""
    count = len(call.values) // 4
    weights, means, squares, gradients = (list(call.values[at * count : (at + 1) * count]) for at in range(4))
    moments = Moments(means, squares, call.reals[5], call.reals[6])
    moved, after = tensors.adam_step(weights, gradients, moments, Adam(*call.reals[:5]))
    return [*moved, *after.means, *after.squares]


def _passing(call: Callable[P, R]) -> Callable[P, R]:
    """The same, whose exceptions are told from those of operations."""

    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except BaseException as error:
            raise _Stopped(error) from error

    return told


class _Kept:
    """A training's checkpoints, whose exceptions are told from those of operations."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self.load = _passing(checkpoints.load)
        self.save = _passing(checkpoints.save)


def _init_model(call: _Call) -> list[Tensor]:
    return init(parse_model(call.data), call.attributes[0] & _SEED_MASK)


def _predict(call: _Call) -> Tensor:
    *weights, data = call.values
    return predict(parse_model(call.data), weights, data)


def _fit(call: _Call) -> list[Tensor]:
    *weights, data, answers = call.values
    size = int.from_bytes(call.data[:LENGTH_BYTES], "big") + LENGTH_BYTES
    model, settings = parse_model(call.data[LENGTH_BYTES:size]), parse_settings(call.data[size:])
    training = call.means.training
    fitted = fit(model, weights, data, answers, settings, _Kept(training.checkpoints), _passing(training.progress))
    return [*fitted.weights, fitted.history]


_OPERATIONS: dict[str, _Operation] = {
    "add": _on_values(tensors.add),
    "subtract": _on_values(tensors.subtract),
    "multiply": _on_values(tensors.multiply),
    "divide": _on_values(tensors.divide),
    "scale": _with_real(tensors.scale),
    "shift": _with_real(tensors.shift),
    "negative": _on_values(tensors.negative),
    "sqrt": _on_values(tensors.sqrt),
    "exp": _on_values(tensors.exp),
    "log": _on_values(tensors.log),
    "sigmoid": _on_values(tensors.sigmoid),
    "tanh": _on_values(tensors.tanh),
    "relu": _on_values(tensors.relu),
    "gelu": _on_values(tensors.gelu),
    "sum": _with_axes(tensors.sum_over),
    "mean": _with_axes(tensors.mean_over),
    "max": _max,
    "argmax": lambda call: tensors.argmax(call.values[0], call.attributes[0]),
    "matmul": lambda call: tensors.matmul(call.values[0], call.values[1], _PRECISIONS[call.attributes[0]]),
    "conv1d": _convolved(tensors.conv1d),
    "conv2d": _convolved(tensors.conv2d),
    "attention": _attention,
    "max_pool": _pooled(tensors.max_pool2d),
    "mean_pool": _pooled(tensors.mean_pool2d),
    "nearest": lambda call: tensors.nearest(call.values[0], call.attributes[0]),
    "bilinear": lambda call: tensors.bilinear(call.values[0], call.attributes[0]),
    "softmax": lambda call: tensors.softmax(call.values[0], call.attributes[0]),
    "log_softmax": lambda call: tensors.log_softmax(call.values[0], call.attributes[0]),
    "layer_norm": lambda call: tensors.layer_norm(*call.values, epsilon=call.reals[0]),
    "batch_norm": _batch_norm,
    "batch_norm_fixed": lambda call: tensors.batch_norm_fixed(*call.values, epsilon=call.reals[0]),
    "cross_entropy": _on_values(tensors.cross_entropy),
    "mean_squared_error": _on_values(tensors.mean_squared_error),
    "ctc_loss": lambda call: tensors.ctc_loss(*call.values, blank=call.attributes[0]),
    "embedding": _on_values(tensors.embedding),
    "take": lambda call: tensors.take(call.values[0], call.attributes[0], call.values[1]),
    "gather": lambda call: tensors.gather(call.values[0], call.attributes[0], call.values[1]),
    "scatter_add": lambda call: tensors.scatter_add(call.values[0], call.attributes[0], call.values[1], call.values[2]),
    "one_hot": lambda call: tensors.one_hot(call.values[0], call.attributes[0]),
    "reshape": lambda call: tensors.reshape(call.values[0], call.attributes[0]),
    "expand": lambda call: tensors.expand(call.values[0], call.attributes[0]),
    "transpose": lambda call: tensors.transpose(call.values[0], call.attributes[0]),
    "slice": lambda call: tensors.slice_of(call.values[0], *call.attributes),
    "join": lambda call: tensors.join(call.values, call.attributes[0]),
    "pad": lambda call: tensors.pad(call.values[0], *call.attributes),
    "uniform": lambda call: tensors.uniform(_stream(call.attributes), call.attributes[2], *call.reals),
    "normal": lambda call: tensors.normal(_stream(call.attributes), call.attributes[2], *call.reals),
    "init": lambda call: tensors.fan_in_uniform(_stream(call.attributes), call.attributes[2]),
    "permutation": lambda call: tensors.permutation(_stream(call.attributes), call.attributes[2]),
    "dropout": lambda call: tensors.dropout(call.values[0], call.reals[0], _stream(call.attributes)),
    "full": lambda call: Tensor.full(call.attributes[0], call.reals[0]),
    "of_ints": lambda call: tensor_of_integers(call.data, *call.attributes),
    "indices_of_ints": lambda call: indices_of_integers(call.data, *call.attributes),
    "indices": lambda call: Indices.of_tensor(call.values[0]),
    "init_model": _init_model,
    "predict": _predict,
    "fit": _fit,
    "load": lambda call: read_tensors(call.data),
    "variables": lambda call: list(map(tensors.variable, call.values)),
    "plain": lambda call: plain(call.values),
    "grad": _grad,
    "clip": lambda call: tensors.clip_gradients(call.values, call.reals[0]),
    "sgd_start": _sgd_start,
    "sgd": _sgd,
    "adam_start": _adam_start,
    "adam": _adam,
}
