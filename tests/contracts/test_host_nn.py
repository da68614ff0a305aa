"""Host functions on tensors: each runs, costs what the page says, and refuses what it should."""

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from accountant.chain.footprint import Memory, Read
from accountant.contracts import tensor_means
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.table import HOST
from accountant.contracts.table_nn import NN_TABLE
from accountant.contracts.tensor_means import Means, Memo
from accountant.primitives.types import Gas
from tests.support.tensor_calls import CALLS, LOCALS, drawn, get, integer, ints, listed
from tests.support.wat import MAIN, DictWorld, call_of, main_module, run_main, text

if TYPE_CHECKING:
    from accountant.contracts.tensor_values import Computed


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


class Stop(Exception):
    """What a world raises that does not know yet."""


def test_gradients_add_up_in_the_same_order_after_forgetting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was forgotten between value and gradient is made again in its old places, and gives the same bits."""
    monkeypatch.setattr(tensor_means, "MEMO_BYTES_LEAST", 0)
    uses = "".join(
        drawn((64,), "t", at) + f"(local.set $y (call $nn_add {get('y')} (call $nn_multiply {get('u')} {get('t')})))"
        for at in range(1, 9)
    )
    forward = (
        drawn((64,), "t")
        + f"(local.set $u (call $nn_variable {get('t')})) (local.set $y {get('u')})"
        + uses
        + f"(local.set $y (call $nn_multiply {get('y')} (call $nn_tanh {get('u')})))"
        + ints()
        + f"(local.set $v (call $nn_sum {get('y')} {get('s')} {integer(0)}))"
        + listed("u")
    )
    backward = f"(call $return_bytes (call $nn_save_all (call $nn_grad {get('v')} {get('ts')})))"
    world = DictWorld()
    world.deploy(MAIN, main_module(f"{forward} (drop (call $storage_read {text(0, 1)})) {backward}", locals_=LOCALS))
    run = call_of(footprint=(Read(MAIN, b"\x00"),))
    expected = execute(run, world, Gas(10**9))
    assert expected.failure is None

    class Forgetful(Memo):
        def keep(self, recipe: bytes, results: "Computed", size: int, most: int) -> None:
            super().keep(recipe, results, size, 0)

    for memo in (Memo(), Forgetful()):

        def stop(what: str, _of: object) -> None:
            if what == "slot":
                raise Stop

        world.before = stop
        with pytest.raises(Stop):
            execute(run, world, Gas(10**9), means=Means(memo))
        world.before = lambda _what, _of: None
        before = memo.computed
        assert execute(run, world, Gas(10**9), means=Means(memo)) == expected
        again = memo.computed - before
        assert (again == 1) == (type(memo) is Memo), again


def test_what_is_let_go_takes_nothing_from_what_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that begins anew finds what a handle named, though the same was let go too, and much besides."""
    monkeypatch.setattr(tensor_means, "MEMO_BYTES_LEAST", 0)
    side = 256
    most = 32 * 4 * side**2  # less than what is let go, more than what is held at once
    begin = drawn((side, side), "t") + f"(local.set $u (call $nn_exp {get('t')})) (local.set $i (call $nn_mark))"
    gone = f"(local.set $x (call $nn_exp {get('t')}))"
    for at in range(1, 41):
        gone += drawn((side, side), "y", at)
        if at % 4 == 0:
            gone += f"(drop (call $nn_release {get('i')} (call $nn_list)))"
    again = drawn((side, side), "z", 1)
    end = f"(drop (call $storage_read {text(0, 1)})) {again} {listed('u', 'z')}"
    code = main_module(f"{begin} {gone} {end} (call $return_bytes (call $nn_save_all {get('ts')}))", locals_=LOCALS)
    world = DictWorld()
    world.deploy(MAIN, code)
    run = call_of(footprint=(Read(MAIN, b"\x00"), Memory(most)))
    expected = execute(run, world, Gas(10**9))
    assert expected.failure is None, expected

    def stop(what: str, _of: object) -> None:
        if what == "slot":
            raise Stop

    memo = Memo()
    world.before = stop
    with pytest.raises(Stop):
        execute(run, world, Gas(10**9), means=Means(memo))
    world.before = lambda _what, _of: None
    before = memo.computed
    assert execute(run, world, Gas(10**9), means=Means(memo)) == expected
    assert memo.computed - before == 1, "the first of those let go, which is looked at again"
