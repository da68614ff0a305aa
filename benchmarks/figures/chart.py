"""A chart as SVG: lines or dots over two axes, each linear or logarithmic."""

import math
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures.drawing import FOLDER, round_ticks

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 420, 80, 30, 58, 56
_COLOURS = ("#1f5fbf", "#b3541e", "#176b37", "#7b3fa0")


class Series(NamedTuple):
    """Points, joined to a line unless `dots`."""

    name: str
    points: Sequence[tuple[float, float]]
    dots: bool = False


class Axis(NamedTuple):
    """What stands beside it, and whether powers of ten have one distance."""

    name: str
    logarithmic: bool = False
    least: float | None = None


def chart(title: str, across: Axis, up: Axis, series: Sequence[Series]) -> str:
    """The picture; `least` is where an axis begins, else at its smallest value."""
    place_x, ticks_x = _scale([x for one in series for x, _ in one.points], across, _LEFT, _WIDTH - _RIGHT)
    place_y, ticks_y = _scale([y for one in series for _, y in one.points], up, _HEIGHT - _BOTTOM, _TOP)
    right, floor = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<title>{escape(title)}</title><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text><g font-size="11" fill="#333">',
        f'<path d="M{_LEFT} {_TOP}V{floor}H{right}" fill="none" stroke="#888"/>',
    ]
    for value, text in ticks_x:
        parts.append(f'<text x="{place_x(value):.1f}" y="{floor + 18}" text-anchor="middle">{text}</text>')
    for value, text in ticks_y:
        y = place_y(value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    middle = (_LEFT + right) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 14}" text-anchor="middle">{escape(across.name)}</text>')
    half = (_TOP + floor) / 2
    parts.append(f'<text x="16" y="{half}" text-anchor="middle" transform="rotate(-90 16 {half})">')
    parts.append(f"{escape(up.name)}</text>")
    at = float(_LEFT)
    for number, one in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [(place_x(x), place_y(y)) for x, y in one.points]
        if one.dots:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        else:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<rect x="{at:.0f}" y="34" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{at + 15:.0f}" y="43">{escape(one.name)}</text>')
        at += 32 + 6.2 * len(one.name)
    return "".join(parts) + "</g></svg>\n"


def draw(name: str, picture: str) -> Path:
    """Writes a picture, and says where it is."""
    path = FOLDER / f"{name}.svg"
    path.write_text(picture)
    return path


def _scale(
    values: Sequence[float], axis: Axis, begin: float, end: float
) -> tuple[Callable[[float], float], list[tuple[float, str]]]:
    """Where a value lies between two places, and the values that are written there."""
    low = min(values) if axis.least is None else axis.least
    high = max(values)
    if axis.logarithmic:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        ticks = [
            (10.0**power, f"{10**power:,}" if power >= 0 else f"{10.0**power:g}") for power in range(first, last + 1)
        ]
        return (lambda value: begin + (math.log10(value) - first) / (last - first) * (end - begin)), ticks
    return (lambda value: begin + (value - low) / (high - low) * (end - begin)), round_ticks(low, high)
