"""`docs/numerics.md` over Python's integers and fractions: slow, plain, and sharing nothing with the library."""

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

LEAST = -100
NAN = float("nan")


def _rounded(number: Fraction, bits: int) -> Fraction:
    """To so many significant bits, ties to even, without a limit of the exponent."""
    if number == 0:
        return number
    exponent = math.floor(math.log2(abs(number.numerator))) - math.floor(math.log2(number.denominator)) - bits
    unit = Fraction(2) ** exponent
    while abs(number) / unit >= 2**bits:
        unit *= 2
    while abs(number) / unit < 2 ** (bits - 1):
        unit /= 2
    return round(number / unit) * unit


def narrow(number: Fraction) -> float:
    """A real number as a canonical binary32 value."""
    rounded = _rounded(number, 24)
    if abs(rounded) <= Fraction(2) ** -126:
        return 0.0
    if abs(rounded) >= 2**128:
        return math.inf if rounded > 0 else -math.inf
    return float(rounded)


def canonical(value: float) -> float:
    """A binary32 value made canonical."""
    return 0.0 if abs(value) <= 2.0**-126 else value


def single(value: float) -> float:
    """The nearest binary32 value, made canonical."""
    if math.isnan(value) or math.isinf(value):
        return value
    return narrow(Fraction(value))


def bits(value: float) -> int:
    """The value's bits, with one NaN."""
    return 0x7FC00000 if math.isnan(value) else int(struct.unpack("<I", struct.pack("<f", value))[0])


class Group:
    """Values with a common unit."""

    def __init__(self, values: Iterable[float], p: int) -> None:
        values = list(values)
        self.p = p
        self.void = any(not math.isfinite(value) for value in values)
        largest = 0.0 if self.void else max((abs(value) for value in values), default=0.0)
        self.exponent = LEAST if largest == 0 else max(LEAST, math.frexp(largest)[1])
        self.unit = Fraction(2) ** (self.exponent - p)

    def integer(self, value: float) -> int:
        q = round(Fraction(value) / self.unit)
        return max(-127, min(127, q)) if self.p == 7 else q


def exact_products(terms: Sequence[tuple[float, Group, float, Group]]) -> float:
    """The exact sum of products."""
    if any(first.void or second.void for _, first, _, second in terms):
        return NAN
    if not terms:
        return 0.0
    _, first, _, second = terms[0]
    assert all(term[1] is first and term[3] is second for term in terms)
    total = sum(first.integer(x) * second.integer(y) for x, _, y, _ in terms)
    return narrow(total * first.unit * second.unit)


def exact_sum(values: Sequence[float], group: Group | None = None) -> float:
    """A plain sum; one group for it unless another is given."""
    group = group or Group(values, 31)
    if values and group.void:
        return NAN
    return narrow(sum((group.integer(value) * group.unit for value in values), Fraction(0)))


def table(make: Callable[..., float], *sizes: int) -> list[float]:
    """A function of indices as a flat list, in row-major order."""
    if not sizes:
        return [make()]
    return [
        value for index in range(sizes[0]) for value in table(lambda *rest, index=index: make(index, *rest), *sizes[1:])
    ]
