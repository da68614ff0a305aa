"""Views: everything may be read without a declaration, nothing may be changed, and nobody has signed."""

import pytest

from accountant.chain.envelope import ArgumentKind, Callers, Envelope
from accountant.contracts.errors import FailureKind
from accountant.contracts.view import execute_view
from accountant.contracts.world import RunResult
from accountant.primitives.types import BLACKHOLE, Gas
from tests.support.wat import DEPLOYER, MAIN, DictWorld, admits, call_of, contract, escaped, main_module, module, text

INNER = contract(1)
NOBODY = call_of()._replace(sender=BLACKHOLE)


def look(
    code: bytes, world: DictWorld | None = None, envelope: Envelope | None = None, gas: int = 1_000_000
) -> RunResult:
    """View `main` of `code`."""
    world = world or DictWorld()
    world.deploy(MAIN, code, envelope)
    return execute_view(NOBODY, world, Gas(gas))


def inner_call(value: int) -> str:
    """WAT that calls `main` of INNER; the data is INNER and the name."""
    return f"(drop (call $call {text(0, 32)} {text(32, 4)} (call $args_new) (i64.const {value})))"


def test_undeclared_slots_are_read() -> None:
    """Of the contract itself, and of one that it calls."""
    world = DictWorld()
    world.slots = {(MAIN, b"k"): b"own", (INNER, b"k"): b"other"}
    read = main_module(f"(call $return_bytes (call $storage_read {text(0, 1)}))", "k")
    assert look(read, world).return_value == b"own"
    world.deploy(INNER, read)
    asking = main_module(f"{inner_call(0)} (call $return_bytes (call $returned_bytes))", escaped(INNER) + "main")
    assert look(asking, world).return_value == b"other"


def test_undeclared_bounds_and_queries_are_asked() -> None:
    """Both come from the world, as for a transaction that declares them."""
    world = DictWorld()
    world.bounds[MAIN, ()] = 41
    world.answers[b"q"] = b"\xc3"
    bound = main_module(f"(call $return_int (call $bound (call $self) {text(0, 0)}))")
    asked = main_module(f"(call $return_bytes (call $query {text(0, 1)}))", "q")
    assert look(bound, world).return_value == 41
    assert look(asked, world).return_value == b"\xc3"


@pytest.mark.parametrize(
    "code",
    [
        f"(call $storage_write {text(0, 1)} {text(0, 1)})",
        f"(call $storage_write {text(0, 1)} {text(0, 0)})",
        f"(call $storage_write_int {text(0, 1)} (i64.const 5))",
        "(call $transfer (call $self) (i64.const 1))",
        "(call $transfer (call $self) (i64.const 0))",
        f"(call $log {text(0, 1)} {text(0, 1)})",
        inner_call(1),
    ],
)
def test_nothing_is_changed(code: str) -> None:
    """Writing, clearing, paying (also 0), logging and a call with money all fail, and nothing of the run is left."""
    world = DictWorld()
    world.balances[MAIN] = 100
    world.deploy(INNER, main_module(""))
    result = look(main_module(f"(call $return_int (i64.const 1)) {code}", escaped(INNER) + "main"), world)
    assert result.failure is FailureKind.VIEW_WRITES
    assert result.return_value is None and not result.writes and not result.logs and not result.credits


def test_a_called_contract_changes_nothing_either() -> None:
    """The rule holds at every depth."""
    world = DictWorld()
    world.deploy(INNER, main_module(f"(call $storage_write {text(0, 1)} {text(0, 1)})"))
    result = look(main_module(inner_call(0), escaped(INNER) + "main"), world)
    assert result.failure is FailureKind.VIEW_WRITES


def test_nobody_calls() -> None:
    """Sender and caller are address zero, and no value comes."""
    for who in ("sender", "caller"):
        assert look(main_module(f"(call $return_bytes (call ${who}))")).return_value == BLACKHOLE
    assert look(main_module("(call $return_int (call $value))")).return_value == 0


@pytest.mark.parametrize(
    ("envelope", "failure"),
    [
        (admits("main", direct=True), None),
        (admits("main", zero_cost=True), None),
        (admits("main", callers=Callers.DEPLOYER), FailureKind.NOT_CALLABLE),
        (admits("main", callers=Callers.LISTED, listed=(DEPLOYER,)), FailureKind.NOT_CALLABLE),
        (admits("main", arguments=(ArgumentKind.INT,)), FailureKind.BAD_ARGUMENTS),
        (admits("other"), FailureKind.NO_FUNCTION),
    ],
)
def test_the_envelope_rules(envelope: Envelope, failure: FailureKind | None) -> None:
    """Any function that anyone may call can be asked, with its own kinds of arguments."""
    assert look(main_module(""), envelope=envelope).failure is failure


def test_no_constructor_is_viewed() -> None:
    """It runs once, at deployment, whatever the envelope says."""
    world = DictWorld()
    world.deploy(MAIN, module('(func (export "init"))'), admits("init"))
    result = execute_view(NOBODY._replace(function="init"), world, Gas(1_000_000))
    assert result.failure is FailureKind.NOT_CALLABLE and result.gas_used == 0


def test_no_code_and_no_gas() -> None:
    """Where nothing is deployed the view fails, and so it does where its gas ends."""
    assert execute_view(NOBODY, DictWorld(), Gas(1_000_000)).failure is FailureKind.NO_CODE
    result = look(main_module("(loop $on (br $on))"), gas=50_000)
    assert result.failure is FailureKind.OUT_OF_GAS and result.gas_used == 50_000
