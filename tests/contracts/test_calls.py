"""Calls between contracts: envelopes at run time, value, shared gas and footprint, depth, re-entrance."""

import pytest

from accountant.chain.envelope import ArgumentKind, Callers, Envelope
from accountant.chain.footprint import Call, Credit, Debit, Entry, Read, Write
from accountant.chain.genesis import Limits
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.world import ContractCode, RunResult
from accountant.primitives.types import ContractId, Gas
from tests.support.wat import (
    DEPLOYER,
    FRIEND,
    GAS,
    MAIN,
    DictWorld,
    admits,
    call_of,
    contract,
    escaped,
    main_module,
    module,
    run_main,
    text,
)

INNER = contract(1)
NAME = text(32, 4)


def calling(to: bytes = INNER, value: int = 0, arguments: str = "", then: str = "", name: str = "main") -> bytes:
    """A module whose `main` calls `name` of `to` and then goes on; `$k` is what `call` says."""
    code = f"""(local.set $a (call $args_new)) {arguments}
        (local.set $k
            (call $call {text(0, len(to))} {text(len(to), len(name))} (local.get $a) (i64.const {value}))) {then}"""
    return main_module(code, escaped(to) + name, "(local $a i64) (local $k i64)")


def run_inner(inner: bytes, *footprint: Entry, envelope: Envelope | None = None, **how: object) -> RunResult:
    """MAIN calls `main` of INNER, which holds `inner`."""
    world = DictWorld()
    world.deploy(INNER, inner, envelope)
    world.balances[MAIN] = 100
    return run_main(calling(**how), Call(INNER), *footprint, world=world)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("inner", "kind", "then", "returned"),
    [
        ("", 0, "(call $return_int (local.get $k))", 0),
        ("(call $return_int (i64.const -5))", 1, "(call $return_int (call $returned_int))", -5),
        ("(call $return_bytes (call $caller))", 2, "(call $return_bytes (call $returned_bytes))", MAIN),
        ("(call $return_bytes (call $sender))", 2, "(call $return_bytes (call $returned_bytes))", b"\x51" * 20),
        ("(call $return_bytes (call $self))", 2, "(call $return_bytes (call $returned_bytes))", INNER),
    ],
)
def test_return_values(inner: str, kind: int, then: str, returned: object) -> None:
    """call says what kind of value came back, and the value is there; the immediate caller is the contract."""
    assert run_inner(main_module(inner), then="(call $return_int (local.get $k))").return_value == kind
    assert run_inner(main_module(inner), then=then).return_value == returned


def test_a_name_is_looked_up_by_its_bytes() -> None:
    """What errors show of bytes that are no text is a text itself, and no function's name by that."""
    world = DictWorld()
    world.deploy(INNER, module('(func (export "\\5cxff"))'), admits("\\xff"))
    for name, size, failure in (("\\5cxff", 4, None), ("\\ff", 1, FailureKind.NO_FUNCTION)):
        code = f"(drop (call $call {text(0, 32)} {text(32, size)} (call $args_new) (i64.const 0)))"
        result = run_main(main_module(code, escaped(INNER) + name), Call(INNER), world=world)
        assert result.failure is failure, name


def test_each_call_returns_its_own_bytes() -> None:
    """After another call `returned_bytes` is what that one returned, and the first one's handle is what it was."""
    again = f"""(local.set $k (call $returned_bytes))
        (drop (call $call {text(0, 32)} {NAME} (call $args_new) (i64.const 0)))
        (call $return_bytes (call $bytes_concat (local.get $k) (call $returned_bytes)))"""
    inner = main_module(
        """(call $return_bytes (call $bytes_from_int (i64.add (i64.const 1) (call $int_from_bytes
            (call $storage_read (call $self))))))
        (call $storage_write (call $self) (call $bytes_from_int (i64.add (i64.const 1) (call $int_from_bytes
            (call $storage_read (call $self))))))"""
    )
    result = run_inner(inner, Read(INNER, INNER), Write(INNER, INNER), then=again)
    assert result.return_value == (1).to_bytes(8, "big") + (2).to_bytes(8, "big")


@pytest.mark.parametrize(
    ("inner", "then"),
    [
        ("", "(drop (call $returned_int))"),
        ("", "(drop (call $returned_bytes))"),
        ("(call $return_int (i64.const 1))", "(drop (call $returned_bytes))"),
        ("(call $return_bytes (call $self))", "(drop (call $returned_int))"),
    ],
)
def test_returned_value_of_another_kind(inner: str, then: str) -> None:
    """Asking for a value that did not come back is INVALID_VALUE."""
    assert run_inner(main_module(inner), then=then).failure is FailureKind.INVALID_VALUE


def test_arguments_arrive() -> None:
    """Integers and bytes arrive in their order; the list stays usable."""
    inner = main_module(
        """(call $return_bytes (call $bytes_concat
            (call $arg_bytes (i64.const 1)) (call $bytes_from_int (call $arg_int (i64.const 0)))))"""
    )
    envelope = admits("main", arguments=(ArgumentKind.INT, ArgumentKind.BYTES))
    push = "(call $args_int (local.get $a) (i64.const 77)) (call $args_bytes (local.get $a) (call $self))"
    again = f"""(drop (call $call {text(0, 32)} {NAME} (local.get $a) (i64.const 0)))
        (call $return_bytes (call $returned_bytes))"""
    result = run_inner(inner, envelope=envelope, arguments=push, then=again)
    assert result.return_value == MAIN + (77).to_bytes(8, "big")


@pytest.mark.parametrize(
    ("envelope", "failure"),
    [
        (admits("main", arguments=(ArgumentKind.INT,)), FailureKind.BAD_ARGUMENTS),
        (admits("main", direct=True), FailureKind.NOT_CALLABLE),
        (admits("main", zero_cost=True), FailureKind.NOT_CALLABLE),
        (admits("main", callers=Callers.DEPLOYER), FailureKind.NOT_CALLABLE),
        (admits("main", callers=Callers.LISTED, listed=(INNER,)), FailureKind.NOT_CALLABLE),
        (admits("main", callers=Callers.LISTED, listed=(MAIN,)), None),
        (admits("other"), FailureKind.NO_FUNCTION),
        (admits(), FailureKind.NO_FUNCTION),
    ],
)
def test_envelope_at_run_time(envelope: Envelope, failure: FailureKind | None) -> None:
    """The callee's envelope decides who may call what with which arguments, also for contracts."""
    inner = module('(func (export "main")) (func (export "other"))')
    assert run_inner(inner, envelope=envelope).failure is failure


def test_no_contract_calls_a_constructor() -> None:
    """A constructor runs once, at deployment: called by another contract it could set everything back."""
    world = DictWorld()
    world.deploy(INNER, module('(func (export "init"))'), admits("init"))
    result = run_main(calling(name="init"), Call(INNER), world=world)
    assert result.failure is FailureKind.NOT_CALLABLE


@pytest.mark.parametrize(
    ("envelope", "failure"),
    [
        (admits("main", direct=True, zero_cost=True), None),
        (admits("main", callers=Callers.DEPLOYER), FailureKind.NOT_CALLABLE),
        (admits("main", callers=Callers.LISTED, listed=(b"\x51" * 20,)), None),
        (admits("other"), FailureKind.NO_FUNCTION),
    ],
)
def test_envelope_for_transactions(envelope: Envelope, failure: FailureKind | None) -> None:
    """The same rules hold for the transaction's own call, where the caller is the signer."""
    world = DictWorld()
    world.deploy(MAIN, module('(func (export "main")) (func (export "other"))'), envelope)
    assert execute(call_of(), world, GAS).failure is failure


def test_no_code_no_entry_no_contract() -> None:
    """No code, no call entry, no contract id, and a negative value each have their own failure."""
    assert run_main(calling(), Call(INNER)).failure is FailureKind.NO_CODE
    assert run_main(calling()).failure is FailureKind.UNDECLARED_ACCESS
    assert run_main(calling(to=FRIEND)).failure is FailureKind.INVALID_VALUE
    assert run_inner(main_module(""), value=-1).failure is FailureKind.INVALID_VALUE
    assert execute(call_of(), DictWorld(), GAS)[:3] == (FailureKind.NO_CODE, "0x" + MAIN.hex(), 0)
    assert run_inner(main_module(""), name="mai").failure is FailureKind.NO_FUNCTION


def test_value_moves_like_a_transfer() -> None:
    """A call's value is a debit of the caller and a credit of the callee, both declared; the callee may spend it."""
    spend = main_module(f"(call $transfer {text(0, 20)} (call $value))", escaped(FRIEND))
    entries = (Debit(MAIN, 60), Credit(INNER), Debit(INNER, 60), Credit(FRIEND))
    result = run_inner(spend, *entries, value=60)
    assert result.credits == {INNER: 60, FRIEND: 60}
    assert result.debits == {MAIN: 60, INNER: 60}
    for missing in entries:
        declared = [entry for entry in entries if entry is not missing]
        assert run_inner(spend, *declared, value=60).failure is FailureKind.UNDECLARED_ACCESS
    assert run_inner(main_module(""), value=0).failure is None
    assert run_inner(main_module(""), *entries, value=61).failure is FailureKind.CAP_EXCEEDED


def test_value_comes_to_payable_functions_alone() -> None:
    """A function that is not payable is not callable with value, by a contract or a transaction; without, it is."""
    inner, envelope = main_module(""), admits("main", payable=False)
    entries = (Debit(MAIN, 1), Credit(INNER))
    refused = run_inner(inner, *entries, envelope=envelope, value=1)
    assert (refused.failure, refused.detail) == (FailureKind.NOT_CALLABLE, f"main of 0x{INNER.hex()} takes no value")
    assert not refused.credits and not refused.debits
    assert run_inner(inner, *entries, envelope=envelope).failure is None
    assert run_inner(inner, *entries, value=1).failure is None
    world = DictWorld()
    world.deploy(MAIN, inner, envelope)
    assert execute(call_of(value=1), world, GAS).failure is FailureKind.NOT_CALLABLE
    assert execute(call_of(), world, GAS).failure is None


def test_caps_are_gross_over_all_frames() -> None:
    """What a contract pays in several frames counts together against its cap, money that returns does not help."""
    back = main_module(f"(call $transfer {text(0, 32)} (call $value))", escaped(MAIN))
    then = f"(drop (call $call {text(0, 32)} {NAME} (local.get $a) (i64.const 60)))"
    entries = (Credit(MAIN), Credit(INNER), Debit(INNER, 120))
    result = run_inner(back, *entries, Debit(MAIN, 120), value=60, then=then)
    assert (result.credits, result.debits) == ({INNER: 120, MAIN: 120}, {MAIN: 120, INNER: 120})
    result = run_inner(back, *entries, Debit(MAIN, 119), value=60, then=then)
    assert result.failure is FailureKind.CAP_EXCEEDED


def test_storage_is_per_contract_and_shared_by_frames() -> None:
    """A slot belongs to the running contract; what one frame writes, a later frame of it reads."""
    inner = main_module(
        f"""(call $return_bytes (call $storage_read {text(0, 1)}))
        (call $storage_write {text(0, 1)} (call $bytes_concat (call $storage_read {text(0, 1)}) {text(0, 1)}))""",
        "s",
    )
    then = f"""(drop (call $call {text(0, 32)} {NAME} (local.get $a) (i64.const 0)))
        (call $return_bytes (call $returned_bytes))"""
    result = run_inner(inner, Read(INNER, b"s"), Write(INNER, b"s"), then=then)
    assert result.return_value == b"s"
    assert result.writes == {(INNER, b"s"): b"ss"}
    assert run_inner(inner, Read(MAIN, b"s"), Write(MAIN, b"s")).failure is FailureKind.UNDECLARED_ACCESS


def test_handles_of_another_frame_mean_nothing() -> None:
    """A handle of the caller, passed as a number, is none in the callee."""
    inner = main_module("(drop (call $bytes_len (call $arg_int (i64.const 0))))")
    push = "(call $args_int (local.get $a) (call $self))"
    result = run_inner(inner, envelope=admits("main", arguments=(ArgumentKind.INT,)), arguments=push)
    assert result.failure is FailureKind.INVALID_HANDLE


def test_each_frame_is_a_fresh_instance() -> None:
    """Globals and memory of a contract start anew in each frame."""
    inner = module(
        """(global $g (mut i64) (i64.const 0))
        (func (export "main") (global.set $g (i64.add (global.get $g) (i64.const 1)))
            (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (global.get $g)))
            (call $return_int (i64.load (i32.const 8))))"""
    )
    then = f"""(drop (call $call {text(0, 32)} {NAME} (local.get $a) (i64.const 0)))
        (call $return_int (call $returned_int))"""
    assert run_inner(inner, then=then).return_value == 1


def test_inner_failure_fails_everything() -> None:
    """A failing inner call rolls back the whole transaction, with the gas used until then and no more."""
    result = run_inner(main_module(f"(call $fail {text(0, 2)})", "no"), Debit(MAIN, 5), Credit(INNER), value=5)
    assert result.failure is FailureKind.ASSERTION
    assert result[3:] == (None, (), {}, {}, {}, {}, {})
    assert 10_000 < result.gas_used < 30_000


@pytest.mark.parametrize("inner", ["(unreachable)", "(loop $l (br $l))"])
def test_inner_trap_uses_all_gas(inner: str) -> None:
    """A trap or exhausted gas in an inner frame uses up the whole transaction's gas."""
    assert run_inner(main_module(inner)).gas_used == GAS


def test_gas_is_shared() -> None:
    """What an inner frame burns is gone for the outer one: the sum is what a single meter says."""
    burn = """(local.set $i (i64.const 1000)) (loop $l
        (br_if $l (i64.ne (local.tee $i (i64.sub (local.get $i) (i64.const 1))) (i64.const 0))))"""
    empty = run_inner(main_module("", locals_="(local $i i64)"))
    full = run_inner(main_module(burn, locals_="(local $i i64)"))
    alone, nothing = (run_main(main_module(code, locals_="(local $i i64)")).gas_used for code in (burn, ""))
    assert full.gas_used - empty.gas_used == alone - nothing


def chain(depth: int) -> tuple[DictWorld, tuple[Entry, ...]]:
    """MAIN calls contract 1, that calls 2, …: `depth` frames in all."""
    world = DictWorld()
    for number in range(depth - 1):
        world.deploy(contract(number), calling(to=contract(number + 1), then="(call $return_int (call $returned_int))"))
    world.deploy(contract(depth - 1), main_module("(call $return_int (i64.const 42))"))
    return world, tuple(Call(contract(number)) for number in range(depth))


def test_depth() -> None:
    """call_depth_most frames run inside each other; one more is RECURSION_LIMIT."""
    most = Limits().call_depth_most
    world, footprint = chain(most)
    assert execute(call_of(footprint=footprint), world, GAS).return_value == 42
    world, footprint = chain(most + 1)
    assert execute(call_of(footprint=footprint), world, GAS).failure is FailureKind.RECURSION_LIMIT


def test_a_contract_that_calls_itself_for_ever() -> None:
    """Recursion through calls ends at the depth limit; the transaction's callee needs no call entry."""
    assert run_main(calling(to=MAIN)).failure is FailureKind.RECURSION_LIMIT


def test_reentrance_cannot_pay_twice() -> None:
    """A contract entered again while it runs has the same balance: the second payout is not covered."""
    vault = ContractId(MAIN)
    name = text(64, 3)
    pay = f"""(func (export "pay") (call $transfer {text(0, 32)} (i64.const 60)))
        (func (export "main") (call $transfer {text(0, 32)} (i64.const 60))
            (drop (call $call {text(0, 32)} {text(67, 4)} (call $args_new) (i64.const 0))))"""
    enter = f"(drop (call $call {text(32, 32)} {name} (call $args_new) (i64.const 0)))"
    thief = main_module(enter, escaped(INNER + vault) + "pay")
    world = DictWorld()
    world.deploy(vault, module(pay, escaped(INNER + vault) + "paymain"), admits("main", "pay"))
    world.deploy(INNER, thief)
    footprint = (Credit(INNER), Debit(vault, 1000), Call(INNER))
    for units, failure in ((119, FailureKind.INSUFFICIENT_CONTRACT_FUNDS), (120, None)):
        world.balances[vault] = units
        assert execute(call_of(footprint=footprint), world, GAS).failure is failure


def test_values_of_ended_frames_are_freed() -> None:
    """The memory limit is of the frames that run: many calls that use a megabyte each are fine."""
    inner = module('(func (export "main") (drop (call $bytes_new (i32.const 0) (i32.const 1048576))))', pages=17)
    then = f"(drop (call $call {text(0, 32)} {NAME} (local.get $a) (i64.const 0)))" * 20
    world = DictWorld()
    world.deploy(INNER, inner)
    assert run_main(calling(then=then), Call(INNER), world=world, gas=10**8).failure is None


def test_constructor_sees_its_own_code() -> None:
    """A constructor runs the code that its transaction deploys, and may call it; the world knows of none."""
    code = module(
        f"""(func (export "init") (drop (call $call (call $self) {text(0, 4)} (call $args_new) (i64.const 0)))
            (call $return_int (call $returned_int)))
        (func (export "main") (call $return_int (call $value)))""",
        "main",
    )
    deploying = ContractCode(code, admits("init", "main"), DEPLOYER)
    result = execute(call_of("init", deploying=deploying, value=9), DictWorld(), Gas(100_000))
    assert (result.failure, result.return_value, result.credits) == (None, 0, {MAIN: 9})


@pytest.mark.parametrize("name", [b"\xff" * 60_000, "Θ".encode() * 30_000, b"main\x00", b"mai", b"x" * 128, b"x" * 129])
def test_strange_function_names_are_shown_by_their_beginning(name: bytes) -> None:
    """A name that no function has is NO_FUNCTION, with at most 128 of its characters in the detail."""
    data = escaped(INNER + name)
    code = f"(drop (call $call {text(0, 32)} {text(32, len(name))} (call $args_new) (i64.const 0)))"
    world = DictWorld()
    world.deploy(INNER, main_module(""))
    result = run_main(main_module(code, data), Call(INNER), world=world)
    assert result.failure is FailureKind.NO_FUNCTION
    assert result.detail.split(" of ")[0] == name.decode("utf-8", "backslashreplace")[:128]
