"""Many applications in one block, and what one applicant executes of them: docs/library/loan_approval.md."""

import sys
from pathlib import Path

import accountant.library
from accountant.sandbox import Chain
from benchmarks.figures.chart import Axis, Series, chart, draw
from tests.support.observing import newcomer, observed
from tests.support.real_data import breast_cancer

LIBRARY = Path(accountant.library.__path__[0])
TOKEN = 1_000_000_000


def measure(count: int) -> tuple[int, int, int]:
    """Transactions executed for the last of so many applications, their gas, and the gas of all of them."""
    learnt, asked = breast_cancer()
    chain = Chain()
    alice = chain.account("alice")
    loans = chain.deploy(LIBRARY / "loan_approval.py", sender=alice)
    files = [learnt.features_file(), learnt.labels_file()]
    facts, repaid = (chain.publish(data, sender=alice) for data in files)
    chain.transfer(loans, 2 * count * TOKEN, sender=alice)
    trained = loans.train(facts, repaid, sender=alice, gas=10**9)
    users = [chain.account(f"applicant {at}", 10 * TOKEN) for at in range(count)]
    with chain.block():
        attested = [
            loans.attest(user, asked.row(at % len(asked.labels)), sender=alice) for at, user in enumerate(users)
        ]
    with chain.block():
        applied = [loans.apply(TOKEN, sender=user) for user in users]
    found = observed(chain, newcomer(files), applied[-1])
    assert trained.succeeded
    neighbour = applied[-1].gas_used + attested[-1].gas_used
    return len(found.executed), found.gas_executed, found.gas_executed + (count - 1) * neighbour


def main(counts: list[int]) -> None:
    """Print a row for each number of applications, and draw them."""
    hers, everything = [], []
    for count in counts:
        executed, gas, all_gas = measure(count)
        print(f"{count:,} applications: {executed} transactions executed, {gas:,} of {all_gas:,} gas", flush=True)
        hers.append((count, gas / 1e6))
        everything.append((count, all_gas / 1e6))
    picture = chart(
        "One applicant's decision, of many in a block",
        Axis("applications in one block", logarithmic=True),
        Axis("million gas", logarithmic=True),
        [Series("executing everything", everything), Series("executing what hers rests on", hers)],
    )
    print(draw("loan_approval", picture))


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [1, 10, 100, 1_000, 3_000])
