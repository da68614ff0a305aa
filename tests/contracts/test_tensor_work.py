"""What an operation makes and costs is known from shapes alone, exactly as the operation itself finds it."""

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import accountant.tensors as nn
from accountant.chain.tensor_prices import RATE_UNIT, TensorPrice, TensorSchedule
from accountant.contracts.tensor_rule import Attribute
from accountant.contracts.tensor_work import RULES, backward_work, price, work_of
from accountant.primitives.errors import AccountantError
from accountant.tensors.shapes import Shape

_P20, _P8 = nn.Precision.EXACT20, nn.Precision.EXACT8
_PRECISION = {20: _P20, 8: _P8}
SMALL = st.integers(0, 5)
SHAPE = st.lists(SMALL, max_size=4).map(tuple)
AXIS = st.integers(-5, 5)
PAIR = st.tuples(st.integers(-1, 4), st.integers(-1, 4))
PRECISION = st.sampled_from([20, 8])


def _zeros(shape: Shape) -> nn.Tensor:
    return nn.Tensor(torch.zeros(shape))


def _indices(shape: Shape) -> nn.Indices:
    return nn.Indices(torch.zeros(shape, dtype=torch.int64))


OPERATORS: dict[str, tuple[int, st.SearchStrategy[tuple[Attribute, ...]], Callable[..., object]]] = {
    "add": (2, st.just(()), lambda s, _: nn.add(*map(_zeros, s))),
    "divide": (2, st.just(()), lambda s, _: nn.divide(*map(_zeros, s))),
    "gelu": (1, st.just(()), lambda s, _: nn.gelu(_zeros(s[0]))),
    "sum": (
        1,
        st.tuples(st.lists(AXIS, max_size=3).map(tuple), st.integers(0, 1)),
        lambda s, a: nn.sum_over(_zeros(s[0]), a[0] or None, keep=bool(a[1])),
    ),
    "mean": (
        1,
        st.tuples(st.lists(AXIS, max_size=3).map(tuple), st.integers(0, 1)),
        lambda s, a: nn.mean_over(_zeros(s[0]), a[0] or None, keep=bool(a[1])),
    ),
    "max": (1, st.tuples(AXIS, st.integers(0, 1)), lambda s, a: nn.max_over(_zeros(s[0]), a[0], keep=bool(a[1]))),
    "argmax": (1, st.tuples(AXIS), lambda s, a: nn.argmax(_zeros(s[0]), a[0])),
    "matmul": (2, st.tuples(PRECISION), lambda s, a: nn.matmul(_zeros(s[0]), _zeros(s[1]), _PRECISION[a[0]])),
    "conv2d": (
        3,
        st.tuples(PAIR, PAIR, st.integers(0, 3), PRECISION),
        lambda s, a: nn.conv2d(*map(_zeros, s), stride=a[0], padding=a[1], groups=a[2], precision=_PRECISION[a[3]]),
    ),
    "conv1d": (
        3,
        st.tuples(st.integers(0, 3), st.integers(-1, 3), st.integers(0, 3), PRECISION),
        lambda s, a: nn.conv1d(*map(_zeros, s), stride=a[0], padding=a[1], groups=a[2], precision=_PRECISION[a[3]]),
    ),
    "attention": (
        3,
        st.tuples(st.integers(0, 1), PRECISION),
        lambda s, a: nn.attention(*map(_zeros, s), causal=bool(a[0]), precision=_PRECISION[a[1]]),
    ),
    "max_pool": (
        1,
        st.tuples(PAIR, PAIR, PAIR),
        lambda s, a: nn.max_pool2d(_zeros(s[0]), a[0], stride=a[1], padding=a[2]),
    ),
    "mean_pool": (
        1,
        st.tuples(PAIR, PAIR, PAIR),
        lambda s, a: nn.mean_pool2d(_zeros(s[0]), a[0], stride=a[1], padding=a[2]),
    ),
    "nearest": (1, st.tuples(PAIR), lambda s, a: nn.nearest(_zeros(s[0]), a[0])),
    "bilinear": (1, st.tuples(PAIR), lambda s, a: nn.bilinear(_zeros(s[0]), a[0])),
    "layer_norm": (3, st.just(()), lambda s, _: nn.layer_norm(*map(_zeros, s))),
    "batch_norm": (5, st.just(()), lambda s, _: nn.batch_norm(*map(_zeros, s))),
    "batch_norm_fixed": (5, st.just(()), lambda s, _: nn.batch_norm_fixed(*map(_zeros, s))),
    "mean_squared_error": (2, st.just(()), lambda s, _: nn.mean_squared_error(*map(_zeros, s))),
    "cross_entropy": (2, st.just(()), lambda s, _: nn.cross_entropy(_zeros(s[0]), _indices(s[1]))),
    "reshape": (1, st.tuples(SHAPE), lambda s, a: nn.reshape(_zeros(s[0]), a[0])),
    "expand": (1, st.tuples(SHAPE), lambda s, a: nn.expand(_zeros(s[0]), a[0])),
    "transpose": (
        1,
        st.tuples(st.lists(AXIS, max_size=4).map(tuple)),
        lambda s, a: nn.transpose(_zeros(s[0]), a[0]),
    ),
    "slice": (1, st.tuples(AXIS, SMALL, SMALL), lambda s, a: nn.slice_of(_zeros(s[0]), *a)),
    "join": (2, st.tuples(AXIS), lambda s, a: nn.join([_zeros(one) for one in s], a[0])),
    "pad": (1, st.tuples(AXIS, st.integers(-1, 3), SMALL), lambda s, a: nn.pad(_zeros(s[0]), *a)),
    "uniform": (0, st.tuples(SMALL, SMALL, SHAPE), lambda _, a: nn.uniform(nn.Stream(a[0], a[1]), a[2])),
    "permutation": (0, st.tuples(SMALL, SMALL, SMALL), lambda _, a: nn.permutation(nn.Stream(a[0], a[1]), a[2])),
    "full": (0, st.tuples(SHAPE), lambda _, a: nn.Tensor.full(a[0], 1.0)),
    "scatter_add": (
        3,
        st.tuples(AXIS),
        lambda s, a: nn.scatter_add(_zeros(s[0]), a[0], _indices(s[1]), _zeros(s[2])),
    ),
}


def _made(result: object) -> tuple[Shape, ...]:
    if isinstance(result, nn.Tensor | nn.Indices):
        return (result.shape,)
    assert isinstance(result, nn.Normalised)
    return tuple(tensor.shape for tensor in result)


@st.composite
def _fitting(draw: st.DrawFn, name: str, operands: int) -> tuple[Shape, ...]:
    """Shapes that often fit: a few sizes, and ranks that the operator wants."""
    rank = {"conv2d": 4, "conv1d": 3, "max_pool": 4, "mean_pool": 4, "nearest": 4, "bilinear": 4}.get(name)
    sizes = st.sampled_from([1, 2, 2, 3, 4, 0])
    shapes = []
    for at in range(operands):
        wanted = 1 if (name.startswith("conv") and at == 2) or (name.startswith("batch") and at) else rank
        shapes.append(tuple(draw(st.lists(sizes, min_size=wanted or 0, max_size=wanted or 4))))
        if at and draw(st.booleans()) and wanted is None:
            shapes[at] = shapes[0]
    if name.startswith(("layer", "batch")) and len(shapes[0]) > 1 and draw(st.booleans()):
        shapes[1:] = [(shapes[0][-1 if name.startswith("layer") else 1],)] * (operands - 1)
    return tuple(shapes)


@pytest.mark.parametrize("name", OPERATORS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_shapes_are_those_that_the_operator_makes(name: str, data: st.DataObject) -> None:
    """A rule refuses what the operator refuses, and else names its results' shapes."""
    operands, attributes, run = OPERATORS[name]
    shapes = data.draw(_fitting(name, operands))
    given_attributes = data.draw(attributes)
    try:
        made = _made(run(shapes, given_attributes))
    except AccountantError as error:
        with pytest.raises(type(error)):
            work_of(name, shapes, given_attributes)
        return
    results, work = work_of(name, shapes, given_attributes)
    assert results == made
    assert min(work.flops, work.bytes, work.held, work.scratch) >= 0


def test_huge_shapes_are_refused_before_anything_is_made() -> None:
    """2^31 elements, and products of sizes that overflow 64 bits."""
    for shapes in [((2**31, 1), (1, 1))], [((2**40, 1), (1, 2**40))], [((2**16, 2**15, 1), (1, 1))]:
        with pytest.raises(AccountantError):
            work_of("matmul", shapes[0], (20,))
    with pytest.raises(AccountantError):
        work_of("full", (), ((2**16, 2**16),))


def test_the_price_is_rounded_up_once() -> None:
    """Launch and both rates; a kind without a price of its own costs the default."""
    schedule = TensorSchedule("test", TensorPrice("", 7, 0, 0), (TensorPrice("matmul", 10, RATE_UNIT // 2, 1),))
    _, work = work_of("matmul", ((2, 3), (3, 4)), (20,))
    assert (work.flops, work.bytes) == (48, 4 * (6 + 12 + 8))
    assert price(work, schedule) == 10 + 24 + 1
    assert price(backward_work("matmul", ((2, 3), (3, 4)), (20,)), schedule) == 7
    assert work_of("matmul", ((2, 3), (3, 4)), (8,))[1].kind == "matmul8"


def test_no_torch_is_needed() -> None:
    """Processes that only price, such as validators, never load it."""
    code = "import sys, accountant.contracts.tensor_work; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_rule_has_an_operation() -> None:
    """The names are rows of the host table, which the host's own tests hold to this list."""
    assert set(OPERATORS) <= set(RULES)
