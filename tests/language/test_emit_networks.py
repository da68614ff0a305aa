"""Networks do on the chain's machine what they do under CPython, to the bit."""

import re

import pytest

from accountant.contracts.errors import FailureKind
from accountant.contracts.table import Kind
from accountant.contracts.table_nn import NN_TABLE
from accountant.language.nn.values import Released
from accountant.language.operators import OPERATORS, Form
from accountant.language.types import Type
from tests.support.differential import Both
from tests.support.random_network import Network

SEEDS = range(24)
BY_SYNTAX = {"nn_list", "nn_at", "nn_list_len"}
"""Rows that are `[…]`, `tensors[i]` and `len(tensors)`."""
KINDS = {
    (Type.TENSOR, Form.VALUE): Kind.TENSOR,
    (Type.TENSOR, Form.OPTIONAL): Kind.TENSOR_OR_NONE,
    (Type.TENSORS, Form.VALUE): Kind.TENSORS,
    (Type.INDICES, Form.VALUE): Kind.INDICES,
    (Type.INDICES, Form.OPTIONAL): Kind.INDICES_OR_NONE,
    (Type.INT, Form.VALUE): Kind.INT,
    (Type.INT, Form.SIZES): Kind.LIST,
    (Type.INT, Form.PAIR): Kind.LIST,
    (Type.INT, Form.PAIR_AS_BEFORE): Kind.LIST,
    (Type.BOOL, Form.VALUE): Kind.BOOL,
    (Type.REAL, Form.VALUE): Kind.REAL,
    (Type.BYTES, Form.VALUE): Kind.BYTES,
    (Type.STR, Form.VALUE): Kind.BYTES,
    (Type.CID, Form.VALUE): Kind.BYTES,
}


def test_every_row_on_tensors_is_an_operator_with_its_parameters() -> None:
    """The host table and the signatures of `nn` say the same, row by row."""
    rows = {row.name: (row.parameters, row.result) for row in NN_TABLE}
    told = {
        one.row: (
            tuple(KINDS[parameter.type, parameter.form] for parameter in one.parameters),
            KINDS[one.returns, Form.VALUE],
        )
        for one in OPERATORS.values()
    }
    assert {name: row for name, row in rows.items() if name not in BY_SYNTAX} == told
    assert set(rows) >= BY_SYNTAX


def test_the_random_networks_use_every_operator() -> None:
    """No operator is left out of the comparison below."""
    used = {name for seed in SEEDS for name in re.findall(r"nn\.(\w+)\(", Network(seed).source)}
    assert set(OPERATORS) - used == set()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks(seed: int) -> None:
    """The CID of all that a network computed is the same, for several seeds of its random numbers."""
    network = Network(seed)
    both = Both(network.source)
    for given in (7, -1):
        assert both.call("main", given).failure is None


SYNTAX = """
RATE = -2.5
SMALL: float = 1
count: int

def step() -> int:
    global count
    count += 1
    return 2

def chosen(flag: bool, tensors: Tensors, places: Indices, rate: float) -> Tensor:
    first = tensors[0] if flag else tensors[len(tensors) - 1]
    if nn.index(places, 0) > 0:
        return first * rate
    while first.dims < 3:
        first = nn.expand(first, (1, 2, 2))
    return first

@export
def pooled() -> Cid:
    x = nn.reshape(nn.normal(1, 2, 64), (1, 1, 8, step() * 4))
    kept = [nn.max_pool(x, step()), nn.max_pool(x, (step(), 2)), nn.mean_pool(x, step(), None), nn.nearest(x, step())]
    return nn.save_all(kept)

@export
def numbers(flag: bool, n: int) -> Cid:
    rate: float = 1
    rate = nn.real(n, 3) if flag else RATE
    x = nn.full((2, 2), SMALL)
    x += rate
    x -= 0.5
    x @= x
    x *= x
    x /= nn.full(2, 2)
    y = chosen(flag, [x, -x, x * rate], nn.indices_of_ints(1, b"\\x01"), rate)
    return nn.save_all([x, y, chosen(n > 0, [y], nn.argmax(nn.full((1, 1), 0.0)), 0.5)])

@export
def element(n: int) -> int:
    several = [nn.full(1, 1), nn.full(1, 2), nn.full(1, 3)]
    return nn.item(several[n])

@export
def shapes(rows: int) -> int:
    assert rows != 9, "nine"
    x = nn.full((rows, 2), 0.5)
    total = nn.item(nn.sum(x @ nn.full((2, 3), 1.0))) * 100 + x.shape[0] * 10 + x.shape[-1]
    return total + (x @ nn.full((3, 1), 1.0)).dims

@export
def none() -> Cid:
    x = nn.layer_norm(nn.normal(3, 4, (2, 3)), None, bias=nn.full(3, 0.5))
    return nn.save(nn.layer_norm(x, weight=None))

@export
def stale() -> int:
    mark = nn.mark()
    lost = nn.full(1, 1.0)
    kept = nn.release(mark, [])
    return nn.item(lost) + len(kept)

@export
def empty() -> int:
    return len([]) + len(nn.load_all(nn.save_all([])))
"""


def test_values_pass_through_functions_loops_branches_and_operators() -> None:
    """What the chain's machine computes is what Python's own operators, lists and calls compute."""
    both = Both(SYNTAX)
    assert both.call("pooled").failure is None
    for flag in (True, False):
        for n in (0, 1, -5):
            assert both.call("numbers", flag, n).failure is None
    assert both.call("none").failure is None
    assert both.call("empty").return_value == 0


def test_positions_in_lists_are_those_of_python() -> None:
    """From the end if they are negative; beyond either end the call fails."""
    both = Both(SYNTAX)
    assert [both.call("element", n).return_value for n in range(-3, 3)] == [1, 2, 3, 1, 2, 3]
    for n in (-4, 3, 2**63 - 1, -(2**63)):
        assert both.call("element", n).failure is FailureKind.INVALID_VALUE


def test_shapes_that_do_not_fit_fail() -> None:
    """As the operators themselves do, at their line."""
    both = Both(SYNTAX)
    failed = both.call("shapes", 2)
    assert failed.failure is FailureKind.INVALID_VALUE
    assert failed.detail == "no matrix product of (2, 2) and (3, 1)"
    assert both.call("shapes", -1).failure is FailureKind.INVALID_VALUE
    assert both.call("shapes", 9).detail == "nine"


def test_what_was_let_go_of_is_used_on_neither_machine() -> None:
    """It has no handle on the chain any more, and says so under CPython."""
    both = Both(SYNTAX)
    assert both.chain.call("stale").failure is FailureKind.INVALID_HANDLE
    with pytest.raises(Released):
        both.python.call("stale")
