"""What the language computes by itself, as instructions on arguments that are on the stack already."""

from accountant.language.emission.code import HostCall, Item, RoutineCall, text
from accountant.language.emission.instructions import address, number
from accountant.language.emission.routines import CID_HEAD
from accountant.language.tree import Compute, Constant, Expression, Intrinsic
from accountant.language.types import INT_BYTES, INT_MOST, SIZES, Type

_SCRATCH = 0
"""Scratch memory begins here; nothing is kept in it from one use to the next."""

_SIMPLE: dict[Intrinsic, tuple[Item, ...]] = {
    Intrinsic.CALLER: (RoutineCall("caller"),),
    Intrinsic.SENDER: (RoutineCall("sender"),),
    Intrinsic.SELF: (RoutineCall("self"),),
    Intrinsic.VALUE: (HostCall("value"),),
    Intrinsic.HEIGHT: (HostCall("height"),),
    Intrinsic.INDEX: (HostCall("index"),),
    Intrinsic.NOW: (HostCall("time"),),
    Intrinsic.PREVIOUS_HASH: (RoutineCall("previous_hash"),),
    Intrinsic.SHA256: (HostCall("sha256"),),
    Intrinsic.KECCAK256: (HostCall("keccak256"),),
    Intrinsic.BOUND: (HostCall("bound"),),
    Intrinsic.QUERY: (HostCall("query"),),
    Intrinsic.BYTES_LENGTH: (HostCall("bytes_len"),),
    Intrinsic.TEXT_LENGTH: (HostCall("text_len"),),
    Intrinsic.BYTE_AT: (RoutineCall("byte_at"),),
    Intrinsic.TEXT_AT: (RoutineCall("text_at"),),
    Intrinsic.TEXT_OF_INT: (HostCall("text_from_int"),),
    Intrinsic.INT_OF_TEXT: (HostCall("int_from_text"),),
    Intrinsic.ENCODE: (),
    Intrinsic.DECODE: (RoutineCall("checked_text"),),
    Intrinsic.HEX: (HostCall("hex_from_bytes"),),
    Intrinsic.INT_OF_BOOL: (),
    Intrinsic.MINIMUM: (RoutineCall("minimum"),),
    Intrinsic.MAXIMUM: (RoutineCall("maximum"),),
    Intrinsic.ABSOLUTE: (RoutineCall("absolute"),),
}


def arguments_of(expression: Compute) -> tuple[Expression, ...]:
    """What is to be evaluated before `instructions_of`: an absent slice bound is the sequence's end on its side."""
    given = expression.arguments
    if expression.intrinsic in (Intrinsic.BYTES_SLICE, Intrinsic.TEXT_SLICE):
        ends = (None, 0, INT_MOST)
        return tuple(
            Constant(expression.at, Type.INT, end or 0) if one is None else one
            for one, end in zip(given, ends, strict=True)
        )
    present = tuple(one for one in given if one is not None)
    if expression.intrinsic in (Intrinsic.INT_TO_BYTES, Intrinsic.INT_FROM_BYTES):
        return present[:1]
    return present


def instructions_of(expression: Compute) -> tuple[tuple[Item, ...], int]:
    """The instructions behind the arguments, and how much scratch memory they write to."""
    match expression.intrinsic:
        case Intrinsic.BYTES_SLICE:
            return (RoutineCall("bytes_slice"),), 0
        case Intrinsic.TEXT_SLICE:
            return (RoutineCall("text_slice"),), 0
        case Intrinsic.INT_TO_BYTES:
            size, signed = _constant(expression, 1), _constant(expression, 2)
            return (number(size), number(signed), address(_SCRATCH), RoutineCall("int_to_bytes")), INT_BYTES
        case Intrinsic.INT_FROM_BYTES:
            return (RoutineCall("int_from_signed" if _constant(expression, 1) else "int_from_unsigned"),), 0
        case Intrinsic.CONVERT:
            (source,) = arguments_of(expression)
            if _surely_is(source.type, expression.type):
                return (), 0
            return conversion(expression.type, f"the bytes are no {expression.type.value}")
    return _SIMPLE[expression.intrinsic], 0


def conversion(kind: Type, wrong: str) -> tuple[tuple[Item, ...], int]:
    """Checks the handle on the stack: fails with `wrong` unless its value is one of this type; scratch as above."""
    if kind not in SIZES:
        return (), 0
    sizes = SIZES[kind]
    checks: tuple[Item, ...] = (number(sizes[0]), number(sizes[-1]), *text(wrong), RoutineCall("sized"))
    if kind is not Type.CID:
        return checks, 0
    return (*checks, address(_SCRATCH), *text(wrong), RoutineCall("cid")), len(CID_HEAD)


def _surely_is(source: Type, wanted: Type) -> bool:
    """Whether every value of one type passes as the other."""
    if wanted is Type.CID:
        return source is Type.CID
    return source in SIZES and set(SIZES[source]) <= set(SIZES[wanted])


def _constant(expression: Compute, at: int) -> int:
    value = expression.arguments[at]
    assert isinstance(value, Constant) and isinstance(value.value, int), "the checker takes constants alone here"
    return value.value
