"""Drawing without a library: grey images as PNG, and lines over numbers as SVG."""

import math
import struct
import zlib
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[2] / "docs" / "figures"

_WIDTH, _HEIGHT, _LEFT, _MARGIN = 720, 360, 70, 44
_COLOURS = ("#1f5fbf", "#b3541e", "#176b37", "#7b3fa0", "#a3161c")


def grey_png(rows: Sequence[Sequence[int]], scale: int) -> bytes:
    """A PNG of grey values from 0 to 255, each drawn as a square of so many pixels."""
    raw = b"".join(b"\0" + b"".join(bytes([value]) * scale for value in row) for row in rows for _ in range(scale))
    size = struct.pack(">IIBBBBB", len(rows[0]) * scale, len(rows) * scale, 8, 0, 0, 0, 0)
    chunks = (b"IHDR", size), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


class Line(NamedTuple):
    """A named line over whole numbers."""

    name: str
    start: int
    values: Sequence[float]


class Axes(NamedTuple):
    """What stands beside a picture of lines."""

    title: str
    across: str
    up: str


def round_ticks(low: float, high: float, whole: bool = False) -> list[tuple[float, str]]:
    """Round numbers from `low` to `high`, seven at most, and how each is written; `whole` ones alone, if asked for."""
    step = 10 ** math.floor(math.log10((high - low) / 3))
    step *= next(times for times in (1, 2, 5, 10) if (high - low) / (step * times) <= 6)
    step = max(1, step) if whole else step
    numbers = range(math.ceil(low / step), math.floor(high / step) + 1)
    return [(step * number, f"{step * number:,.10g}") for number in numbers]


def lines_svg(axes: Axes, lines: Sequence[Line]) -> str:
    """An SVG of lines, from 0 or their least value on."""
    last = max(line.start + len(line.values) - 1 for line in lines)
    first = min(line.start for line in lines)
    top = max(max(line.values) for line in lines)
    low = min(0.0, min(min(line.values) for line in lines))
    right, bottom = _WIDTH - _MARGIN, _HEIGHT - _MARGIN

    def place(x: float, y: float) -> str:
        across = _LEFT + (x - first) / max(1, last - first) * (right - _LEFT)
        return f"{across:.1f} {bottom - (y - low) / (top - low) * (bottom - _MARGIN):.1f}"

    drawn, named = [], []
    for at, line in enumerate(lines):
        colour = _COLOURS[at % len(_COLOURS)]
        path = "L".join(place(line.start + i, value) for i, value in enumerate(line.values))
        drawn.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        named.append(f'<text x="{_LEFT + 12}" y="{_MARGIN + 14 + 15 * at}" fill="{colour}">{escape(line.name)}</text>')
    ticks = []
    for x, text in round_ticks(first, last, whole=True):
        across, _ = place(x, low).split()
        ticks.append(f'<text x="{across}" y="{bottom + 16}" text-anchor="middle">{text}</text>')
    for y, text in round_ticks(low, top):
        _, up = place(first, y).split()
        ticks.append(f'<text x="{_LEFT - 8}" y="{up}" text-anchor="end">{text}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">'
        f"<title>{escape(axes.title)}</title>"
        f'<g font-size="11"><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
        f'<text x="{_WIDTH / 2}" y="22" text-anchor="middle" font-size="14">{escape(axes.title)}</text>'
        f'<path d="M{_LEFT} {_MARGIN}V{bottom}H{right}" fill="none" stroke="#888"/>'
        + "".join(ticks + drawn + named)
        + f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(axes.across)}</text>'
        f'<text x="16" y="{_HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 {_HEIGHT / 2})">'
        f"{escape(axes.up)}</text></g></svg>\n"
    )
