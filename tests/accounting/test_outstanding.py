"""The accounting cost of all outstanding money: what executing everything takes, known as far as somebody looked."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.outstanding import ObservedGas, accounting_cost, heights_between
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.primitives.types import Gas, Height, Seq
from tests.support.random_chain import RandomChain


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=True))
def test_the_cost_holds_what_executing_everything_takes(random: Random) -> None:
    """At every height the eager gas lies between the bounds; with everything observed the known part is all of it."""
    chain = RandomChain(random)
    chain.grow(5)
    index, eager = chain.index, execute_everything(chain.index)
    store, count = MemoryOutcomes(), chain.index.head().next_seq

    def observed_before(seq: Seq) -> ObservedGas:
        known = [(s, o) for s in map(Seq, range(seq)) if (o := store.get(s)) is not None]
        used = sum(observed.outcome.gas_used for _, observed in known)
        limits = sum(index.transaction(s).transaction.gas_limit for s, _ in known)
        return ObservedGas(len(known), Gas(used), Gas(limits))

    for seqs in (random.sample(range(count), random.randrange(count + 1)), range(count)):
        for seq in seqs:
            Selective(Session(index, store)).outcome(Seq(seq))
        least = 0
        for height in range(index.head().height + 1):
            cost = accounting_cost(index, observed_before, Height(height))
            assert cost is not None and cost.height == height
            true = sum(outcome.gas_used for outcome in eager.outcomes[: cost.transactions])
            assert least <= cost.known <= true <= cost.known + cost.unknown_most
            least = cost.known
            if len(seqs) == count:
                assert cost.known == true
    genesis = accounting_cost(index, observed_before, Height(0))
    assert genesis is not None and (genesis.known, genesis.unknown_most) == (0, 0)
    assert accounting_cost(index, observed_before, Height(index.head().height + 1)) is None


@pytest.mark.parametrize(
    ("first", "last", "points", "expected"),
    [
        (0, 9, 4, [0, 3, 6, 9]),
        (5, 5, 9, [5]),
        (0, 100, 2, [0, 100]),
        (3, 8, 1, [8]),
        (0, 2, 50, [0, 1, 2]),
    ],
)
def test_points_of_a_chart(first: int, last: int, points: int, expected: list[int]) -> None:
    """Both ends are among them, none twice, and never more than asked for."""
    assert list(heights_between(Height(first), Height(last), points)) == expected
