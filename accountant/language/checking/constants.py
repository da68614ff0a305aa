"""Constant expressions, computed by the compiler exactly as the run would compute them."""

from typing import TypeVar

from accountant.language.tree import Comparison, Intrinsic, Operation
from accountant.language.types import INT_LEAST, INT_MOST, SIZES, Type
from accountant.primitives.addresses import parse_account
from accountant.primitives.cid import is_cid, parse_cid
from accountant.primitives.errors import InvalidAddress, InvalidCid
from accountant.primitives.hashes import keccak256, sha256
from accountant.primitives.types import HASH_BYTES

Value = int | bool | bytes | str
_Sequence = TypeVar("_Sequence", bytes, str)

CONSTANT_BYTES_MOST = 4096
"""How long a computed constant may be; a literal may be as long as the source."""

_BITS_MOST = 256
"""How wide an integer inside a constant expression may be."""


class NotConstant(Exception):
    """A constant expression without a value: what is wrong, and what to write instead."""

    def __init__(self, what: str, instead: str) -> None:
        super().__init__(what)
        self.what = what
        self.instead = instead


def operate(operation: Operation, operands: tuple[Value, ...]) -> Value:
    """The result. Raises `NotConstant` where there is none.

    Python's integers have no width, so `2**63 - 1` is a constant: what is inside an expression may be wider than
    64 bits, and `check_width` looks at what is used of it.
    """
    if len(operands) == 1:
        return _of_one(operation, operands[0])
    left, right = operands
    if isinstance(left, bytes) and isinstance(right, bytes):
        return _short(left + right)
    if isinstance(left, str) and isinstance(right, str):
        return _short(left + right)
    assert isinstance(left, int) and isinstance(right, int), "the checker has compared the types"
    if isinstance(left, bool) and isinstance(right, bool):
        return {Operation.AND: left & right, Operation.OR: left | right, Operation.XOR: left ^ right}[operation]
    check_right(operation, right)
    return _arithmetic(operation, left, right)


def check_right(operation: Operation, right: Value) -> None:
    """Raises `NotConstant` if this right operand fails whatever the left one is."""
    if operation in (Operation.FLOOR_DIVIDE, Operation.MODULO) and right == 0:
        raise NotConstant("division by zero", "divide by something else")
    if operation in (Operation.SHIFT_LEFT, Operation.SHIFT_RIGHT) and isinstance(right, int) and right < 0:
        raise NotConstant("negative shift count", "shift the other way")
    if operation is Operation.POWER and isinstance(right, int) and right < 0:
        raise NotConstant("negative exponent", "divide with //")


def _of_one(operation: Operation, value: Value) -> Value:
    if operation is Operation.NOT:
        return not value
    assert isinstance(value, int), "the checker has looked at the type"
    return -value if operation is Operation.NEGATE else ~value


def _arithmetic(operation: Operation, left: int, right: int) -> int:
    match operation:
        case Operation.ADD:
            return left + right
        case Operation.SUBTRACT:
            return left - right
        case Operation.MULTIPLY:
            return _narrow(left * right)
        case Operation.FLOOR_DIVIDE:
            return left // right
        case Operation.MODULO:
            return left % right
        case Operation.POWER if left in (-1, 0, 1):
            return int(left ** (right if right == 0 else 2 - right % 2))
        case Operation.POWER if right * left.bit_length() <= _BITS_MOST:
            return int(left**right)
        case Operation.SHIFT_LEFT if left == 0 or left.bit_length() + right <= _BITS_MOST:
            return left << right if left else 0
        case Operation.SHIFT_RIGHT:
            return left >> min(right, _BITS_MOST)
        case Operation.AND:
            return left & right
        case Operation.OR:
            return left | right
        case Operation.XOR:
            return left ^ right
    raise _overflow()


def check_width(value: Value) -> None:
    """Raises `NotConstant` if an integer is over 64 bits."""
    if isinstance(value, int):
        _within(value)


def compare(comparison: Comparison, left: Value, right: Value) -> bool:
    """The result of a comparison of two values of one kind."""
    if isinstance(left, int) and isinstance(right, int):
        order = (left > right) - (left < right)
    else:
        one, other = _raw(left), _raw(right)
        order = (one > other) - (one < other)
    return {
        Comparison.EQUAL: order == 0,
        Comparison.NOT_EQUAL: order != 0,
        Comparison.LESS: order < 0,
        Comparison.LESS_EQUAL: order <= 0,
        Comparison.GREATER: order > 0,
        Comparison.GREATER_EQUAL: order >= 0,
    }[comparison]


def _raw(value: Value) -> bytes:
    """UTF-8 keeps the order of code points."""
    assert not isinstance(value, int), "the checker has compared the types"
    return value.encode() if isinstance(value, str) else value


def compute(intrinsic: Intrinsic, wanted: Type, arguments: tuple[Value | None, ...]) -> Value | None:
    """The result, or None if this is not known before a run. Raises `NotConstant` where the run would fail."""
    if any(isinstance(argument, bytes) for argument in arguments[:1]):
        return _of_bytes(intrinsic, wanted, arguments)
    if any(isinstance(argument, str) for argument in arguments[:1]):
        return _of_text(intrinsic, arguments)
    numbers = [argument for argument in arguments if isinstance(argument, int)]
    match intrinsic:
        case Intrinsic.TEXT_OF_INT:
            return str(numbers[0])
        case Intrinsic.INT_TO_BYTES:
            return _to_bytes(*numbers)
        case Intrinsic.INT_OF_BOOL:
            return int(numbers[0])
        case Intrinsic.BOOL_OF_INT:
            return bool(numbers[0])
        case Intrinsic.MINIMUM:
            return min(numbers)
        case Intrinsic.MAXIMUM:
            return max(numbers)
        case Intrinsic.ABSOLUTE:
            return _within(abs(numbers[0]))
    return None


def _of_bytes(intrinsic: Intrinsic, wanted: Type, arguments: tuple[Value | None, ...]) -> Value | None:
    data, *rest = arguments
    assert isinstance(data, bytes), "asked for bytes alone"
    match intrinsic:
        case Intrinsic.BYTES_LENGTH:
            return len(data)
        case Intrinsic.BYTE_AT:
            return data[_index(rest[0], len(data))]
        case Intrinsic.BYTES_SLICE:
            return data[_slice(rest)]
        case Intrinsic.SHA256:
            return sha256(data)
        case Intrinsic.KECCAK256:
            return keccak256(data)
        case Intrinsic.HEX:
            return _short(data.hex())
        case Intrinsic.DECODE:
            return _decoded(data)
        case Intrinsic.CONVERT:
            return _converted(data, wanted)
        case Intrinsic.INT_FROM_BYTES:
            if len(data) > 8:
                raise NotConstant(f"{len(data)} bytes as an integer", "integers have at most 8 bytes")
            return _within(int.from_bytes(data, "big", signed=bool(rest[0])))
    return None


def _of_text(intrinsic: Intrinsic, arguments: tuple[Value | None, ...]) -> Value | None:
    text, *rest = arguments
    assert isinstance(text, str), "asked for text alone"
    match intrinsic:
        case Intrinsic.TEXT_LENGTH:
            return len(text)
        case Intrinsic.TEXT_AT:
            return text[_index(rest[0], len(text))]
        case Intrinsic.TEXT_SLICE:
            return text[_slice(rest)]
        case Intrinsic.ENCODE:
            return text.encode()
        case Intrinsic.INT_OF_TEXT:
            return _parsed(text)
    return None


def named(text: str, wanted: Type) -> bytes:
    """The bytes that a literal names: an account in hexadecimal, a hash, a CID. Raises `NotConstant`."""
    try:
        if wanted is Type.HASH:
            digits = text.removeprefix("0x")
            if len(digits) != 2 * HASH_BYTES or set(digits) - set("0123456789abcdefABCDEF"):
                raise NotConstant("text that is no Hash", "write 0x and 64 hex digits")
            return bytes.fromhex(digits)
        return _converted(bytes(parse_cid(text) if wanted is Type.CID else parse_account(text)), wanted)
    except (InvalidAddress, InvalidCid) as error:
        raise NotConstant(f"text that is no {wanted.value}", error.detail) from None


def _converted(data: bytes, wanted: Type) -> bytes:
    sizes = SIZES[wanted]
    if len(data) not in sizes:
        shown = " or ".join(map(str, sizes))
        raise NotConstant(f"{len(data)} bytes as {wanted.value}", f"give it {shown} bytes")
    if wanted is Type.CID and not is_cid(data):
        raise NotConstant("bytes that are no Cid", "a Cid begins with 01 55 12 20")
    return data


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise NotConstant("bytes that are not UTF-8", "decode UTF-8 alone, or write .hex()") from None


def _parsed(text: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits or not digits.isascii() or not digits.isdigit():
        raise NotConstant("text that is no integer", "write a sign and the digits 0 to 9")
    digits = digits.lstrip("0") or "0"
    if len(digits) > 19:
        raise _overflow()
    return _within(-int(digits) if text[0] == "-" else int(digits))


def _to_bytes(value: int, size: int, signed: int) -> bytes:
    try:
        return value.to_bytes(size, "big", signed=bool(signed))
    except OverflowError:
        sign = "signed" if signed else "unsigned"
        raise NotConstant(f"{value} in {size} {sign} bytes", "give it more bytes, or signed=True") from None


def _index(index: Value | None, length: int) -> int:
    assert isinstance(index, int), "the checker has looked at the type"
    if not -length <= index < length:
        raise NotConstant("index out of range", f"there are {length}, counted from 0")
    return index


def _slice(bounds: list[Value | None]) -> slice:
    start, stop = (bound if isinstance(bound, int) else None for bound in bounds)
    return slice(start, stop)


def _narrow(value: int) -> int:
    if value.bit_length() > _BITS_MOST:
        raise _overflow()
    return value


def _within(value: int) -> int:
    if not INT_LEAST <= value <= INT_MOST:
        raise _overflow()
    return value


def _overflow() -> NotConstant:
    return NotConstant("integer overflow", "integers go from -2**63 to 2**63 - 1")


def _short(value: _Sequence) -> _Sequence:
    if len(value) > CONSTANT_BYTES_MOST:
        raise NotConstant(f"a computed constant longer than {CONSTANT_BYTES_MOST}", "write it as one literal")
    return value
