"""Where bars stand in a picture: side by side, in plain numbers for plain SVG."""

from typing import NamedTuple

WIDTH = 1_000.0


class Slot(NamedTuple):
    """A bar's left edge, and how wide it is."""

    x: float
    width: float


def slots(count: int, gap: float, least: int = 1) -> list[Slot]:
    """Places of so many bars over `WIDTH`, with a share of each left free; as if they were at least `least`."""
    room = WIDTH / max(count, least)
    return [Slot(round(number * room, 2), round(room * (1 - gap), 2)) for number in range(count)]
