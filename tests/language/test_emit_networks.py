"""Networks do on the chain's machine what they do under CPython, to the bit."""

import re

import pytest

from accountant.contracts.table import Kind
from accountant.contracts.table_nn import NN_TABLE
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
