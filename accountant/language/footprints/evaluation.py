"""Operations and intrinsics on symbolic values: what can be said of their results, and whether they can fail."""

import operator
from collections.abc import Callable

from accountant.chain.envelope import ArgumentKind
from accountant.language.footprints.symbols import (
    Argument,
    Bytes,
    Origin,
    Passed,
    Symbol,
    concatenated,
    constant,
    digest,
    lengths,
    number_pieces,
)
from accountant.language.tree import Comparison, Compute, Intrinsic, Operation
from accountant.language.types import INT_BYTES, INT_LEAST, INT_MOST, SIZES, Type

_NUMBERS: dict[Operation, Callable[..., int]] = {
    Operation.ADD: operator.add,
    Operation.SUBTRACT: operator.sub,
    Operation.MULTIPLY: operator.mul,
    Operation.AND: operator.and_,
    Operation.OR: operator.or_,
    Operation.XOR: operator.xor,
    Operation.NEGATE: operator.neg,
    Operation.INVERT: operator.invert,
    Operation.NOT: operator.not_,
}
_COMPARISONS: dict[Comparison, Callable[..., bool]] = {
    Comparison.EQUAL: operator.eq,
    Comparison.NOT_EQUAL: operator.ne,
    Comparison.LESS: operator.lt,
    Comparison.LESS_EQUAL: operator.le,
    Comparison.GREATER: operator.gt,
    Comparison.GREATER_EQUAL: operator.ge,
}
_FAILING = frozenset(Operation) - {Operation.AND, Operation.OR, Operation.XOR, Operation.INVERT, Operation.NOT}
"""Operations that can fail with operands that are not known."""

_CONTEXT: dict[Intrinsic, Symbol] = {
    Intrinsic.CALLER: (Origin.CALLER,),
    Intrinsic.SENDER: (Origin.SENDER,),
    Intrinsic.SELF: (Origin.SELF,),
    Intrinsic.VALUE: Passed.VALUE,
}
_SAFE = frozenset(
    (
        *(Intrinsic.HEIGHT, Intrinsic.INDEX, Intrinsic.NOW, Intrinsic.PREVIOUS_HASH, Intrinsic.KECCAK256),
        *(Intrinsic.BYTES_LENGTH, Intrinsic.TEXT_LENGTH, Intrinsic.BYTES_SLICE, Intrinsic.TEXT_SLICE),
        *(Intrinsic.TEXT_OF_INT, Intrinsic.HEX, Intrinsic.BOOL_OF_INT, Intrinsic.MINIMUM, Intrinsic.MAXIMUM),
    )
)
"""Cannot fail, as long as no operand is too long for the host."""


def operated(operation: Operation, operands: tuple[Symbol, ...]) -> Symbol:
    """The result of an operation."""
    if operation is Operation.CONCATENATE:
        left, right = operands
        return concatenated(left + right) if isinstance(left, tuple) and isinstance(right, tuple) else None
    if operation not in _NUMBERS or not all(isinstance(one, int) for one in operands):
        return None
    result = int(_NUMBERS[operation](*operands))
    return result if INT_LEAST <= result <= INT_MOST else None


def may_fail(operation: Operation, result: Symbol) -> bool:
    """Whether an operation with this result can end the call."""
    if isinstance(result, tuple):
        return lengths(result) is None  # arguments are short enough for the host; several of them need not be
    return result is None and operation in _FAILING


def compared(comparison: Comparison, left: Symbol, right: Symbol) -> Symbol:
    """1 or 0 where both sides are constant."""
    one, other = _constant_of(left), _constant_of(right)
    return None if one is None or other is None else int(_COMPARISONS[comparison](one, other))


def computed(expression: Compute, arguments: tuple[Symbol, ...], conditional: bool) -> tuple[Symbol, bool]:
    """The result of an intrinsic, and whether it can fail. `conditional`: not every call computes it."""
    intrinsic = expression.intrinsic
    if intrinsic in _CONTEXT:
        return _CONTEXT[intrinsic], False
    first = arguments[0] if arguments else None
    match intrinsic:
        case Intrinsic.SHA256:
            return (digest(first) if isinstance(first, tuple) else None), False
        case Intrinsic.ENCODE | Intrinsic.INT_OF_BOOL:
            return first, False
        case Intrinsic.DECODE:
            return first, True
        case Intrinsic.CONVERT:
            return _converted(expression.type, first, conditional)
        case Intrinsic.INT_TO_BYTES:
            return _to_bytes(arguments)
        case Intrinsic.BYTES_LENGTH if isinstance(first, tuple):
            sizes = lengths(first)
            return (next(iter(sizes)) if sizes is not None and len(sizes) == 1 else None), False
        case Intrinsic.BYTES_SLICE if isinstance(_constant_of(first), bytes):
            return _slice(arguments), False
        case Intrinsic.MINIMUM | Intrinsic.MAXIMUM:
            known = [one for one in arguments if isinstance(one, int)]
            if len(known) < len(arguments):
                return None, False
            return (min(known) if intrinsic is Intrinsic.MINIMUM else max(known)), False
    return None, intrinsic not in _SAFE


def _constant_of(symbol: Symbol) -> int | bytes | None:
    if isinstance(symbol, int):
        return symbol
    if symbol == ():
        return b""
    if isinstance(symbol, tuple) and len(symbol) == 1 and isinstance(symbol[0], bytes):
        return symbol[0]
    return None


def _converted(to: Type, value: Symbol, conditional: bool) -> tuple[Symbol, bool]:
    """A value that may be of another length is not known where only some calls convert it.

    Instantiating a template with it is refused, and those that never convert it must not be.
    """
    if not isinstance(value, tuple):
        return None, True
    sizes = lengths(value)
    if sizes is not None and sizes <= frozenset(SIZES[to]) and (to is not Type.CID or _is_cid(value)):
        return value, False
    return (None if conditional else value), True


def _is_cid(value: Bytes) -> bool:
    return len(value) == 1 and isinstance(value[0], Argument) and value[0].kind is ArgumentKind.CID


def _to_bytes(arguments: tuple[Symbol, ...]) -> tuple[Symbol, bool]:
    number, size, signed = arguments
    if (size, signed) == (INT_BYTES, 1):
        return number_pieces(number), False
    if not isinstance(number, int) or not isinstance(size, int):
        return None, True
    try:
        return constant(number.to_bytes(size, "big", signed=bool(signed))), False
    except OverflowError:
        return None, True


def _slice(arguments: tuple[Symbol, ...]) -> Symbol:
    """Of constant bytes. An absent bound cannot be told from one that is not known."""
    data, start, stop = _constant_of(arguments[0]), arguments[1], arguments[2]
    assert isinstance(data, bytes)
    return constant(data[start:stop]) if isinstance(start, int) and isinstance(stop, int) else None
