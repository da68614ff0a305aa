"""What the network thinks of Google's prices, true and false ones: docs/library/price_watch.md."""

from pathlib import Path

import accountant.library
from accountant.sandbox import Chain
from benchmarks.figures.chart import Axis, Series, chart, draw
from tests.support.real_data import cents, prices_file

LIBRARY = Path(accountant.library.__path__[0])
KINDS = {"as it was": None, "half of the month before": 0.5, "twice": 2.0, "seven tenths": 0.7}
FIRST = 6
"""The first month that is judged."""


def judged(factor: float | None) -> list[tuple[float, float]]:
    """Months, and what the network's error was over the threshold; the threshold freezes.

    Without a factor, of every true price. With one, of every seventh month: six true prices, then the last of them
    times the factor, whatever the month's own price was.
    """
    chain = Chain()
    alice = chain.account("alice")
    watch = chain.deploy(LIBRARY / "price_watch.py", sender=alice)
    threshold = watch.train(chain.publish(prices_file(), sender=alice), sender=alice, gas=10**9).returned
    found = []
    google = cents("GOOG")
    for month, price in enumerate(google):
        false = factor is not None and month % (FIRST + 1) == FIRST
        (event,) = watch.report(round(google[month - 1] * factor) if factor and false else price, sender=alice).events
        if event.abnormal:
            watch.resume(not false, sender=alice)
        if month >= FIRST and (false or factor is None):
            found.append((float(month), event.error / threshold))
    return found


def main() -> None:
    """Draw true and false prices, and print how many were found abnormal."""
    found = {name: judged(factor) for name, factor in KINDS.items()}
    for name, points in found.items():
        print(f"{name}: {sum(error > 1 for _, error in points)} of {len(points)} found abnormal", flush=True)
    picture = chart(
        "Google's price each month, as reported and falsified",
        Axis("months since August 2004"),
        Axis("error ÷ threshold (above 1: frozen)", logarithmic=True),
        [Series(name, points, dots=KINDS[name] is not None) for name, points in found.items()],
    )
    print(draw("price_watch", picture))


if __name__ == "__main__":
    main()
