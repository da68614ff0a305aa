"""A fund over real stock prices: `python -m benchmarks.figures.fund` writes `docs/figures/fund.svg`.

The policy of `library/fund.py` is learnt from the first FIRST months (60) with STEPS steps (100), again after every
year from all months until then, and chooses month by month; beside it, the same money spread evenly each month.
"""

import os

from accountant.sandbox import Chain
from benchmarks.figures.drawing import FOLDER, Axes, Line, lines_svg
from tests.support.stock_fund import GRAIN, ROWS, STOCKS, TOKEN, Broker

START = 1_000
"""Tokens."""


def main() -> None:
    """Learns, trades, draws."""
    first, steps = (int(os.environ.get(name, known)) for name, known in (("FIRST", 60), ("STEPS", 100)))
    chain = Chain()
    broker = Broker(chain)
    fund = broker.fund
    alice = chain.account("alice")
    assert fund.deposit(sender=alice, value=START * TOKEN)
    worth, even = [float(START)], [float(START)]
    for months in range(first, len(ROWS)):
        if (months - first) % 12 == 0:
            trained = broker.retrain(months, steps)
            print(f"{months} months: {trained.events[0]}, {trained.gas_used:,} gas", flush=True)
        chosen = broker.rebalance(months)
        parts = [fund.share_in(stock) for stock in range(STOCKS + 1)]
        settled = broker.settle(months + 1)
        assert settled.succeeded, settled
        grains = fund.worth()
        assert isinstance(grains, int)
        worth.append(grains * GRAIN / TOKEN)
        even.append(even[-1] * (1 + sum(broker.gains(months)) / STOCKS))
    print(f"rebalance {chosen.gas_used:,} gas, settle {settled.gas_used:,}; last parts {parts}")
    print(f"{START} tokens became {worth[-1]:,.1f}; spread evenly {even[-1]:,.1f}")
    axes = Axes("A fund over four stocks, 2005 to 2010", "months of prices", "tokens")
    (FOLDER / "fund.svg").write_text(lines_svg(axes, [Line("policy", first, worth), Line("evenly", first, even)]))


if __name__ == "__main__":
    main()
