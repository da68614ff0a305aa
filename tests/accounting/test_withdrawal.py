"""Withdrawal: whatever was computed from a wrong outcome goes with it, and nothing else does."""

from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from accountant.accounting.withdrawal import Dependents, movable_by
from accountant.execution.eager import execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import BalanceInput, Observed, Outcome
from accountant.index.memory import MemoryIndex
from accountant.primitives.types import Seq
from tests.support.corrupted import observe_everything, wrong_from, wrong_ones
from tests.support.index_chain import ANN, BEN, CAT, VAULT, small_genesis, transfer
from tests.support.random_chain import RandomChain

CHAINS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True, params=[1, 512], ids=["dense checkpoints", "as in service"])
def _limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accountant.execution.session.CHECKPOINT_EVERY", request.param)


def dependents_of(index: MemoryIndex, store: MemoryOutcomes, seq: Seq) -> Dependents:
    dependents = Dependents(index.genesis.gas)
    dependents.withdraw(index.transaction(seq))
    for later, observed in store.stored_after(seq):
        if dependents.rests(observed):
            dependents.withdraw(index.transaction(later))
    return dependents


def closure(index: MemoryIndex, store: MemoryOutcomes, seq: Seq) -> set[Seq]:
    """The same by brute force: whatever names a member, or a range that a member's postings lie in, is a member."""
    members, stored = {seq}, dict(store.stored_after(Seq(-1)))
    while True:
        grown = set(members)
        for later, observed in stored.items():
            ranges = [(b.account, b.before) for b in observed.balances]
            moved = any(
                any(event.seq in members for event in index.events(account, Seq(-1), Seq(before)))  # type: ignore[arg-type]
                for account, before in ranges
            )
            if moved or members & set(observed.inputs):
                grown.add(later)
        if grown == members:
            return members
        members = grown


@CHAINS
@given(st.randoms(use_true_random=True))
def test_what_is_asked_again_is_the_eager_outcome(random: Random) -> None:
    """After a wrong outcome that others were computed from is withdrawn, every outcome is what eager execution says."""
    chain = RandomChain(random)
    chain.grow(6)
    eager = execute_everything(chain.index)
    found = wrong_from(random, chain.index, eager)
    assume(found is not None)
    assert found is not None
    seq, store = found
    dependents = dependents_of(chain.index, store, seq)
    assert set(dependents.withdrawn) == closure(chain.index, store, seq)
    assert wrong_ones(store, eager) <= dependents.withdrawn.keys()
    store.withdraw(dependents.withdrawn, dependents.since)
    assert observe_everything(random, chain.index, store) == eager.outcomes


def test_wrong_outcomes_do_propagate() -> None:
    """The property above is about something: in most of these chains other outcomes are wrong too."""
    spread = 0
    for seed in range(30):
        random = Random(seed)
        chain = RandomChain(random)
        chain.grow(6)
        eager = execute_everything(chain.index)
        found = wrong_from(random, chain.index, eager)
        spread += found is not None and len(wrong_ones(found[1], eager)) > 1
    assert spread > 5


def observed(*inputs: int, balances: tuple[tuple[bytes, int], ...] = ()) -> Observed:
    return Observed(Outcome(None, "", 1), inputs, tuple(BalanceInput(*balance) for balance in balances))


def test_ranges_end_where_they_say() -> None:
    """A balance that was consulted right before the wrong transaction, or of somebody else, does not count."""
    index = MemoryIndex(small_genesis())
    index.append_unsigned([(ANN, transfer(nonce, BEN, general=5)) for nonce in range(4)])
    dependents = Dependents(index.genesis.gas)
    dependents.withdraw(index.transaction(Seq(1)))
    assert movable_by(index.transaction(Seq(1)), index.genesis.gas) == {ANN, BEN}
    assert dependents.rests(observed(1))
    assert not dependents.rests(observed(0))
    assert dependents.rests(observed(balances=((ANN, 2),)))
    assert dependents.rests(observed(balances=((CAT, 9), (BEN, 3))))
    assert not dependents.rests(observed(balances=((ANN, 1), (CAT, 9), (VAULT, 9))))
