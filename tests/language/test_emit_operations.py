"""Operations and what the language computes by itself: the machine's results are CPython's, or the run fails."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accountant.contracts.errors import FailureKind
from accountant.language import names
from accountant.language.tree import Compare, Comparison, Intrinsic, Operation
from accountant.language.types import INT_LEAST, INT_MOST, Type
from tests.support.compiled import AT, Deployed, compute, expression_of, integer, local, operate

INTEGERS = st.one_of(
    st.integers(-9, 9),
    st.integers(INT_LEAST, INT_MOST),
    st.sampled_from([INT_LEAST, INT_LEAST + 1, INT_MOST, INT_MOST - 1, 2**31, 2**32, -(2**32), 3037000500, 63, 64, 65]),
    st.integers(0, 62).map(lambda bits: 1 << bits),
)
BYTES = st.binary(max_size=40)
TEXTS = st.text(max_size=12)
PAIRS = settings(max_examples=150)


def same(deployed: Deployed, expected: Callable[[], object], *arguments: int | bytes) -> None:
    """The call returns what CPython computes; it fails with a reason where CPython raises or leaves 64 bits."""
    try:
        wanted = expected()
    except (ArithmeticError, ValueError, IndexError) as error:
        wanted = error
    result = deployed.call("main", *arguments)
    if isinstance(wanted, str):
        wanted = wanted.encode()
    if isinstance(wanted, Exception) or (isinstance(wanted, int) and not INT_LEAST <= wanted <= INT_MOST):
        assert result.failure in (FailureKind.ASSERTION, FailureKind.INVALID_VALUE), (wanted, result)
        assert result.detail
    else:
        assert (result.failure, result.return_value) == (None, wanted), result.detail


def power(base: int, exponent: int) -> int:
    """Python's, without numbers of millions of digits; a negative exponent makes a float there, and fails here."""
    if exponent < 0:
        raise ValueError("negative exponent")
    power_of: int = base ** (64 + exponent % 2 if exponent > 64 else exponent)
    return power_of


def shift_left(value: int, count: int) -> int:
    """Python's, without numbers of millions of digits."""
    return value << min(count, 64)


BINARY: dict[Operation, Callable[[int, int], int]] = {
    Operation.ADD: lambda a, b: a + b,
    Operation.SUBTRACT: lambda a, b: a - b,
    Operation.MULTIPLY: lambda a, b: a * b,
    Operation.FLOOR_DIVIDE: lambda a, b: a // b,
    Operation.MODULO: lambda a, b: a % b,
    Operation.POWER: power,
    Operation.SHIFT_LEFT: shift_left,
    Operation.SHIFT_RIGHT: lambda a, b: a >> b,
    Operation.AND: lambda a, b: a & b,
    Operation.OR: lambda a, b: a | b,
    Operation.XOR: lambda a, b: a ^ b,
}
EDGES = (INT_LEAST, INT_LEAST + 1, -(2**32), -65, -64, -3, -2, -1, 0, 1, 2, 3, 62, 63, 64, 65, 2**32, INT_MOST)


@pytest.mark.parametrize("operation", BINARY, ids=lambda one: one.name)
def test_operations_on_two_integers(operation: Operation) -> None:
    """Each operation agrees with CPython on all pairs of extremes and on random integers."""
    deployed = Deployed(expression_of(operate(operation, local(0), local(1)), Type.INT, Type.INT))
    python = BINARY[operation]
    for a in EDGES:
        for b in EDGES:
            same(deployed, lambda a=a, b=b: python(a, b), a, b)  # type: ignore[misc]

    @PAIRS
    @given(INTEGERS, INTEGERS)
    def check(a: int, b: int) -> None:
        same(deployed, lambda: python(a, b), a, b)

    check()


@pytest.mark.parametrize(
    ("operation", "a", "b", "reason"),
    [
        (Operation.ADD, INT_MOST, 1, "integer overflow"),
        (Operation.SUBTRACT, INT_LEAST, 1, "integer overflow"),
        (Operation.MULTIPLY, INT_LEAST, -1, "integer overflow"),
        (Operation.MULTIPLY, -1, INT_LEAST, "integer overflow"),
        (Operation.FLOOR_DIVIDE, INT_LEAST, -1, "integer overflow"),
        (Operation.FLOOR_DIVIDE, 1, 0, "division by zero"),
        (Operation.MODULO, 1, 0, "division by zero"),
        (Operation.POWER, 2, -1, "negative exponent"),
        (Operation.POWER, 2, 63, "integer overflow"),
        (Operation.SHIFT_LEFT, 1, 63, "integer overflow"),
        (Operation.SHIFT_LEFT, 1, -1, "negative shift count"),
        (Operation.SHIFT_RIGHT, 1, -1, "negative shift count"),
    ],
)
def test_reasons(operation: Operation, a: int, b: int, reason: str) -> None:
    """Failures are assertions with the documented reason, and leave gas."""
    deployed = Deployed(expression_of(operate(operation, local(0), local(1)), Type.INT, Type.INT))
    result = deployed.call("main", a, b)
    assert (result.failure, result.detail) == (FailureKind.ASSERTION, reason)
    assert result.gas_used < 10_000


def test_operations_on_one_integer() -> None:
    """Negation, inversion, absolute value, truth and decimal text agree with CPython."""
    one = local(0)
    cases: list[tuple[Deployed, Callable[[int], object]]] = [
        (Deployed(expression_of(operate(Operation.NEGATE, one), Type.INT)), lambda a: -a),
        (Deployed(expression_of(operate(Operation.INVERT, one), Type.INT)), lambda a: ~a),
        (Deployed(expression_of(compute(Intrinsic.ABSOLUTE, Type.INT, one), Type.INT)), abs),
        (Deployed(expression_of(compute(Intrinsic.BOOL_OF_INT, Type.BOOL, one), Type.INT)), lambda a: int(bool(a))),
        (Deployed(expression_of(compute(Intrinsic.TEXT_OF_INT, Type.STR, one), Type.INT)), str),
    ]

    @given(INTEGERS)
    @example(INT_LEAST)
    @example(INT_MOST)
    @example(0)
    def check(a: int) -> None:
        for deployed, python in cases:
            same(deployed, lambda python=python: python(a), a)  # type: ignore[misc]

    check()


@pytest.mark.parametrize("intrinsic", [Intrinsic.MINIMUM, Intrinsic.MAXIMUM], ids=lambda one: one.value)
def test_least_and_greatest(intrinsic: Intrinsic) -> None:
    """min and max of two integers."""
    deployed = Deployed(expression_of(compute(intrinsic, Type.INT, local(0), local(1)), Type.INT, Type.INT))

    @given(INTEGERS, INTEGERS)
    def check(a: int, b: int) -> None:
        same(deployed, lambda: (min if intrinsic is Intrinsic.MINIMUM else max)(a, b), a, b)

    check()


COMPARISONS: dict[Comparison, Callable[..., bool]] = {
    Comparison.EQUAL: lambda a, b: a == b,
    Comparison.NOT_EQUAL: lambda a, b: a != b,
    Comparison.LESS: lambda a, b: a < b,
    Comparison.LESS_EQUAL: lambda a, b: a <= b,
    Comparison.GREATER: lambda a, b: a > b,
    Comparison.GREATER_EQUAL: lambda a, b: a >= b,
}


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda one: one.name)
def test_comparisons(comparison: Comparison) -> None:
    """Integers, bytes and text compare as in CPython: text by code points."""
    python = COMPARISONS[comparison]

    def deployed(kind: Type) -> Deployed:
        return Deployed(expression_of(Compare(AT, Type.BOOL, comparison, local(0, kind), local(1, kind)), kind, kind))

    integers, of_bytes, of_text = deployed(Type.INT), deployed(Type.BYTES), deployed(Type.STR)
    short = st.binary(max_size=2)
    letters = st.text(alphabet="aé\uffff\U00010000", max_size=2)

    @given(INTEGERS, INTEGERS, short, short, letters, letters)
    @example(INT_LEAST, INT_MOST, b"", b"\x00", "\uffff", "\U00010000")
    def check(a: int, b: int, c: bytes, d: bytes, e: str, f: str) -> None:
        same(integers, lambda: int(python(a, b)), a, b)
        same(of_bytes, lambda: int(python(c, d)), c, d)
        same(of_text, lambda: int(python(e, f)), e.encode(), f.encode())

    check()


POSITIONS = st.one_of(st.integers(-15, 15), INTEGERS)


def test_positions_in_bytes_and_text() -> None:
    """Indexing counts from the end below 0 and fails outside; of text it counts code points."""
    of_bytes = Deployed(
        expression_of(compute(Intrinsic.BYTE_AT, Type.INT, local(0, Type.BYTES), local(1)), Type.BYTES, Type.INT)
    )
    of_text = Deployed(
        expression_of(compute(Intrinsic.TEXT_AT, Type.STR, local(0, Type.STR), local(1)), Type.STR, Type.INT)
    )

    @PAIRS
    @given(BYTES, TEXTS, POSITIONS)
    def check(data: bytes, text: str, at: int) -> None:
        same(of_bytes, lambda: data[at], data, at)
        same(of_text, lambda: text[at], text.encode(), at)

    check()
    assert of_bytes.call("main", b"abc", 3).detail == "index out of range"
    assert of_text.call("main", "ab€".encode(), -4).detail == "index out of range"


@pytest.mark.parametrize("start", [True, False], ids=["start", ""])
@pytest.mark.parametrize("stop", [True, False], ids=["stop", ""])
def test_slices(start: bool, stop: bool) -> None:
    """Slices clamp as Python's do, with either bound absent, for all signs and extremes."""

    def sliced(intrinsic: Intrinsic, kind: Type) -> Deployed:
        bounds = (local(1) if start else None, local(2) if stop else None)
        return Deployed(expression_of(compute(intrinsic, kind, local(0, kind), *bounds), kind, Type.INT, Type.INT))

    of_bytes, of_text = sliced(Intrinsic.BYTES_SLICE, Type.BYTES), sliced(Intrinsic.TEXT_SLICE, Type.STR)

    @PAIRS
    @given(BYTES, TEXTS, POSITIONS, POSITIONS)
    def check(data: bytes, text: str, a: int, b: int) -> None:
        wanted = slice(a if start else None, b if stop else None)
        same(of_bytes, lambda: data[wanted], data, a, b)
        same(of_text, lambda: text[wanted], text.encode(), a, b)

    check()


@pytest.mark.parametrize("size", [1, 2, 4, 7, 8])
@pytest.mark.parametrize("signed", [False, True])
def test_integers_to_bytes_and_back(size: int, signed: bool) -> None:
    """`to_bytes` of every size, and `from_bytes` of every length, agree with CPython or do not fit."""
    to_bytes = Deployed(
        expression_of(
            compute(Intrinsic.INT_TO_BYTES, Type.BYTES, local(0), integer(size), integer(int(signed))), Type.INT
        )
    )
    from_bytes = Deployed(
        expression_of(
            compute(Intrinsic.INT_FROM_BYTES, Type.INT, local(0, Type.BYTES), integer(int(signed))), Type.BYTES
        )
    )
    edges = [sign * (1 << bits) + more for bits in (0, 8 * size - 1, 8 * size) for sign in (1, -1) for more in (-1, 0)]

    @given(st.one_of(INTEGERS, st.sampled_from([edge for edge in edges if INT_LEAST <= edge <= INT_MOST])))
    def check(number: int) -> None:
        same(to_bytes, lambda: number.to_bytes(size, "big", signed=signed), number)

    @given(st.binary(max_size=8))
    @example(b"\x80" * size)
    @example(b"")
    def check_back(data: bytes) -> None:
        same(from_bytes, lambda: int.from_bytes(data, "big", signed=signed), data)

    check()
    check_back()
    assert from_bytes.call("main", bytes(9)).detail == "integer does not fit"


def test_text_and_bytes() -> None:
    """Lengths, concatenation, hexadecimal, encoding, decoding and hashes agree with CPython."""
    data, other, text, more = (local(at, kind) for at, kind in enumerate((Type.BYTES, Type.BYTES, Type.STR, Type.STR)))
    kinds = (Type.BYTES, Type.BYTES, Type.STR, Type.STR)
    cases: list[tuple[Deployed, Callable[[bytes, bytes, str, str], object]]] = [
        (Deployed(expression_of(value, *kinds)), python)
        for value, python in (
            (compute(Intrinsic.BYTES_LENGTH, Type.INT, data), lambda a, _b, _c, _d: len(a)),
            (compute(Intrinsic.TEXT_LENGTH, Type.INT, text), lambda _a, _b, c, _d: len(c)),
            (operate(Operation.CONCATENATE, data, other), lambda a, b, _c, _d: a + b),
            (operate(Operation.CONCATENATE, text, more), lambda _a, _b, c, d: c + d),
            (compute(Intrinsic.HEX, Type.STR, data), lambda a, _b, _c, _d: a.hex()),
            (compute(Intrinsic.ENCODE, Type.BYTES, text), lambda _a, _b, c, _d: c.encode()),
            (compute(Intrinsic.DECODE, Type.STR, data), lambda a, _b, _c, _d: a.decode()),
            (compute(Intrinsic.SHA256, Type.HASH, data), lambda a, _b, _c, _d: bytes(names.sha256(a))),
            (compute(Intrinsic.KECCAK256, Type.HASH, data), lambda a, _b, _c, _d: bytes(names.keccak256(a))),
        )
    ]

    @given(BYTES, BYTES, TEXTS, TEXTS)
    @example(b"\xed\xa0\x80", b"", "€", "")
    def check(a: bytes, b: bytes, c: str, d: str) -> None:
        for deployed, python in cases:
            same(deployed, lambda python=python: python(a, b, c, d), a, b, c.encode(), d.encode())  # type: ignore[misc]

    check()


def test_integers_from_text() -> None:
    """Decimal digits behind at most one sign are read as CPython reads them; anything else fails."""
    deployed = Deployed(expression_of(compute(Intrinsic.INT_OF_TEXT, Type.INT, local(0, Type.STR)), Type.STR))

    @given(st.one_of(INTEGERS.map(str), st.from_regex(r"[+-]?[0-9]{1,22}", fullmatch=True)))
    def check(text: str) -> None:
        same(deployed, lambda: int(text), text.encode())

    check()
    for text in ("", "+", "--1", "1_000", " 1", "1.0", "0x1", "١"):
        assert deployed.call("main", text.encode()).failure is FailureKind.INVALID_VALUE


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (Type.ADDRESS, (bytes(20),)),
        (Type.CONTRACT, (bytes(32),)),
        (Type.ACCOUNT, (bytes(20), b"\x01" * 32)),
        (Type.HASH, (bytes(32),)),
        (Type.CID, (b"\x01\x55\x12\x20" + bytes(32),)),
    ],
    ids=lambda one: one.name if isinstance(one, Type) else "",
)
def test_conversions(kind: Type, good: tuple[bytes, ...]) -> None:
    """Bytes become an account, hash or CID only if they are one."""
    deployed = Deployed(expression_of(compute(Intrinsic.CONVERT, kind, local(0, Type.BYTES)), Type.BYTES))
    for value in good:
        assert deployed.call("main", value).return_value == value
    for bad in (b"", bytes(19), bytes(21), bytes(31), bytes(33), bytes(36), b"\x01\x55\x12\x21" + bytes(32)):
        result = deployed.call("main", bad)
        assert (result.failure, result.detail) == (FailureKind.ASSERTION, f"the bytes are no {kind.value}")
