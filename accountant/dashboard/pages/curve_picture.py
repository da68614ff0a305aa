"""The curve of a training's losses, as plain numbers for plain SVG."""

from collections.abc import Sequence
from typing import NamedTuple

from accountant.monitoring.reads.trainings import CurvePoint

WIDTH, HEIGHT = 1_000.0, 240.0
_EDGE = 6.0
"""So that a line along an edge is seen whole."""


class Curve(NamedTuple):
    """A line from the first step to the last that will be. `least` and `most`: the losses at bottom and top."""

    points: list[CurvePoint]
    path: str
    least: float
    most: float


def curve(points: Sequence[CurvePoint], steps: int) -> Curve | None:
    """The picture of these points; None without any. A single one is a short line."""
    if not points:
        return None
    least, most = min(one.loss for one in points), max(one.loss for one in points)
    height, room = most - least, HEIGHT - 2 * _EDGE

    def place(one: CurvePoint) -> str:
        x = WIDTH * (one.step - 1) / max(1, steps - 1)
        y = _EDGE + (room * (most - one.loss) / height if height else room / 2)
        return f"{x:.2f} {y:.2f}"

    first, *rest = points
    return Curve(list(points), "M" + "L".join([place(first), *map(place, rest)]) + "h2", least, most)
