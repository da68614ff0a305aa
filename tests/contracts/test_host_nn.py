"""Host functions on tensors: each runs, costs what the page says, and refuses what it should."""

import subprocess
import sys

import pytest

from accountant.contracts.errors import FailureKind
from accountant.contracts.table import HOST
from accountant.contracts.table_nn import NN_TABLE
from tests.support.tensor_calls import CALLS, LOCALS
from tests.support.wat import main_module, run_main


def test_every_row_has_a_call() -> None:
    """Each row on tensors is called by a test."""
    assert {f"nn_{name}" for name in CALLS} == {row.name for row in NN_TABLE}
    assert all(name.startswith("nn_") == (HOST[name] in NN_TABLE) for name in HOST)


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    """The call gives an integer, a handle or the bits of a number, and each time the same for the same gas."""
    before, call = CALLS[name]
    code = main_module(f"{before} (call $return_int {call})", locals_=LOCALS)
    first, again = run_main(code), run_main(code)
    assert first.failure is None, first
    assert first == again


def test_torch_is_not_loaded_before_a_contract_computes() -> None:
    """A process that knows the host table has not loaded torch: nodes and dispatchers never need it."""
    code = "import sys, accountant.contracts.run, accountant.execution.selective; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_failure_names_its_kind() -> None:
    """Running past the gas of an operation is OUT_OF_GAS before anything of it is done."""
    before, call = CALLS["matmul"]
    code = main_module(f"{before} (drop {call})", locals_=LOCALS)
    used = run_main(code).gas_used
    assert run_main(code, gas=used).failure is None
    assert run_main(code, gas=used - 1).failure is FailureKind.OUT_OF_GAS
