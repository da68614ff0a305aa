"""Selective equals eager, on random chains of the library's contracts: honest, careless and hostile use of them."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.execution.eager import EagerWorld
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.needs import BudgetSpent
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.index.position import place_of
from accountant.primitives.types import ADDRESS_BYTES, Address, Gas, Seq
from tests.support.random_library_chain import KINDS, RandomLibraryChain

CHAINS = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
SEEDS = st.integers(0, 2**32)


@pytest.fixture(autouse=True, params=[(1, 0), (512, 4)], ids=["dense checkpoints, waiting runs", "as in service"])
def _limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint_every, runs_most = request.param
    monkeypatch.setattr("accountant.execution.session.CHECKPOINT_EVERY", checkpoint_every)
    monkeypatch.setattr("accountant.execution.selective.RUNS_MOST", runs_most)


def _chain(seed: int) -> RandomLibraryChain:
    chain = RandomLibraryChain(Random(seed))
    chain.grow(12)
    return chain


@CHAINS
@given(SEEDS)
def test_every_outcome_is_the_eager_one_whichever_is_asked_first(seed: int) -> None:
    """Each outcome from a cold cache, and all of them in random order from one that fills."""
    chain = _chain(seed)
    store = MemoryOutcomes()
    numbers = list(range(len(chain.eager.outcomes)))
    chain.random.shuffle(numbers)
    for seq in numbers:
        cold = Selective(Session(chain.index, MemoryOutcomes()))
        assert cold.outcome(Seq(seq)) == chain.eager.outcomes[seq]
        assert len(set(cold.session.executed)) == len(cold.session.executed)
        assert Selective(Session(chain.index, store)).outcome(Seq(seq)) == chain.eager.outcomes[seq]


@CHAINS
@given(SEEDS)
def test_balances_slots_bounds_and_views_are_the_eager_ones(seed: int) -> None:
    """At every position, in any order of asking, with outcomes shared."""
    chain = _chain(seed)
    eager, store = chain.eager, MemoryOutcomes()
    for _ in range(40):
        selective = Selective(Session(chain.index, store))
        before = Seq(chain.random.randrange(len(eager.outcomes)))
        account = chain.random.choice(chain.accounts)
        truth = eager.general_before(account, before)
        walk = selective.interval(account, before)
        assert walk.lower <= truth <= walk.upper
        amount = max(0, truth + chain.random.choice([-1, 0, 1, -100, 100]))
        assert selective.covers(account, amount, before) == (truth >= amount)
        contract, slot = chain.slot()
        assert selective.slot(contract, slot, before) == eager.slot_before(contract, slot, before)
        query = chain.query()
        assert selective.answer(query) == eager.answer(query)
        _check_bound(chain, selective, before)


def _check_bound(chain: RandomLibraryChain, selective: Selective, before: Seq) -> None:
    account = chain.account()
    theta = chain.incomes(account, before)
    located = chain.index.transaction(before)
    place = place_of(located)
    zero = chain.index.zero_balance(Address(account), place.moment) if len(account) == ADDRESS_BYTES else 0
    hashes = tuple(chain.index.transaction(seq).hash for seq in theta)
    lower = EagerWorld(chain.eager, place).lower_bound(account, hashes)
    assert selective.bound(account, tuple(theta), before) + zero == lower
    assert lower <= chain.eager.general_before(account, before) + zero


@CHAINS
@given(SEEDS)
def test_a_budget_changes_no_outcome(seed: int) -> None:
    """With little gas to spend the answer is the eager one, or none; what was learnt on the way is right."""
    chain = _chain(seed)
    store = MemoryOutcomes()
    for seq, expected in enumerate(chain.eager.outcomes):
        budget = Gas(chain.random.randrange(300_000))
        session = Session(chain.index, store, gas_budget=budget)
        with suppress(BudgetSpent):
            assert Selective(session).outcome(Seq(seq)) == expected
        assert session.gas_executed <= budget
    for seq, expected in enumerate(chain.eager.outcomes):
        known = store.get(Seq(seq))
        assert known is None or known.outcome == expected


def test_the_chains_use_every_contract() -> None:
    """In a few chains every contract of the library is called with success, and fails in most ways that there are."""
    seen: set[str] = set()
    for seed in range(40):
        seen.update(_chain(seed).called)
    succeeded = {name.partition(".")[0] for name in seen if name.endswith("succeeded") and ".init" not in name}
    assert succeeded >= set(KINDS)
    failures = {name.partition(": ")[2] for name in seen}
    assert failures >= {"assertion", "cap_exceeded", "insufficient_contract_funds", "insufficient_funds", "no_code"}
    assert failures >= {"no_function", "not_callable", "out_of_gas", "recursion_limit", "undeclared_access"}
