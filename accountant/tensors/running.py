"""Carrying out the rows of a program."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from accountant.tensors.arithmetic import add, gelu, relu, sigmoid, tanh
from accountant.tensors.convolution import conv1d, conv2d
from accountant.tensors.gathering import embedding
from accountant.tensors.linear import matmul
from accountant.tensors.losses import cross_entropy, mean_squared_error
from accountant.tensors.lowering import EPSILON, MOMENTUM, Program, Row
from accountant.tensors.normalisation import batch_norm, batch_norm_fixed, layer_norm
from accountant.tensors.pooling import max_pool2d, mean_pool2d
from accountant.tensors.randomness import Stream, dropout
from accountant.tensors.reductions import mean_over
from accountant.tensors.rounding import Precision
from accountant.tensors.scaled_attention import attention
from accountant.tensors.shaping import reshape, slice_of, transpose
from accountant.tensors.values import Indices, Tensor

Value = Tensor | Indices
_Run = Callable[[Row, Sequence[Tensor]], Tensor]


class Ran(NamedTuple):
    """A program's result, and the statistics that moved on the way, by the places of their weights."""

    result: Tensor
    running: dict[int, Tensor]


def _integer(row: Row, at: int) -> int:
    value = row.attributes[at]
    assert isinstance(value, int)
    return value


def _sizes(row: Row, at: int) -> tuple[int, ...]:
    value = row.attributes[at]
    assert isinstance(value, tuple)
    return value


def _pair(row: Row, at: int) -> tuple[int, int]:
    first, second = _sizes(row, at)
    return first, second


def _precision(row: Row) -> Precision:
    return Precision.EXACT8 if row.attributes[-1] == 8 else Precision.EXACT20


_RUN: Mapping[str, _Run] = {
    "add": lambda row, x: add(x[0], x[1]),
    "relu": lambda row, x: relu(x[0]),
    "gelu": lambda row, x: gelu(x[0]),
    "tanh": lambda row, x: tanh(x[0]),
    "sigmoid": lambda row, x: sigmoid(x[0]),
    "matmul": lambda row, x: matmul(x[0], x[1], _precision(row)),
    "conv1d": lambda row, x: conv1d(
        *x, stride=_integer(row, 0), padding=_integer(row, 1), groups=_integer(row, 2), precision=_precision(row)
    ),
    "conv2d": lambda row, x: conv2d(
        *x, stride=_pair(row, 0), padding=_pair(row, 1), groups=_integer(row, 2), precision=_precision(row)
    ),
    "max_pool": lambda row, x: max_pool2d(x[0], _pair(row, 0), stride=_pair(row, 1), padding=_pair(row, 2)),
    "mean_pool": lambda row, x: mean_pool2d(x[0], _pair(row, 0), stride=_pair(row, 1), padding=_pair(row, 2)),
    "reshape": lambda row, x: reshape(x[0], _sizes(row, 0)),
    "transpose": lambda row, x: transpose(x[0], _sizes(row, 0)),
    "slice": lambda row, x: slice_of(x[0], _integer(row, 0), _integer(row, 1), _integer(row, 2)),
    "mean": lambda row, x: mean_over(x[0], _sizes(row, 0)),
    "layer_norm": lambda row, x: layer_norm(*x, epsilon=EPSILON),
    "batch_norm_fixed": lambda row, x: batch_norm_fixed(*x, epsilon=EPSILON),
    "attention": lambda row, x: attention(*x, causal=bool(_integer(row, 0)), precision=_precision(row)),
    "mean_squared_error": lambda row, x: mean_squared_error(x[0], x[1]),
}


def run(program: Program, weights: Sequence[Tensor], given: Sequence[Value], stream: Stream) -> Ran:
    """The last row's result. Dropout draws from the streams that begin at this one, one for each such layer."""
    values: list[Value | None] = [*weights, *given]
    assert tuple(value.shape for value in values if value is not None) == program.shapes[: len(values)]
    last_uses = {place: at for at, row in enumerate(program.rows) for place in row.operands}
    running: dict[int, Tensor] = {}
    for at, row in enumerate(program.rows):
        operands = [values[place] for place in row.operands]
        result = _result(row, operands, stream, running)
        assert result.shape == row.shape
        values.append(result)
        for place in row.operands:
            if last_uses[place] == at:
                values[place] = None  # where no gradient needs it, its memory is free from here on
    assert isinstance(values[-1], Tensor)
    return Ran(values[-1], running)


def _result(row: Row, operands: Sequence[Value | None], stream: Stream, running: dict[int, Tensor]) -> Value:
    indices = [operand for operand in operands if isinstance(operand, Indices)]
    tensors = [operand for operand in operands if isinstance(operand, Tensor)]
    match row.name:
        case "indices":
            return Indices.of_tensor(tensors[0])
        case "reshape" if indices:
            return Indices(indices[0].values.reshape(_sizes(row, 0)))
        case "embedding":
            return embedding(tensors[0], indices[0])
        case "cross_entropy":
            return cross_entropy(tensors[0], indices[0])
        case "dropout":
            return dropout(tensors[0], row.rate, Stream(stream.seed, stream.number + _integer(row, 1)))
        case "batch_norm":
            x, weight, bias, mean, variance = tensors
            found = batch_norm(x, weight, bias, mean, variance, momentum=MOMENTUM, epsilon=EPSILON)
            running |= {row.operands[3]: found.running_mean, row.operands[4]: found.running_variance}
            return found.result
        case name:
            return _RUN[name](row, tensors)
