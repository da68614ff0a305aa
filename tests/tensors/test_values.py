"""Tensors hold canonical values alone."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.tensors import Indices, InvalidTensor, Tensor
from tests.support.exact_numbers import bits, canonical, single

SINGLES = st.floats(width=32, allow_nan=True, allow_infinity=True, allow_subnormal=True)


@given(st.lists(st.floats(allow_subnormal=True), max_size=20))
def test_numbers_are_rounded_once_and_made_canonical(numbers: list[float]) -> None:
    """A binary64 number becomes the nearest binary32 value; zeros and what is at most 2^-126 become +0."""
    held = Tensor.of(numbers, [len(numbers)]).numbers()
    assert [bits(value) for value in held] == [bits(single(number)) for number in numbers]


@given(st.lists(SINGLES, max_size=20))
def test_bytes_round_trip_in_canonical_form(numbers: list[float]) -> None:
    """Bytes in give bytes out, with one NaN, no -0 and no subnormal."""
    data = struct.pack(f"<{len(numbers)}f", *numbers)
    expected = struct.pack(f"<{len(numbers)}I", *(bits(canonical(number)) for number in numbers))
    assert Tensor.from_bytes(data, [len(numbers)]).to_bytes() == expected


def test_every_nan_is_the_same_bytes() -> None:
    """Sign, payload and signalling of a NaN are lost."""
    data = b"".join(word.to_bytes(4, "little") for word in (0x7FC00000, 0xFFC00001, 0x7F800001, 0xFFFFFFFF))
    assert Tensor.from_bytes(data, [4]).to_bytes() == (0x7FC00000).to_bytes(4, "little") * 4


def test_the_bound_itself_is_flushed() -> None:
    """2^-126 becomes 0 and the next number does not."""
    above = 2.0**-126 * (1 + 2.0**-23)
    assert Tensor.of([2.0**-126, -(2.0**-126), above, -above], [4]).numbers() == [0.0, 0.0, above, -above]
    assert math.copysign(1, Tensor.of([-0.0], [1]).numbers()[0]) == 1


@pytest.mark.parametrize(("count", "shape"), [(3, [2]), (0, [1]), (2, [])])
def test_numbers_must_fill_the_shape(count: int, shape: list[int]) -> None:
    """Too few or too many numbers or bytes are refused."""
    with pytest.raises(InvalidTensor):
        Tensor.of([0.0] * count, shape)
    with pytest.raises(InvalidTensor):
        Tensor.from_bytes(b"\0" * 4 * count, shape)
    with pytest.raises(InvalidTensor):
        Indices.of([0] * count, shape)


def test_indices_have_64_bits() -> None:
    """A wider integer is refused."""
    assert Indices.of([2**63 - 1, -(2**63)], [2]).numbers() == [2**63 - 1, -(2**63)]
    with pytest.raises(InvalidTensor):
        Indices.of([2**63], [1])
