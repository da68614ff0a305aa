"""Sets of numbers: what goes in comes out, and bytes of strangers are refused for what they are."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.accounting.numbers import Numbers, unpacked
from accountant.primitives.errors import InvalidEncoding
from accountant.primitives.types import Seq

RANGES = st.tuples(st.integers(0, 2**62), st.integers(1, 300)).flatmap(
    lambda r: st.tuples(st.just(r[0]), st.just(r[1]), st.sets(st.integers(r[0], r[0] + r[1] - 1)))
)


@given(RANGES, st.data())
def test_numbers_are_a_set(given_range: tuple[int, int, set[int]], data: st.DataObject) -> None:
    """Order, size, membership and parts of a range are those of the set; packing loses nothing."""
    first, span, chosen = given_range
    numbers = Numbers.of(Seq(first), span, chosen)
    assert numbers.seqs() == sorted(chosen)
    assert numbers.size == len(chosen)
    assert {n for n in range(first, first + span) if numbers.has(n)} == chosen
    assert unpacked(numbers.packed(), Seq(first), span) == numbers
    start = data.draw(st.integers(first, first + span - 1))
    width = data.draw(st.integers(1, first + span - start))
    part = numbers.part(Seq(start), width)
    assert part == Numbers.of(Seq(start), width, chosen & set(range(start, start + width)))
    fewer = Numbers.of(Seq(first), span, data.draw(st.sets(st.sampled_from(sorted(chosen) or [first]))) & chosen)
    assert fewer.within(numbers)
    assert numbers.within(fewer) == (fewer == numbers)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        zlib.compress(b"\xff"),
        zlib.compress(b"\xff\xff\xff"),
        zlib.compress(b"\xff\xff"),
        zlib.compress(b"\xff\x07")[:-1],
        zlib.compress(b"\xff\x07") + b"more",
        zlib.compress(bytes(200_000_000)),
    ],
    ids=["nothing", "no zlib", "short", "long", "beyond", "cut", "followed", "bomb"],
)
def test_other_bytes_are_refused(raw: bytes) -> None:
    """Eleven numbers are two bytes with five bits unset; 200 megabytes in 200 kilobytes are not even inflated."""
    with pytest.raises(InvalidEncoding):
        unpacked(raw, Seq(0), 11)
