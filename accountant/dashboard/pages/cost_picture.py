"""The accounting cost of outstanding money as bars by height: what is known, and above it what may come at most."""

from collections.abc import Sequence
from typing import NamedTuple

from accountant.accounting.outstanding import AccountingCost
from accountant.dashboard.pages.bars import slots

HEIGHT = 160.0
_GAP = 0.2


class Bar(NamedTuple):
    """One height. `known` is drawn from the ground, `unknown` on top of it."""

    cost: AccountingCost
    x: float
    width: float
    known: float
    unknown: float

    @property
    def known_y(self) -> float:
        """Where the known part begins, from the top."""
        return round(HEIGHT - self.known, 2)

    @property
    def unknown_y(self) -> float:
        """Where the unknown part begins."""
        return round(HEIGHT - self.known - self.unknown, 2)


def picture(costs: Sequence[AccountingCost]) -> list[Bar]:
    """Bars in proportion to the largest."""
    most = max((one.known + one.unknown_most for one in costs), default=0)
    scale = HEIGHT / most if most else 0.0
    return [
        Bar(one, slot.x, slot.width, round(one.known * scale, 2), round(one.unknown_most * scale, 2))
        for one, slot in zip(costs, slots(len(costs), _GAP), strict=True)
    ]
