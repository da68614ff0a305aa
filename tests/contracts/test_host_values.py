"""Host functions on arguments, context and bytes."""

import hashlib

import pytest

from accountant.chain.envelope import ArgumentKind
from accountant.chain.genesis import Limits
from accountant.chain.transaction import Argument
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.world import RunResult
from accountant.primitives.cid import cid_of
from accountant.primitives.hashes import keccak256
from tests.support.wat import (
    GAS,
    MAIN,
    PREVIOUS,
    SENDER,
    DictWorld,
    admits,
    call_of,
    escaped,
    main_module,
    module,
    run_main,
    text,
)

INT, BYTES = ArgumentKind.INT, ArgumentKind.BYTES


def returns(expression: str, data: str = "") -> Argument | None:
    """What `main` returns for a WAT expression of a handle."""
    result = run_main(main_module(f"(call $return_bytes {expression})", data))
    assert result.failure is None, result
    return result.return_value


def returns_int(expression: str, data: str = "", value: int = 0) -> Argument | None:
    """What `main` returns for a WAT expression of an integer."""
    result = run_main(main_module(f"(call $return_int {expression})", data), value=value)
    assert result.failure is None, result
    return result.return_value


def fails(code: str, data: str = "", gas: int = GAS) -> RunResult:
    """How `main` fails."""
    result = run_main(main_module(code, data), gas=gas)
    assert result.failure is not None
    return result


def with_arguments(code: str, kinds: tuple[ArgumentKind, ...], *arguments: Argument) -> RunResult:
    """A run of `main` with arguments."""
    world = DictWorld()
    world.deploy(MAIN, main_module(code), admits("main", arguments=kinds))
    return execute(call_of(arguments=arguments), world, GAS)


def test_arguments_by_index() -> None:
    """arg_count, arg_int and arg_bytes give what the transaction carries."""
    code = """(call $return_bytes (call $bytes_concat (call $arg_bytes (i64.const 1)) (call $bytes_from_int
        (i64.add (call $arg_int (i64.const 0)) (call $arg_count)))))"""
    result = with_arguments(code, (INT, BYTES), -7, b"seven")
    assert result.return_value == b"seven" + (-5).to_bytes(8, "big", signed=True)


@pytest.mark.parametrize(
    "code",
    [
        "(drop (call $arg_int (i64.const 1)))",
        "(drop (call $arg_bytes (i64.const 0)))",
        "(drop (call $arg_int (i64.const 2)))",
        "(drop (call $arg_bytes (i64.const -1)))",
    ],
)
def test_wrong_argument_index_or_kind(code: str) -> None:
    """An argument that is not there, or of the other kind, ends the run as BAD_ARGUMENTS."""
    assert with_arguments(code, (INT, BYTES), 1, b"x").failure is FailureKind.BAD_ARGUMENTS


@pytest.mark.parametrize("extreme", [2**63 - 1, -(2**63), -1, 0])
def test_integers_keep_their_sign(extreme: int) -> None:
    """All 64 bits survive the way in, through bytes and out."""
    code = """(call $return_int (call $int_from_bytes (call $bytes_from_int (call $arg_int (i64.const 0)))))"""
    assert with_arguments(code, (INT,), extreme).return_value == extreme


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (ArgumentKind.INT, [0, 2**63 - 1, -(2**63)], [2**63, b"1"]),
        (ArgumentKind.BOOL, [0, 1], [2, -1, b"\x01"]),
        (ArgumentKind.BYTES, [b"", b"\xff"], [1]),
        (ArgumentKind.STR, [b"", "Θ".encode()], [b"\xff", 1]),
        (ArgumentKind.ADDRESS, [bytes(20)], [bytes(32), bytes(19), 0]),
        (ArgumentKind.CONTRACT, [bytes(32)], [bytes(20), b"", 0]),
        (ArgumentKind.ACCOUNT, [bytes(20), bytes(32)], [bytes(21), b"", 0]),
        (ArgumentKind.HASH, [bytes(32)], [bytes(31), 0]),
        (ArgumentKind.CID, [cid_of(b"x")], [bytes(36), bytes(32), b"", 0]),
    ],
)
def test_argument_kinds(kind: ArgumentKind, good: list[Argument], bad: list[Argument]) -> None:
    """The kinds of the envelope decide which values a call may carry."""
    assert [with_arguments("", (kind,), value).failure for value in good] == [None] * len(good)
    assert {with_arguments("", (kind,), value).failure for value in bad} == {FailureKind.BAD_ARGUMENTS}
    assert with_arguments("", (kind,)).failure is FailureKind.BAD_ARGUMENTS


def test_return_value_is_the_last_one_set() -> None:
    """A return value may be set again, with another type, and nothing set means none."""
    assert run_main(main_module("")).return_value is None
    assert run_main(main_module("(call $return_bytes (call $self)) (call $return_int (i64.const 9))")).return_value == 9


def test_context() -> None:
    """The transaction's place, its signer and its value are what the run says."""
    run = call_of()
    assert returns("(call $caller)") == SENDER
    assert returns("(call $sender)") == SENDER
    assert returns("(call $self)") == MAIN
    assert returns("(call $previous_hash)") == PREVIOUS
    assert returns_int("(call $value)", value=123) == 123
    assert returns_int("(call $height)") == run.height
    assert returns_int("(call $index)") == 3
    assert returns_int("(call $time)") == run.time


def test_same_handle_each_time() -> None:
    """Context and argument handles are stable, so asking again costs no memory."""
    for name in ("caller", "sender", "self", "previous_hash"):
        assert returns_int(f"(i64.sub (call ${name}) (call ${name}))") == 0
    code = "(call $return_int (i64.sub (call $arg_bytes (i64.const 0)) (call $arg_bytes (i64.const 0))))"
    assert with_arguments(code, (BYTES,), b"x").return_value == 0


def test_bytes_to_memory_and_back() -> None:
    """bytes_read copies a part into memory, bytes_new copies it out again."""
    code = f"(call $bytes_read {text(0, 6)} (i64.const 2) (i32.const 100) (i32.const 3))"
    result = run_main(main_module(f"{code} (call $return_bytes {text(99, 5)})", "abcdef"))
    assert result.return_value == b"\x00cde\x00"


def test_bytes_operations() -> None:
    """Length, byte, concatenation, slice, equality, order, integers and hashes are what Python says."""
    abc, abd, empty = text(0, 3), text(3, 3), text(0, 0)
    data = "abcabd"
    assert returns_int(f"(call $bytes_len {abc})", data) == 3
    assert returns_int(f"(call $bytes_at {abd} (i64.const 2))", data) == ord("d")
    assert returns(f"(call $bytes_concat {abc} {abd})", data) == b"abcabd"
    assert returns(f"(call $bytes_slice {text(0, 6)} (i64.const 2) (i64.const 3))", data) == b"cab"
    assert returns(f"(call $bytes_slice {abc} (i64.const 3) (i64.const 0))", data) == b""
    assert returns_int(f"(call $bytes_equal {abc} {abc})", data) == 1
    assert returns_int(f"(call $bytes_equal {abc} {abd})", data) == 0
    assert returns_int(f"(call $bytes_compare {abc} {abd})", data) == -1
    assert returns_int(f"(call $bytes_compare {abd} {abc})", data) == 1
    assert returns_int(f"(call $bytes_compare {empty} {abc})", data) == -1
    assert returns_int(f"(call $bytes_compare {empty} {empty})", data) == 0
    assert returns("(call $bytes_from_int (i64.const -2))") == b"\xff" * 7 + b"\xfe"
    assert returns_int(f"(call $int_from_bytes {abc})", data) == 0x616263
    assert returns_int(f"(call $int_from_bytes {empty})", data) == 0
    assert returns(f"(call $sha256 {abc})", data) == hashlib.sha256(b"abc").digest()
    assert returns(f"(call $keccak256 {abc})", data) == keccak256(b"abc")


@pytest.mark.parametrize(
    "code",
    [
        f"(drop (call $bytes_at {text(0, 3)} (i64.const 3)))",
        f"(drop (call $bytes_at {text(0, 3)} (i64.const -1)))",
        f"(drop (call $bytes_slice {text(0, 3)} (i64.const 2) (i64.const 2)))",
        f"(drop (call $bytes_slice {text(0, 3)} (i64.const -1) (i64.const 1)))",
        f"(drop (call $bytes_slice {text(0, 3)} (i64.const 0) (i64.const -1)))",
        f"(drop (call $bytes_slice {text(0, 3)} (i64.const 1) (i64.const 0x7fffffffffffffff)))",
        f"(call $bytes_read {text(0, 3)} (i64.const 1) (i32.const 0) (i32.const 3))",
        f"(call $bytes_read {text(0, 3)} (i64.const -1) (i32.const 0) (i32.const 1))",
        f"(drop (call $int_from_bytes {text(0, 9)}))",
    ],
)
def test_ranges_outside_a_value(code: str) -> None:
    """What is not wholly inside a value is INVALID_VALUE, without wrapping around."""
    assert fails(code).failure is FailureKind.INVALID_VALUE


@pytest.mark.parametrize(
    "code",
    [
        "(drop (call $bytes_new (i32.const 65536) (i32.const 1)))",
        "(drop (call $bytes_new (i32.const -1) (i32.const 2)))",
        "(drop (call $bytes_new (i32.const 65530) (i32.const 7)))",
        f"(call $bytes_read {text(0, 8)} (i64.const 0) (i32.const 65529) (i32.const 8))",
    ],
)
def test_ranges_outside_memory(code: str) -> None:
    """What is not wholly inside the module's memory is a trap, for host functions as for instructions."""
    result = fails(code)
    assert (result.failure, result.detail, result.gas_used) == (FailureKind.TRAP, "memory_out_of_bounds", GAS)


@pytest.mark.parametrize("handle", ["0", "-1", "1", "2", "99", "0x7fffffffffffffff", "0x8000000000000000"])
@pytest.mark.parametrize(
    "use",
    [
        "(drop (call $bytes_len (i64.const {})))",
        "(drop (call $bytes_concat (call $self) (i64.const {})))",
        "(call $return_bytes (i64.const {}))",
        "(call $storage_write (i64.const {}) (call $self))",
        "(call $args_int (i64.const {}) (i64.const 1))",
        "(drop (call $call (call $self) (call $self) (i64.const {}) (i64.const 0)))",
    ],
)
def test_forged_handles(use: str, handle: str) -> None:
    """A number that is no handle, or a handle of another kind, is INVALID_HANDLE, before any gas is charged."""
    if handle == "1" and "call $self" in use and "args" not in use and "$call (call" not in use:
        return  # there the first handle is `self`, so 1 is a good handle
    assert fails(use.format(handle)).failure is FailureKind.INVALID_HANDLE


def test_list_is_no_bytes_and_bytes_are_no_list() -> None:
    """Handles of lists and of bytes are told apart."""
    assert fails("(drop (call $bytes_len (call $args_new)))").failure is FailureKind.INVALID_HANDLE
    assert fails("(call $args_int (call $self) (i64.const 1))").failure is FailureKind.INVALID_HANDLE


def test_fail_carries_its_reason() -> None:
    """fail ends the run as ASSERTION with at most 256 bytes of reason, whatever bytes those are."""
    reason = "no: Θ ".encode() + b"\xff"
    result = fails(f"(call $fail {text(0, len(reason))})", escaped(reason))
    assert (result.failure, result.detail) == (FailureKind.ASSERTION, "no: Θ \\xff")
    assert len(fails(f"(call $fail {text(0, 5000)})", "a" * 5000).detail) == 256


def test_a_claimed_length_is_checked_before_memory_is() -> None:
    """Bytes that no value may have are VALUE_TOO_LARGE, which leaves gas, wherever they would lie."""
    result = run_main(main_module(f"(drop {text(0, Limits().value_bytes_most + 1)})"))
    assert result.failure is FailureKind.VALUE_TOO_LARGE and result.gas_used < GAS
    result = run_main(main_module(f"(drop {text(0, Limits().value_bytes_most)})"))
    assert result.failure is FailureKind.TRAP and result.gas_used == GAS


def test_value_too_large() -> None:
    """No single value may pass value_bytes_most, however it is made."""
    most = Limits().value_bytes_most
    world = DictWorld()
    body = f'(func (export "main") (drop (call $bytes_new (i32.const 0) (i32.const {most}))))'
    world.deploy(MAIN, module(body, pages=32))
    assert execute(call_of(), world, GAS).failure is None
    world.deploy(MAIN, module(body.replace(str(most), str(most + 1)), pages=32))
    assert execute(call_of(), world, GAS).failure is FailureKind.VALUE_TOO_LARGE
    double = (
        f"(local.set $h {text(0, 60000)})" + "(local.set $h (call $bytes_concat (local.get $h) (local.get $h)))" * 5
    )
    assert run_main(main_module(double, locals_="(local $h i64)")).failure is FailureKind.VALUE_TOO_LARGE


def test_strings_doubled_without_end() -> None:
    """A value doubled in an endless loop is VALUE_TOO_LARGE, and with one byte cut off each time as well; the same
    large value made again and again is MEMORY_LIMIT."""
    one, locals_ = f"(local.set $h {text(0, 2)})", "(local $h i64)"
    double = "(local.set $h (call $bytes_concat (local.get $h) (local.get $h)))"
    cut = """(local.set $h (call $bytes_slice (local.get $h) (i64.const 1)
        (i64.sub (call $bytes_len (local.get $h)) (i64.const 1))))"""
    for code, failure in (
        (f"{one} (loop $l {double} (br $l))", FailureKind.VALUE_TOO_LARGE),
        (f"(local.set $h {text(0, 9)}) (loop $l {double} {cut} (br $l))", FailureKind.VALUE_TOO_LARGE),
        (
            f"{one} {double * 18} (loop $l (drop (call $hex_from_bytes (local.get $h))) (br $l))",
            FailureKind.MEMORY_LIMIT,
        ),
    ):
        result = run_main(main_module(code, "ab", locals_), gas=10**9)
        assert result.failure is failure
        assert result.gas_used < 10**8


def test_all_values_together_are_bounded() -> None:
    """Handles without end are MEMORY_LIMIT, even those of empty values."""
    loop = f"(loop $l (drop {text(0, 0)}) (br $l))"
    result = fails(loop, gas=10**9)
    assert result.failure is FailureKind.MEMORY_LIMIT
    most = Limits().values_bytes_most // 64
    assert most * 200 < result.gas_used < most * 250
