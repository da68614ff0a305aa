"""What a forecast costs to know after each training, by how trainings begin: docs/library/forecast.md."""

from pathlib import Path

import accountant.library
from accountant.sandbox import Chain
from benchmarks.figures.chart import Axis, Series, chart, draw
from tests.support.observing import newcomer, viewed
from tests.support.real_data import cents

LIBRARY = Path(accountant.library.__path__[0])
FRESH = 6
GAS = 200_000_000


def costs(anew: bool, keeps: bool) -> list[tuple[float, float]]:
    """Million gas executed for the forecast after each training: by a newcomer, or by one who keeps outcomes."""
    chain = Chain()
    alice = chain.account("alice")
    series = chain.deploy(LIBRARY / "forecast.py", sender=alice)
    store, found = newcomer(), []
    for month, price in enumerate(cents("IBM"), 1):
        series.report(price, sender=alice)
        if month > 12 and month % FRESH == 0:
            series.retrain(month, anew or month == 18, sender=alice, gas=GAS)
            certificate = viewed(chain, store if keeps else newcomer(), series, "forecast")
            found.append((float(month), certificate.gas_executed / 1e6))
    return found


def main() -> None:
    """Three accountants ask, every six months of IBM's price."""
    found = [
        Series("a newcomer, each training going on", costs(anew=False, keeps=False)),
        Series("a newcomer, each training anew", costs(anew=True, keeps=False)),
        Series("who keeps outcomes, going on", costs(anew=False, keeps=True)),
    ]
    for one in found:
        first, last = one.points[0], one.points[-1]
        print(f"{one.name}: {first[1]:.2f} million gas with {first[0]:.0f} values, {last[1]:.2f} with {last[0]:.0f}")
    across, up = Axis("values reported (a training after every sixth)"), Axis("million gas for the forecast", least=0.0)
    print(draw("forecast", chart("What knowing the forecast costs", across, up, found)))


if __name__ == "__main__":
    main()
