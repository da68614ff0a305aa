"""Functions that compiled contracts share: exact arithmetic, positions in sequences, handles of what is constant.

A contract holds those that it uses, in this order. Every failure goes through the host's `fail`; none of these traps.
"""

from accountant.language.emission.binary import FunctionType
from accountant.language.emission.code import Cell, HostCall, Item, Routine, RoutineCall, fail
from accountant.language.emission.instructions import (
    ELSE,
    END,
    I32,
    I32_AND,
    I32_EQ,
    I32_EQZ,
    I32_LOAD,
    I32_OR,
    I32_WRAP,
    I64,
    I64_ADD,
    I64_AND,
    I64_DIV_S,
    I64_DIV_U,
    I64_EQ,
    I64_EQZ,
    I64_GE_S,
    I64_GT_S,
    I64_GT_U,
    I64_LE_S,
    I64_LOAD,
    I64_LT_S,
    I64_MUL,
    I64_NE,
    I64_OR,
    I64_REM_S,
    I64_ROTL,
    I64_SHL,
    I64_SHR_S,
    I64_SHR_U,
    I64_STORE,
    I64_SUB,
    I64_XOR,
    IF,
    IF_I64,
    LOOP,
    RETURN,
    SELECT,
    UNREACHABLE,
    address,
    branch,
    get,
    number,
    put,
    tee,
)
from accountant.language.types import INT_LEAST

OVERFLOW = "integer overflow"
DIVISION_BY_ZERO = "division by zero"
NEGATIVE_SHIFT = "negative shift count"
NEGATIVE_EXPONENT = "negative exponent"
INDEX_OUT_OF_RANGE = "index out of range"
STEP_IS_ZERO = "range step is zero"
DOES_NOT_FIT = "integer does not fit"

CID_HEAD = bytes((0x01, 0x55, 0x12, 0x20))
"""CIDv1, raw bytes, SHA-256, of 32 bytes."""

_BITS = 64
_WORD = 8
_KIND_INT, _KIND_BYTES = 1, 2
"""What the host's `call` says of a return value."""


def _routine(parameters: bytes, results: bytes, locals_: int, *items: Item) -> Routine:
    return Routine(FunctionType(parameters, results), locals_, items)


def _of_two(locals_: int, *items: Item) -> Routine:
    """A routine of two numbers with a number as its result."""
    return _routine(bytes((I64, I64)), bytes((I64,)), locals_, *items)


def _kept(name: str) -> Routine:
    """The handle that a host function without parameters gives, asked for once in a frame."""
    handle = 0
    return _routine(
        b"",
        bytes((I64,)),
        1,
        *(Cell(name), I64_LOAD, tee(handle), I64_EQZ, IF),
        *(Cell(name), HostCall(name), tee(handle), I64_STORE, END),
        get(handle),
    )


def _swapped(mask: int, shift: int) -> tuple[Item, ...]:
    """Exchanges neighbouring groups of `shift` bits in local 1."""
    return (
        *(get(1), number(mask), I64_AND, number(shift), I64_SHL),
        *(get(1), number(shift), I64_SHR_U, number(mask), I64_AND, I64_OR, put(1)),
    )


ROUTINES: dict[str, Routine] = {
    # (address, length): ends the run
    "fail": _routine(bytes((I32, I32)), b"", 0, get(0), get(1), HostCall("bytes_new"), HostCall("fail"), UNREACHABLE),
    # (cell, address, length) → handle
    "constant": _routine(
        bytes((I32, I32, I32)),
        bytes((I64,)),
        1,
        *(get(0), I64_LOAD, tee(3), I64_EQZ, IF),
        *(get(0), get(1), get(2), HostCall("bytes_new"), tee(3), I64_STORE, END),
        get(3),
    ),
    "caller": _kept("caller"),
    "sender": _kept("sender"),
    "self": _kept("self"),
    "previous_hash": _kept("previous_hash"),
    "add": _of_two(
        1,
        *(get(0), get(1), I64_ADD, tee(2), get(0), I64_XOR, get(2), get(1), I64_XOR, I64_AND),
        *(number(0), I64_LT_S, IF, *fail(OVERFLOW), END, get(2)),
    ),
    "subtract": _of_two(
        1,
        *(get(0), get(1), I64_SUB, tee(2), get(0), I64_XOR, get(0), get(1), I64_XOR, I64_AND),
        *(number(0), I64_LT_S, IF, *fail(OVERFLOW), END, get(2)),
    ),
    # a quotient other than the second factor shows an overflow; dividing the wrapped product by 0 or −1 could trap
    "multiply": _of_two(
        1,
        *(get(0), I64_EQZ, IF, number(0), RETURN, END),
        *(get(0), number(-1), I64_EQ, IF, get(1), RoutineCall("negate"), RETURN, END),
        *(get(0), get(1), I64_MUL, tee(2), get(0), I64_DIV_S, get(1), I64_NE, IF, *fail(OVERFLOW), END, get(2)),
    ),
    "floor_divide": _of_two(
        1,
        *(get(1), I64_EQZ, IF, *fail(DIVISION_BY_ZERO), END),
        *(get(1), number(-1), I64_EQ, IF, get(0), RoutineCall("negate"), RETURN, END),
        *(get(0), get(1), I64_DIV_S, put(2)),
        *(get(2), number(1), I64_SUB, get(2)),
        *(get(0), get(1), I64_REM_S, number(0), I64_NE, get(0), get(1), I64_XOR, number(0), I64_LT_S, I32_AND),
        SELECT,
    ),
    "modulo": _of_two(
        1,
        *(get(1), I64_EQZ, IF, *fail(DIVISION_BY_ZERO), END),
        *(get(0), get(1), I64_REM_S, tee(2), get(1), I64_ADD, get(2)),
        *(get(2), number(0), I64_NE, get(2), get(1), I64_XOR, number(0), I64_LT_S, I32_AND),
        SELECT,
    ),
    # squares: what is squared is a factor of the result, so a square that overflows means a result that does
    "power": _of_two(
        1,
        *(get(1), number(0), I64_LT_S, IF, *fail(NEGATIVE_EXPONENT), END),
        *(number(1), put(2), LOOP),
        *(get(1), number(1), I64_AND, I32_WRAP, IF, get(2), get(0), RoutineCall("multiply"), put(2), END),
        *(get(1), number(1), I64_SHR_U, tee(1), I64_EQZ, I32_EQZ, IF),
        *(get(0), get(0), RoutineCall("multiply"), put(0), branch(1), END),
        *(END, get(2)),
    ),
    "shift_left": _of_two(
        1,
        *(get(1), number(0), I64_LT_S, IF, *fail(NEGATIVE_SHIFT), END),
        *(get(0), I64_EQZ, IF, number(0), RETURN, END),
        *(get(1), number(_BITS - 1), I64_GT_S),
        *(get(0), get(1), I64_SHL, tee(2), get(1), I64_SHR_S, get(0), I64_NE, I32_OR),
        *(IF, *fail(OVERFLOW), END, get(2)),
    ),
    "shift_right": _of_two(
        0,
        *(get(1), number(0), I64_LT_S, IF, *fail(NEGATIVE_SHIFT), END),
        *(get(0), get(1), number(_BITS - 1), get(1), number(_BITS - 1), I64_LE_S, SELECT, I64_SHR_S),
    ),
    "negate": _routine(
        bytes((I64,)),
        bytes((I64,)),
        0,
        *(get(0), number(INT_LEAST), I64_EQ, IF, *fail(OVERFLOW), END, number(0), get(0), I64_SUB),
    ),
    "absolute": _routine(
        bytes((I64,)),
        bytes((I64,)),
        0,
        *(get(0), number(0), I64_LT_S, IF_I64, get(0), RoutineCall("negate"), ELSE, get(0), END),
    ),
    "minimum": _of_two(0, get(0), get(1), get(0), get(1), I64_LE_S, SELECT),
    "maximum": _of_two(0, get(0), get(1), get(0), get(1), I64_GE_S, SELECT),
    # (start, stop, step) → how many turns, unsigned: at most 2⁶⁴ − 1
    "range_length": _routine(
        bytes((I64, I64, I64)),
        bytes((I64,)),
        0,
        *(get(2), I64_EQZ, IF, *fail(STEP_IS_ZERO), END),
        *(get(2), number(0), I64_LT_S, IF),
        *(get(0), get(1), I64_LE_S, IF, number(0), RETURN, END),
        *(get(0), get(1), I64_SUB, number(1), I64_SUB, number(0), get(2), I64_SUB, I64_DIV_U, number(1), I64_ADD),
        *(RETURN, END),
        *(get(0), get(1), I64_GE_S, IF, number(0), RETURN, END),
        *(get(1), get(0), I64_SUB, number(1), I64_SUB, get(2), I64_DIV_U, number(1), I64_ADD),
    ),
    # (index, length) → index from the start
    "index": _of_two(
        1,
        *(get(0), get(0), get(1), I64_ADD, get(0), number(0), I64_GE_S, SELECT, tee(2)),
        *(number(0), I64_LT_S, get(2), get(1), I64_GE_S, I32_OR, IF, *fail(INDEX_OUT_OF_RANGE), END, get(2)),
    ),
    # (slice bound, length) → bound from 0 to length
    "bound": _of_two(
        0,
        *(get(0), number(0), I64_LT_S, IF, get(0), get(1), I64_ADD, tee(0), number(0), RoutineCall("maximum"), put(0)),
        *(END, get(0), get(1), RoutineCall("minimum")),
    ),
    "byte_at": _of_two(0, get(0), get(1), get(0), HostCall("bytes_len"), RoutineCall("index"), HostCall("bytes_at")),
    "text_at": _of_two(
        0, get(0), get(1), get(0), HostCall("text_len"), RoutineCall("index"), number(1), HostCall("text_slice")
    ),
    # (handle, start, stop) → handle
    "bytes_slice": _routine(
        bytes((I64, I64, I64)),
        bytes((I64,)),
        1,
        *(get(0), HostCall("bytes_len"), put(3)),
        *(get(0), get(1), get(3), RoutineCall("bound"), tee(1)),
        *(get(2), get(3), RoutineCall("bound"), get(1), I64_SUB, number(0), RoutineCall("maximum")),
        HostCall("bytes_slice"),
    ),
    "text_slice": _routine(
        bytes((I64, I64, I64)),
        bytes((I64,)),
        1,
        *(get(0), HostCall("text_len"), put(3)),
        *(get(0), get(1), get(3), RoutineCall("bound"), tee(1)),
        *(get(2), get(3), RoutineCall("bound"), get(1), I64_SUB, number(0), RoutineCall("maximum")),
        HostCall("text_slice"),
    ),
    # (handle of a list, position) → handle of a tensor; a negative position counts from the end
    "nn_at": _routine(
        bytes((I64, I64)),
        bytes((I64,)),
        0,
        *(get(0), get(1), get(1), number(0), I64_LT_S, IF_I64, get(0), HostCall("nn_list_len")),
        *(ELSE, number(0), END, I64_ADD, HostCall("nn_at")),
    ),
    # (address, number): 8 bytes, big-endian
    "write_number": _routine(
        bytes((I32, I64)),
        b"",
        0,
        *_swapped(0x00FF00FF00FF00FF, 8),
        *_swapped(0x0000FFFF0000FFFF, 16),
        *(get(0), get(1), number(32), I64_ROTL, I64_STORE),
    ),
    # (address, handle) → address behind the value's length in 8 bytes and the value
    "write_framed": _routine(
        bytes((I64, I64)),
        bytes((I64,)),
        1,
        *(get(0), I32_WRAP, get(1), HostCall("bytes_len"), tee(2), RoutineCall("write_number")),
        *(get(1), number(0), get(0), number(_WORD), I64_ADD, tee(0), I32_WRAP, get(2), I32_WRAP),
        HostCall("bytes_read"),
        *(get(0), get(2), I64_ADD),
    ),
    # (number, bytes 1 to 8, signed 0 or 1, scratch address) → handle: the number's last bytes, if it fits there
    "int_to_bytes": _routine(
        bytes((I64, I64, I64, I32)),
        bytes((I64,)),
        2,
        *(number(_BITS), get(1), number(3), I64_SHL, I64_SUB, put(4)),
        *(get(0), get(4), I64_SHL, put(5)),
        *(get(5), get(4), I64_SHR_S, get(5), get(4), I64_SHR_U, get(2), I32_WRAP, SELECT, get(0), I64_NE),
        *(get(2), I64_EQZ, get(0), number(0), I64_LT_S, I32_AND, I32_OR, IF, *fail(DOES_NOT_FIT), END),
        *(get(3), get(5), RoutineCall("write_number")),
        *(get(3), get(1), I32_WRAP, HostCall("bytes_new")),
    ),
    "int_from_signed": _routine(
        bytes((I64,)),
        bytes((I64,)),
        1,
        *(get(0), HostCall("bytes_len"), tee(1), number(_WORD), I64_GT_S, IF, *fail(DOES_NOT_FIT), END),
        # of no bytes a shift by 64, which is one by 0: of 0
        *(number(_BITS), get(1), number(3), I64_SHL, I64_SUB, put(1)),
        *(get(0), HostCall("int_from_bytes"), get(1), I64_SHL, get(1), I64_SHR_S),
    ),
    "int_from_unsigned": _routine(
        bytes((I64,)),
        bytes((I64,)),
        0,
        *(get(0), HostCall("bytes_len"), number(_WORD), I64_GT_S, IF, *fail(DOES_NOT_FIT), END),
        *(get(0), HostCall("int_from_bytes"), tee(0), number(0), I64_LT_S, IF, *fail(DOES_NOT_FIT), END, get(0)),
    ),
    # handle → the same, if it is UTF-8
    "checked_text": _routine(bytes((I64,)), bytes((I64,)), 0, get(0), HostCall("text_check"), get(0)),
    # (handle, size, another size, address and length of a reason) → handle, if it is of one of these sizes
    "sized": _routine(
        bytes((I64, I64, I64, I32, I32)),
        bytes((I64,)),
        1,
        *(get(0), HostCall("bytes_len"), tee(5), get(1), I64_NE, get(5), get(2), I64_NE, I32_AND, IF),
        *(get(3), get(4), RoutineCall("fail"), UNREACHABLE, END, get(0)),
    ),
    # (handle of 36 bytes, scratch address, address and length of a reason) → handle, if it begins as a CID does
    "cid": _routine(
        bytes((I64, I32, I32, I32)),
        bytes((I64,)),
        0,
        *(get(0), number(0), get(1), address(len(CID_HEAD)), HostCall("bytes_read")),
        *(get(1), I32_LOAD, address(int.from_bytes(CID_HEAD, "little")), I32_EQ, I32_EQZ, IF),
        *(get(2), get(3), RoutineCall("fail"), UNREACHABLE, END, get(0)),
    ),
    # (handle; cell, address and length of a constant) → the handle, or the constant's if its value is empty
    "or_unset": _routine(
        bytes((I64, I32, I32, I32)),
        bytes((I64,)),
        0,
        *(get(0), HostCall("bytes_len"), I64_EQZ, IF_I64),
        *(get(1), get(2), get(3), RoutineCall("constant"), ELSE, get(0), END),
    ),
    # (what `call` said, address and length of a reason)
    "returned_none": _routine(
        bytes((I64, I32, I32)),
        b"",
        0,
        *(get(0), I64_EQZ, I32_EQZ, IF, get(1), get(2), RoutineCall("fail"), UNREACHABLE, END),
    ),
    "returned_int": _routine(
        bytes((I64, I32, I32)),
        bytes((I64,)),
        0,
        *(get(0), number(_KIND_INT), I64_NE, IF, get(1), get(2), RoutineCall("fail"), UNREACHABLE, END),
        HostCall("returned_int"),
    ),
    "returned_bool": _routine(
        bytes((I64, I32, I32)),
        bytes((I64,)),
        0,
        *(get(0), get(1), get(2), RoutineCall("returned_int"), tee(0), number(1), I64_GT_U, IF),
        *(get(1), get(2), RoutineCall("fail"), UNREACHABLE, END, get(0)),
    ),
    "returned_bytes": _routine(
        bytes((I64, I32, I32)),
        bytes((I64,)),
        0,
        *(get(0), number(_KIND_BYTES), I64_NE, IF, get(1), get(2), RoutineCall("fail"), UNREACHABLE, END),
        HostCall("returned_bytes"),
    ),
}
