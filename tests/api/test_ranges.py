"""Range headers: what is one range of bytes is that, and nothing else costs more than its length."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountant.api.ranges import Range, UnsatisfiableRange, is_named, range_of

SIZES = st.integers(0, 2**70)


@given(SIZES, SIZES, SIZES)
def test_first_and_last(size: int, first: int, last: int) -> None:
    """From the first to the last byte, cut at the end; one that begins after the end cannot be satisfied."""
    header = f"bytes={first}-{last}"
    if max(len(str(first)), len(str(last))) > 19 or last < first:
        assert range_of(header, size) == Range(0, size, False)
    elif first >= size:
        with pytest.raises(UnsatisfiableRange):
            range_of(header, size)
    else:
        assert range_of(header, size) == Range(first, min(size, last + 1), True)


@given(st.text(max_size=40), st.integers(0, 1000))
def test_whatever_else_gets_the_whole_or_a_part(header: str, size: int) -> None:
    """No text raises anything but UnsatisfiableRange, and no part is empty or beyond the end."""
    try:
        found = range_of(header, size)
    except UnsatisfiableRange:
        assert re.match("bytes=", header)
    else:
        assert 0 <= found.start <= found.stop <= size
        assert not found.partial or found.start < found.stop


@pytest.mark.parametrize(
    ("header", "named"),
    [(None, False), ("", False), ('"a"', True), ('"b"', False), ('"b", "a"', True), ('W/"a"', True), ("*", True)],
)
def test_entity_tags(header: str | None, named: bool) -> None:
    """A list of tags, weak ones too, or any."""
    assert is_named(header, '"a"') is named
