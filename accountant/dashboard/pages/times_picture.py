"""The distribution of the times between blocks as bars: how many blocks came after how long."""

from typing import NamedTuple

from accountant.dashboard.pages.bars import slots
from accountant.monitoring.reads.block_times import TimeBar

HEIGHT = 160.0
_GAP = 0.2


class Bar(NamedTuple):
    """One bar, and what it stands for."""

    times: TimeBar
    x: float
    y: float
    width: float
    height: float


def times_picture(bars: list[TimeBar]) -> list[Bar]:
    """Bars side by side, in proportion to the largest."""
    most = max((one.blocks for one in bars), default=0)
    drawn = []
    for one, slot in zip(bars, slots(len(bars), _GAP), strict=True):
        height = round(one.blocks * HEIGHT / most, 2) if most else 0.0
        drawn.append(Bar(one, slot.x, round(HEIGHT - height, 2), slot.width, height))
    return drawn
