"""What a calibration found, for people: a table, and a picture of measured against priced."""

import math
from collections import defaultdict
from collections.abc import Sequence
from html import escape

from accountant.calibration.calibrate import Calibration, Priced

_SIZE, _MARGIN = 640, 60
_COLOURS = ("#1f5fbf", "#b3541e", "#176b37", "#7b3fa0", "#a3161c", "#4a6b00", "#006b75", "#7a4b00")


def picture(cases: Sequence[Priced]) -> str:
    """An SVG: each case by what its time is worth (across) and what it costs (up), both in gas, logarithmic.

    On the middle line an operation pays exactly its time; on the dashed one, half of it.
    """
    low = math.floor(math.log10(min(min(one.worth, one.price) for one in cases)))
    high = math.ceil(math.log10(max(max(one.worth, one.price) for one in cases)))

    def place(gas: float) -> float:
        return (math.log10(gas) - low) / (high - low) * (_SIZE - 2 * _MARGIN)

    def dot(one: Priced, colour: str) -> str:
        x, y = _MARGIN + place(one.worth), _SIZE - _MARGIN - place(one.price)
        title = escape(f"{one.kind} {one.shapes}: worth {one.worth:,.0f}, costs {one.price:,}")
        return (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}" fill-opacity=".6"><title>{title}</title></circle>'
        )

    kinds = sorted({one.kind for one in cases})
    dots = [dot(one, _COLOURS[kinds.index(one.kind) % len(_COLOURS)]) for one in cases]
    ticks = []
    for power in range(low, high + 1):
        at = place(10.0**power)
        ticks.append(
            f'<text x="{_MARGIN + at:.1f}" y="{_SIZE - _MARGIN + 18}" text-anchor="middle">10^{power}</text>'
            f'<text x="{_MARGIN - 8}" y="{_SIZE - _MARGIN - at + 4:.1f}" text-anchor="end">10^{power}</text>'
        )
    half = place(10.0**low * 2)
    top = _SIZE - _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" font-family="sans-serif">'
        f"<title>Gas that operations on tensors cost, against what their time is worth</title>"
        f'<g font-size="11"><rect width="{_SIZE}" height="{_SIZE}" fill="#fff"/>'
        f'<path d="M{_MARGIN} {_MARGIN}V{top}H{top}" fill="none" stroke="#888"/>'
        f'<path d="M{_MARGIN} {top}L{top} {_MARGIN}" stroke="#444"/>'
        f'<path d="M{_MARGIN + half:.1f} {top}L{top} {_MARGIN + half:.1f}" stroke="#444" stroke-dasharray="5 4"/>'
        + "".join(ticks)
        + f'<text x="{_SIZE / 2}" y="{_SIZE - 14}" text-anchor="middle">worth of its time, gas</text>'
        f'<text x="16" y="{_SIZE / 2}" text-anchor="middle" transform="rotate(-90 16 {_SIZE / 2})">price, gas</text>'
        + "".join(dots)
        + "</g></svg>\n"
    )


def table(calibration: Calibration) -> str:
    """Markdown: each kind's prices, and how much of its time the cheapest and the dearest case pay for."""
    paid: dict[str, list[float]] = defaultdict(list)
    for one in calibration.cases:
        paid[one.kind].append(one.paid)
    lines = [
        "| Operation | Launch, gas | Gas for 10^6 flops | Gas for 10^6 bytes | Price ÷ worth, least | most |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for rates in calibration.schedule.prices:
        flops, moved = rates.flop_rate * 1e6 / 2**20, rates.byte_rate * 1e6 / 2**20
        found = paid[rates.kind]
        lines.append(
            f"| `{rates.kind}` | {rates.launch:,} | {flops:,.0f} | {moved:,.0f} | {min(found):.2f} | {max(found):.2f} |"
        )
    return "\n".join(lines) + "\n"
