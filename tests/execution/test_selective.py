"""Selective equals eager: the law of the project, on random and hostile chains."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.income import settles_at_inclusion
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.needs import BudgetSpent
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.primitives.types import AccountId, Gas, Seq
from tests.support.index_chain import UnfoldedIndex
from tests.support.random_chain import SLOTS, RandomChain

CHAINS = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(
    autouse=True,
    params=[(1, 0, 1, 2), (3, 0, 3, 512), (512, 4, 32, 512)],
    ids=["dense checkpoints, waiting runs, windows of one", "windows of three", "as in service"],
)
def _limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint_every, runs_most, window, small = request.param
    monkeypatch.setattr("accountant.execution.session.CHECKPOINT_EVERY", checkpoint_every)
    monkeypatch.setattr("accountant.execution.session.WINDOW", window)
    monkeypatch.setattr("accountant.execution.selective.RUNS_MOST", runs_most)
    monkeypatch.setattr("accountant.execution.narrowing.SMALL", small)
    monkeypatch.setattr("accountant.execution.choice.SMALL", small)


def _chain(random: Random) -> tuple[RandomChain, EagerState]:
    """A chain whose index was folded, or knows no static interval."""
    chain = RandomChain(random)
    if random.random() < 0.25:
        chain.index = UnfoldedIndex(chain.genesis)
    chain.grow(6)
    return chain, execute_everything(chain.index)


@CHAINS
@given(st.randoms(use_true_random=True))
def test_every_outcome_is_the_eager_one_from_a_cold_cache(random: Random) -> None:
    """Whichever transaction is asked for first, its outcome is what executing everything says."""
    chain, eager = _chain(random)
    for seq, expected in enumerate(eager.outcomes):
        selective = Selective(Session(chain.index, MemoryOutcomes()))
        assert selective.outcome(Seq(seq)) == expected
        executed = selective.session.executed
        assert len(set(executed)) == len(executed)
        assert all(earlier <= seq for earlier in executed)


@CHAINS
@given(st.randoms(use_true_random=True))
def test_every_observable_is_the_eager_one_from_a_warm_cache(random: Random) -> None:
    """Balances, intervals and slots agree at every position, in any order of asking, with a shared store."""
    chain, eager = _chain(random)
    store = MemoryOutcomes()
    count = len(eager.outcomes)
    accounts = chain.accounts
    for _ in range(25):
        selective = Selective(Session(chain.index, store))
        before = Seq(random.randrange(count + 1))
        account = random.choice(accounts)
        truth = eager.general_before(account, before)
        walk = selective.interval(account, before)
        assert walk.lower <= truth <= walk.upper
        amount = max(0, truth + random.choice([-1, 0, 1, -50, 50]))
        assert selective.covers(account, amount, before) == (truth >= amount)
        walk = selective.interval(account, before)
        assert walk.lower <= truth <= walk.upper
        contract, slot = random.choice(chain.contracts), random.choice(SLOTS)
        assert selective.slot(contract, slot, before) == eager.slot_before(contract, slot, before)
        query = chain.query()
        assert selective.answer(query) == eager.answer(query)
    for seq, expected in enumerate(eager.outcomes):
        assert Selective(Session(chain.index, store)).outcome(Seq(seq)) == expected


@CHAINS
@given(st.randoms(use_true_random=True))
def test_a_budget_changes_no_outcome(random: Random) -> None:
    """With a budget the answer is the eager one or none; what was learnt is right; more budget ends it."""
    chain, eager = _chain(random)
    store = MemoryOutcomes()
    for seq, expected in enumerate(eager.outcomes):
        for budget in (0, random.randrange(200_000), 10**12):
            session = Session(chain.index, store, gas_budget=Gas(budget))
            try:
                assert Selective(session).outcome(Seq(seq)) == expected
            except BudgetSpent:
                assert budget < 10**12
            assert session.gas_executed <= budget
    for seq, expected in enumerate(eager.outcomes):
        known = store.get(Seq(seq))
        assert known is None or known.outcome == expected


@CHAINS
@given(st.randoms(use_true_random=True))
def test_money_is_conserved(random: Random) -> None:
    """What leaves Z for G, less gas used and burnt, is what general balances hold in the end."""
    chain, eager = _chain(random)
    count = Seq(len(eager.outcomes))
    accounts: set[AccountId] = set(chain.accounts)
    held = sum(eager.general_before(account, count) for account in accounts)
    began = sum(contract.general_balance for contract in chain.genesis.contracts)
    entered = 0
    for located, outcome in zip(eager.located, eager.outcomes, strict=True):
        transaction = located.transaction
        entered += (transaction.gas_limit - outcome.gas_used) * transaction.gas_price
        if not settles_at_inclusion(located):
            entered += transaction.zero_value
    assert held == began + entered
