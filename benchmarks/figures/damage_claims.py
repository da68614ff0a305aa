"""How many claims a network decides, and how many rightly, by how sure it must be: docs/library/damage_claims.md."""

from pathlib import Path

import accountant.library
from accountant.sandbox import Chain
from benchmarks.figures.chart import Axis, Series, chart, draw
from tests.support.real_data import digits

LIBRARY = Path(accountant.library.__path__[0])
TOKEN = 1_000_000_000
SAMPLES = 600
YEAR_PREMIUM = 5 * TOKEN


def main() -> None:
    """Claim every image that was kept back."""
    learnt, asked = digits()
    chain = Chain()
    alice, garage, holder = chain.account("alice"), chain.account("garage"), chain.account("holder")
    insurer = chain.deploy(LIBRARY / "damage_claims.py", garage, sender=alice)
    chain.transfer(insurer, 200_000 * TOKEN, sender=alice)
    part = learnt.first(SAMPLES)
    photos, graded = (chain.publish(data, sender=alice) for data in (part.features_file(), part.labels_file()))
    insurer.train(photos, graded, sender=alice, gas=10**9)
    insurer.insure(sender=holder, value=YEAR_PREMIUM)
    results = []
    for number, label in enumerate(asked.labels):
        insurer.photograph(holder, number, asked.row(number), sender=garage)
        (event,) = insurer.claim(number, 180 * TOKEN, sender=holder).events
        results.append((event.chance, event.grade == label))
    decided, right = [], []
    for sure in range(400, 1000, 20):
        told = [fits for chance, fits in results if chance >= sure]
        decided.append((sure / 10, 100 * len(told) / len(results)))
        right.append((sure / 10, 100 * sum(told) / len(told)))
    told = [fits for chance, fits in results if chance >= 700]
    print(f"{len(results)} claims: {len(told)} decided, of them {sum(told)} as a person would")
    picture = chart(
        "Claims that the network decides, by how sure it must be",
        Axis("probability that it must reach, percent (the contract: 70)"),
        Axis("percent"),
        [Series("decided, of all claims", decided), Series("right, of those decided", right)],
    )
    print(draw("damage_claims", picture))


if __name__ == "__main__":
    main()
