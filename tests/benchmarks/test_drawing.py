"""Pictures are drawn by code alone: what is written beside an axis is the number that lies there."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures.drawing import Axes, Line, lines_svg, round_ticks

_NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)
_TICK = re.compile(r'<text x="([\d.]+)" y="([\d.]+)" text-anchor="(middle|end)">([-\d,.e+]+)</text>')


def _number(text: str) -> float:
    return float(text.replace(",", ""))


@given(low=_NUMBERS, width=st.floats(1e-3, 1e9))
def test_ticks_are_round_and_say_what_they_are(low: float, width: float) -> None:
    """Two to seven within the range, each the number that its text reads as."""
    ticks = round_ticks(low, low + width)
    assert 2 <= len(ticks) <= 7
    for value, text in ticks:
        assert low - width / 1e6 <= value <= low + width * (1 + 1e-6)
        assert _number(text) == pytest.approx(value, rel=1e-9, abs=width / 1e9)


@given(st.integers(0, 1_000), st.lists(st.floats(0, 1e6), min_size=2, max_size=200))
def test_labels_lie_where_their_numbers_are(start: int, values: list[float]) -> None:
    """Along both axes the distances between labels are in proportion to the numbers, and those across are whole."""
    picture = lines_svg(Axes("title", "across", "up"), [Line("one", start, [*values, 1.0])])
    found = [(float(x), float(y), anchor, _number(text)) for x, y, anchor, text in _TICK.findall(picture)]
    across = [(x, number) for x, _, anchor, number in found if anchor == "middle"]
    up = [(y, number) for _, y, anchor, number in found if anchor == "end"]
    assert all(number == int(number) for _, number in across) and len(across) >= 2 and len(up) >= 2
    for places in (across, up):
        (begin, first), (end, last) = places[0], places[-1]
        for place, number in places:
            assert place == pytest.approx(begin + (number - first) / (last - first) * (end - begin), abs=0.11)
