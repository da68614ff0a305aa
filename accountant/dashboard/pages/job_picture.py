"""A job as pictures: how long it was in which state, and the transactions of its slice. Plain numbers for plain SVG."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from accountant.dashboard.pages.bars import WIDTH, slots
from accountant.monitoring.reads.job import Member, Step

HEIGHT = 120.0
_LEAST = 2.0
"""No bar is so low, or part so narrow, that nobody sees it."""
_GAP = 0.15


class Share(NamedTuple):
    """The time in one state, as a part of a line that is `WIDTH` wide."""

    state: str
    seconds: float
    x: float
    width: float


class Bar(NamedTuple):
    """A transaction of the slice: its height is the gas that it used."""

    member: Member
    x: float
    y: float
    width: float
    height: float
    executed: bool
    """For this answer; others were known before."""


class Picture(NamedTuple):
    """Bars in chain order. `most`: the gas of the highest."""

    bars: list[Bar]
    most: int


def shares(steps: Sequence[Step], now: datetime | None = None) -> list[Share]:
    """Each state's time, from the first step on, in the order in which they came first."""
    times: dict[str, float] = {}
    for step in steps:
        if step.lasted is not None:
            times[step.state] = times.get(step.state, 0.0) + max(0.0, step.lasted.total_seconds())
    if steps and now is not None and steps[-1].lasted is None:
        times[steps[-1].state] = times.get(steps[-1].state, 0.0) + max(0.0, (now - steps[-1].at).total_seconds())
    total = sum(times.values())
    found, x = [], 0.0
    for state, seconds in times.items():
        width = WIDTH * seconds / total if total else 0.0
        found.append(Share(state, seconds, round(x, 2), round(max(width, _LEAST), 2)))
        x += width
    return found


def picture(members: Sequence[Member], executed: Collection[bytes]) -> Picture:
    """The bars of these transactions."""
    most = max((one.gas_used or 0 for one in members), default=0)
    bars = []
    for one, slot in zip(members, slots(len(members), _GAP, 25), strict=True):  # few transactions make no walls
        height = max(_LEAST, HEIGHT * (one.gas_used or 0) / most) if most else _LEAST
        bars.append(Bar(one, slot.x, round(HEIGHT - height, 2), slot.width, round(height, 2), one.hash in executed))
    return Picture(bars, most)
