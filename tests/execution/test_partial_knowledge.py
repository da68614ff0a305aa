"""Whatever part of the past is known, and whoever else is finding out: no bound and no answer is wrong."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from accountant.accounting.certificate import UndecidedReason, Verdict
from accountant.accounting.funding import Funding, fund, narrow
from accountant.chain.rows import RowKind, rows_of
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.income import income_of
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.outcome import Observed
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.execution.transition import runs_code
from accountant.primitives.types import AccountId, Gas, Seq
from tests.support.index_chain import UnfoldedIndex
from tests.support.random_chain import SLOTS, RandomChain

CHAINS = settings(max_examples=60, deadline=None)


def _chain(random: Random) -> tuple[RandomChain, EagerState]:
    """A chain whose index was folded, or knows no static interval."""
    chain = RandomChain(random)
    if random.random() < 0.25:
        chain.index = UnfoldedIndex(chain.genesis)
    chain.grow(6)
    return chain, execute_everything(chain.index)


def _some_known(random: Random, eager: EagerState) -> MemoryOutcomes:
    """A store that holds a random part of all outcomes."""
    store = MemoryOutcomes()
    share = random.choice([0.1, 0.5, 0.9])
    for seq, outcome in enumerate(eager.outcomes):
        if outcome.gas_used and random.random() < share:
            store.put(Seq(seq), Observed(outcome, ()))
    return store


def _session(random: Random, chain: RandomChain, store: MemoryOutcomes, budget: int | None = None) -> Session:
    session = Session(chain.index, store, gas_budget=None if budget is None else Gas(budget))
    session.checkpoint_every = random.choice([1, 2, 5, session.checkpoint_every])
    session.window = random.choice([1, 2, 5, session.window])
    return session


@CHAINS
@given(st.randoms(use_true_random=True))
def test_the_truth_is_inside_at_every_position(random: Random) -> None:
    """L ≤ G ≤ U for users and contracts, at all positions in any order, as more and more becomes known."""
    chain, eager = _chain(random)
    store = _some_known(random, eager)
    selective = Selective(_session(random, chain, store))
    positions = [(account, Seq(at)) for account in chain.accounts for at in range(len(eager.outcomes) + 1)]
    random.shuffle(positions)
    for account, before in positions:
        if random.random() < 0.02 and eager.outcomes:
            selective.outcome(Seq(random.randrange(len(eager.outcomes))))
        truth = eager.general_before(account, before)
        glance = selective.glance(account, before)
        assert glance.lower <= truth <= glance.upper
        window = selective.session.walk(account, before, random.choice([1, 2, 3, 7]))
        assert window.lower <= truth <= window.upper
        assert not window.whole or window.unknown or window.lower == window.upper
        walk = selective.interval(account, before)
        assert glance.lower <= walk.lower <= truth <= walk.upper <= glance.upper or walk.lower <= truth <= walk.upper
        assert walk.unknown or walk.lower == walk.upper == truth


@CHAINS
@given(st.randoms(use_true_random=True))
def test_the_bound_under_theta_is_the_eager_definition(random: Random) -> None:
    """Lemma 1 under Θ, spelt out: each earlier posting at its worst unless it is in Θ. What else is known is not used.

    The truth is not below it.
    """
    chain, eager = _chain(random)
    store = _some_known(random, eager)
    for _ in range(20):
        account = random.choice(chain.accounts)
        before = Seq(random.randrange(len(eager.outcomes) + 1))
        theta = tuple(Seq(seq) for seq in range(before) if random.random() < 0.3)
        selective = Selective(_session(random, chain, random.choice([store, MemoryOutcomes()])))
        lower = eager.genesis.general(account)
        for seq in range(before):
            located, outcome = eager.located[seq], eager.outcomes[seq]
            rows = rows_of(located.transaction, located.sender, chain.genesis.gas)
            caps = {row.kind: row.cap for row in rows if row.key == b"g" + account}
            if seq in theta:
                paid = caps.get(RowKind.EXPENSE, 0) if outcome.funded else 0
                lower = max(0, max(0, lower - paid) + outcome.credit_of(account) - outcome.debit_of(account))
            else:
                worst = caps.get(RowKind.EXPENSE, 0) + caps.get(RowKind.DEBIT, 0)
                lower = max(0, lower + caps.get(RowKind.SETTLED, 0) - worst)
        assert selective.bound(account, theta, before) == lower <= eager.general_before(account, before)


def _check(funding: Funding, truth: int, amount: int) -> None:
    assert funding.walk.lower <= truth <= funding.walk.upper
    if funding.verdict is Verdict.ACCEPTED:
        assert truth >= amount
    elif funding.verdict is Verdict.REJECTED:
        assert truth < amount


@CHAINS
@given(st.randoms(use_true_random=True))
def test_funding_is_never_wrong(random: Random) -> None:
    """With any Θ, budget and knowledge; the incomes are what they are said to be; without Θ and budget it decides."""
    chain, eager = _chain(random)
    for _ in range(20):
        account = random.choice(chain.accounts)
        before = Seq(random.randrange(len(eager.outcomes) + 1))
        events = chain.index.events(account, Seq(-1), before)
        members = list(dict.fromkeys(event.seq for event in events))
        theta = tuple(random.sample(members, random.randrange(len(members) + 1))) if random.random() < 0.6 else None
        budget = random.choice([None, None, 0, 3, 20_000, 300_000])
        store = random.choice([_some_known(random, eager), MemoryOutcomes()])
        selective = Selective(_session(random, chain, store, budget))
        truth = eager.general_before(account, before)
        if random.random() < 0.2:
            funding = narrow(selective, account, before, theta)
            _check(funding, truth, 0)
            assert theta is not None or budget is None or funding.missing or funding.walk.lower == truth
        else:
            amount = max(0, truth + random.choice([-200, -1, 0, 1, 200]))
            funding = fund(selective, account, amount, before, theta)
            _check(funding, truth, amount)
            assert (funding.verdict is Verdict.UNDECIDED) == (funding.reason is not None)
            assert funding.reason is not UndecidedReason.THETA_INSUFFICIENT or theta is not None
            assert (funding.reason is UndecidedReason.BUDGET_SPENT) == bool(funding.missing)
            assert funding.verdict is not Verdict.UNDECIDED or theta is not None or budget is not None
        assert budget is None or selective.session.gas_executed <= budget
        for income in funding.incomes:
            seq = chain.index.seq_of(income.transaction)  # type: ignore[arg-type]
            assert seq is not None and (theta is None or seq in theta)
            assert income.units == income_of(eager.located[seq], eager.outcomes[seq], account)
        assert sum(income.gas for income in funding.incomes) <= selective.session.gas_executed


def _ask(chain: RandomChain, eager: EagerState, store: MemoryOutcomes, seed: int) -> int:
    """Right answers; the gas that this work counts as executed."""
    random = Random(seed)
    selective = Selective(_session(random, chain, store))
    for _ in range(12):
        seq = Seq(random.randrange(len(eager.outcomes)))
        assert selective.outcome(seq) == eager.outcomes[seq]
        account: AccountId = random.choice(chain.accounts)
        truth = eager.general_before(account, seq)
        assert not selective.covers(account, truth + 1, seq)
        assert selective.covers(account, truth, seq)
        contract, slot = random.choice(chain.contracts), random.choice(SLOTS)
        assert selective.slot(contract, slot, seq) == eager.slot_before(contract, slot, seq)
    return selective.session.gas_executed


@CHAINS
@given(st.randoms(use_true_random=True))
def test_sessions_in_threads_share_a_store(random: Random) -> None:
    """Four at once over one store: all answers are right, no call is executed twice, and no gas counts twice."""
    chain, eager = _chain(random)
    if not eager.outcomes:
        return
    store = MemoryOutcomes()
    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(_ask, chain, eager, store, random.randrange(2**32)) for _ in range(4)]
        gas = sum(one.result() for one in asking)
    assert gas == sum(observed.outcome.gas_used for _, observed in store.stored_after(Seq(-1)))
    for located in eager.located:
        if runs_code(located):
            funded_later = located.transaction.general_value > 0
            assert store.executions(located.seq) <= (4 if funded_later else 1)
