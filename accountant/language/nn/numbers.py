"""From numbers to tensors and back, and random numbers: those of a seed and a stream are always the same."""

from fractions import Fraction

from accountant.language.nn.exact import exact
from accountant.language.nn.shaping import _all
from accountant.language.nn.values import Indices, Sizes, Tensor
from accountant.language.types import INT_LEAST, INT_MOST

_WIDTHS = (1, 2, 4, 8)
WORD = 2**64 - 1
"""Of seeds and streams; negative ints count from 2^64 down."""


def _stream(seed: int, number: int) -> "exact.Stream":
    return exact.Stream(seed & WORD, number & WORD)


def full(shape: Sizes, number: float) -> Tensor:
    """The same number everywhere."""
    return Tensor(exact.Tensor.full(_all(shape), number))


def _integers(data: bytes, width: int) -> list[int]:
    if width not in _WIDTHS or len(data) % width:
        raise exact.InvalidTensor(f"{len(data)} bytes are no integers of {width}")
    return [int.from_bytes(data[at : at + width], "big", signed=True) for at in range(0, len(data), width)]


def of_ints(shape: Sizes, data: bytes, width: int = 1) -> Tensor:
    """Big-endian signed integers of 1, 2, 4 or 8 bytes each, in row-major order; fails at one that binary32 lacks."""
    integers = _integers(data, width)
    made = Tensor(exact.Tensor.of(integers, _all(shape)))
    if made.exact.numbers() != integers:
        raise exact.InvalidTensor("an integer that binary32 does not hold")
    return made


def indices_of_ints(shape: Sizes, data: bytes, width: int = 1) -> Indices:
    """Indices from big-endian signed integers of 1, 2, 4 or 8 bytes each, in row-major order."""
    return Indices(exact.Indices.of(_integers(data, width), _all(shape)))


def indices(tensor: Tensor) -> Indices:
    """Elements that are whole numbers, as indices; fails at any other."""
    numbers = tensor.exact.numbers()
    if not all(number.is_integer() and INT_LEAST <= number <= INT_MOST for number in numbers):
        raise exact.InvalidTensor("an element is no whole number of 64 bits")
    return Indices(exact.Indices.of([int(number) for number in numbers], tensor.shape))


def real(numerator: int, denominator: int = 1) -> float:
    """The quotient of two ints as a float, correctly rounded."""
    return numerator / denominator


def item(tensor: Tensor, index: int = 0, scale: float = 1.0) -> int:
    """The element at a place (row-major) × scale, rounded half to even; fails for NaN and beyond 64 bits."""
    numbers = tensor.exact.numbers()
    if not 0 <= index < len(numbers):
        raise exact.InvalidIndex(f"place {index} of {len(numbers)} elements")
    try:
        number = round(Fraction(numbers[index]) * Fraction(scale))
    except (ValueError, OverflowError):
        raise exact.InvalidTensor(f"{numbers[index]} is no integer") from None
    return _within(number)


def index(indices: Indices, at: int) -> int:
    """One of the indices, by its place (row-major)."""
    numbers = indices.exact.numbers()
    if not 0 <= at < len(numbers):
        raise exact.InvalidIndex(f"place {at} of {len(numbers)} indices")
    return numbers[at]


def count(tensor: Tensor) -> int:
    """How many elements there are."""
    return tensor.exact.count


def uniform(seed: int, stream: int, shape: Sizes, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Uniform numbers from `low` up to `high`."""
    return Tensor(exact.uniform(_stream(seed, stream), _all(shape), low, high))


def normal(seed: int, stream: int, shape: Sizes, mean: float = 0.0, deviation: float = 1.0) -> Tensor:
    """Normal numbers."""
    return Tensor(exact.normal(_stream(seed, stream), _all(shape), mean, deviation))


def init(seed: int, stream: int, shape: Sizes) -> Tensor:
    """Weights for a layer: uniform in ±1 ÷ √(the product of all sizes but the first)."""
    return Tensor(exact.fan_in_uniform(_stream(seed, stream), _all(shape)))


def permutation(seed: int, stream: int, count: int) -> Indices:
    """The numbers from 0 up to `count` in random order."""
    return Indices(exact.permutation(_stream(seed, stream), count))


def dropout(tensor: Tensor, rate: float, seed: int, stream: int) -> Tensor:
    """Each element is 0 with this probability, else × 1 ÷ (1 - rate)."""
    return Tensor(exact.dropout(tensor.exact, rate, _stream(seed, stream)))


def _within(number: int) -> int:
    if not INT_LEAST <= number <= INT_MOST:
        raise exact.InvalidTensor(f"{number} is beyond 64 bits")
    return number
