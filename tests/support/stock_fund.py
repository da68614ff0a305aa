"""A fund over real stock prices with its broker, for tests and figures of `library/fund.py`."""

from pathlib import Path

import accountant.library
from accountant.primitives.types import Cid
from accountant.sandbox import Chain, Result
from tests.support.real_data import TOGETHER, matrix_file, prices

SOURCE = Path(accountant.library.__path__[0]) / "fund.py"
TOKEN, GRAIN = 10**9, 10**6
STOCKS = len(TOGETHER)
GAS = 10**12
ROWS = tuple(zip(*(prices(symbol) for symbol in TOGETHER), strict=True))
"""Prices of a month each."""


class Broker:
    """Publishes prices up to a month, and settles."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.user = chain.account("broker")
        self.fund = chain.deploy(SOURCE, sender=self.user)
        self._published: dict[int, Cid] = {}

    def prices(self, months: int) -> Cid:
        """The file of the first so many months."""
        if months not in self._published:
            self._published[months] = self.chain.publish(matrix_file(ROWS[:months]), sender=self.user)
        return self._published[months]

    def gains(self, months: int) -> list[float]:
        """What each stock won in the month after the first so many."""
        return [new / old - 1 for old, new in zip(ROWS[months - 1], ROWS[months], strict=True)]

    def retrain(self, months: int, steps: int) -> Result:
        """A policy of the first so many months."""
        result: Result = self.fund.retrain(self.prices(months), steps, 7, sender=self.user, gas=GAS)
        return result

    def rebalance(self, months: int) -> Result:
        """Invests, with so many months known."""
        result: Result = self.fund.rebalance(self.prices(months), sender=self.user, gas=GAS)
        return result

    def settle_with(self, months: int, brought: int, taken: int) -> Result:
        """Settles with so many base units."""
        result: Result = self.fund.settle(self.prices(months), taken, sender=self.user, gas=GAS, value=brought)
        return result

    def owed(self, months: int) -> int:
        """Base units that the broker owes once so many months are known, or is owed where negative."""
        grains = self.fund.owed(self.prices(months))
        assert isinstance(grains, int)
        return grains * GRAIN

    def settle(self, months: int) -> Result:
        """Brings or takes what is owed."""
        units = self.owed(months)
        return self.settle_with(months, max(0, units), max(0, -units))
