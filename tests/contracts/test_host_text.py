"""Host functions on text and on numbers in decimal and hexadecimal: what Python says, or a typed failure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.chain.envelope import ArgumentKind
from accountant.chain.genesis import GasSchedule, Limits
from accountant.chain.transaction import Argument
from accountant.contracts.errors import FailureKind
from accountant.contracts.run import execute
from accountant.contracts.world import RunResult
from tests.support.wat import GAS, MAIN, DictWorld, admits, call_of, main_module

PRICES = GasSchedule()
BYTES, INT = ArgumentKind.BYTES, ArgumentKind.INT
VALUE, FIRST, SECOND = (
    "(call $arg_bytes (i64.const 0))",
    "(call $arg_int (i64.const 1))",
    "(call $arg_int (i64.const 2))",
)

CHECK = main_module(f"(call $text_check {VALUE})")
LENGTH = main_module(f"(call $return_int (call $text_len {VALUE}))")
SLICE = main_module(f"(call $return_bytes (call $text_slice {VALUE} {FIRST} {SECOND}))")
DECIMAL = main_module("(call $return_bytes (call $text_from_int (call $arg_int (i64.const 0))))")
NUMBER = main_module(f"(call $return_int (call $int_from_text {VALUE}))")
HEXADECIMAL = main_module(f"(call $return_bytes (call $hex_from_bytes {VALUE}))")
NOT_UTF8 = [b"\xff", b"a\x80", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", "Θ".encode()[:1]]


def run(code: bytes, *arguments: Argument) -> RunResult:
    """`code` called with these arguments."""
    world = DictWorld()
    kinds = tuple(INT if isinstance(argument, int) else BYTES for argument in arguments)
    world.deploy(MAIN, code, admits("main", arguments=kinds))
    return execute(call_of(arguments=arguments), world, GAS)


@given(st.binary(max_size=12) | st.text(max_size=12).map(str.encode))
def test_text_check_and_length_are_those_of_python(value: bytes) -> None:
    """Bytes pass text_check exactly if Python decodes them, and text_len counts Python's characters."""
    try:
        expected: tuple[FailureKind | None, int | None] = (None, len(value.decode("utf-8")))
    except UnicodeDecodeError:
        expected = (FailureKind.INVALID_VALUE, None)
    assert run(CHECK, value).failure is expected[0]
    result = run(LENGTH, value)
    assert (result.failure, result.return_value) == expected


@pytest.mark.parametrize("value", NOT_UTF8)
def test_what_is_no_utf8(value: bytes) -> None:
    """Strange bytes, surrogates, overlong forms, points beyond U+10FFFF and cut characters are INVALID_VALUE."""
    for code in (CHECK, LENGTH):
        assert run(code, value).failure is FailureKind.INVALID_VALUE
    assert run(SLICE, value, 0, 0).failure is FailureKind.INVALID_VALUE


@given(st.text(max_size=12), st.integers(-2, 14), st.integers(-2, 14))
def test_text_slice_is_by_code_points(value: str, start: int, length: int) -> None:
    """text_slice is Python's slice of the characters where it lies wholly inside, else INVALID_VALUE."""
    result = run(SLICE, value.encode(), start, length)
    if min(start, length) >= 0 and start + length <= len(value):
        assert result.return_value == value[start : start + length].encode()
    else:
        assert result.failure is FailureKind.INVALID_VALUE


def test_text_slice_does_not_wrap_around() -> None:
    """Ends beyond 64 bits are outside."""
    assert run(SLICE, b"abc", 1, 2**63 - 1).failure is FailureKind.INVALID_VALUE


@given(st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, -1, 2**63 - 1, -(2**63)]))
def test_numbers_in_decimal_come_back(number: int) -> None:
    """text_from_int writes as Python's str, and int_from_text reads it, with leading zeros or a plus as well."""
    assert run(DECIMAL, number).return_value == str(number).encode()
    assert run(NUMBER, str(number).encode()).return_value == number
    assert run(NUMBER, f"{number:+030d}".encode()).return_value == number


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"-", b"+", b" 1", b"1 ", b"1\n", b"1_0", b"0x1", b"--1", b"+-1", b"1.0", "١".encode(), b"\xff"),
        *(b"0" * 65, b"9" * 64, b"9223372036854775808", b"-9223372036854775809"),
    ],
)
def test_what_is_no_integer(value: bytes) -> None:
    """Anything but a sign and ASCII digits, more than 64 bytes, and numbers outside 64 bits are INVALID_VALUE."""
    assert run(NUMBER, value).failure is FailureKind.INVALID_VALUE


def test_integers_of_64_bytes() -> None:
    """64 bytes are the most, and enough for any number of leading zeros up to there."""
    assert run(NUMBER, b"7".rjust(64, b"0")).return_value == 7
    assert run(NUMBER, b"-" + b"7".rjust(63, b"0")).return_value == -7


@given(st.binary(max_size=40))
def test_hexadecimal_is_that_of_python(value: bytes) -> None:
    """hex_from_bytes gives Python's lower-case digits."""
    assert run(HEXADECIMAL, value).return_value == value.hex().encode()


def test_hexadecimal_of_a_large_value_is_too_large() -> None:
    """Digits count twice, so half of the largest value is the most that can be written in them."""
    half = Limits().value_bytes_most // 2
    assert run(HEXADECIMAL, bytes(half)).failure is None
    assert run(HEXADECIMAL, bytes(half + 1)).failure is FailureKind.VALUE_TOO_LARGE
