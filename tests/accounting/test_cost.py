"""Income cost (Definition 3): the paper's Figure 1 to the gas, costs reused, bounds for what nobody executed."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.cost import FREE, GasRange, income_cost
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.primitives.types import AccountId, Gas, Seq
from tests.accounting.test_pay import ALICE, BOB, CAROL, CHECK, DAVE, EVE, VAULT, Ledger
from tests.support.random_chain import Program, RandomChain


@pytest.fixture
def ledger() -> Ledger:
    """A fresh chain."""
    return Ledger()


def _seq(ledger: Ledger, transaction: bytes) -> Seq:
    seq = ledger.index.seq_of(transaction)  # type: ignore[arg-type]
    assert seq is not None
    return seq


def _gas(ledger: Ledger, transaction: bytes) -> int:
    """What executing the one transaction took."""
    observed = ledger.outcomes.get(_seq(ledger, transaction))
    assert observed is not None
    return observed.outcome.gas_used


def _exactly(gas: int) -> GasRange:
    return GasRange(Gas(gas), Gas(gas))


def test_figure_1a_costs_nothing(ledger: Ledger) -> None:
    """tx_ca, a direct transfer out of genesis money, is a zero-cost income of Alice (Lemma 2)."""
    income = ledger.transfer(CAROL, ALICE, zero=100)
    assert income_cost(ledger.index, ledger.outcomes, _seq(ledger, income), ALICE) == FREE


def test_figure_1b_costs_the_contract_call(ledger: Ledger) -> None:
    """C(tx_ya) is the gas of tx_ya: bounded before it was executed, exact ever after."""
    income = ledger.payout(ALICE, 100)
    before = income_cost(ledger.index, ledger.outcomes, _seq(ledger, income), ALICE)
    assert before.cost == before.remaining and before.cost.least < before.cost.most == 1_000_000
    ledger.verify(ledger.transfer(ALICE, BOB, general=100))
    after = income_cost(ledger.index, ledger.outcomes, _seq(ledger, income), ALICE)
    assert after.cost == _exactly(_gas(ledger, income)) and after.remaining == _exactly(0)
    assert before.cost.least <= after.cost.least <= before.cost.most


def test_figure_1c_costs_what_the_payers_income_costs(ledger: Ledger) -> None:
    """C(tx_da) is the gas of tx_yd, and the check of Dave's general money, the only gas that tx_da has itself."""
    source = ledger.payout(DAVE, 100)
    income = ledger.transfer(DAVE, ALICE, general=100)
    ledger.verify(ledger.transfer(ALICE, BOB, general=100))
    after = income_cost(ledger.index, ledger.outcomes, _seq(ledger, income), ALICE)
    assert after.cost == _exactly(_gas(ledger, source) + CHECK) and after.remaining == _exactly(0)


def test_a_shared_ancestor_is_paid_for_once(ledger: Ledger) -> None:
    """After Pay on Dave's first transfer, his second costs as much for a stranger, and only its own check for us."""
    source = ledger.payout(DAVE, 100)
    first, second = ledger.transfer(DAVE, ALICE, general=40), ledger.transfer(DAVE, ALICE, general=40)
    ledger.verify(first)
    found = income_cost(ledger.index, ledger.outcomes, _seq(ledger, second), ALICE)
    assert found.remaining == _exactly(CHECK)
    assert found.cost.least <= _gas(ledger, source) + 2 * CHECK <= found.cost.most
    ledger.verify(second)
    paid = income_cost(ledger.index, ledger.outcomes, _seq(ledger, second), ALICE)
    assert paid.remaining == _exactly(0)
    assert paid.cost.least == paid.cost.most >= _gas(ledger, source) + CHECK


def test_what_is_no_income_costs_nothing(ledger: Ledger) -> None:
    """A transaction that cannot bring an account anything costs nothing to know."""
    assert income_cost(ledger.index, ledger.outcomes, _seq(ledger, ledger.payout(ALICE, 1)), BOB) == FREE


def test_a_hub_is_not_walked_to_its_end(ledger: Ledger) -> None:
    """With few look-ups allowed the bounds stay true, and say that they are open."""
    for _ in range(30):
        program = Program()
        program.write(VAULT, b"a")
        ledger.call(EVE, program)
    reader = Program()
    reader.read(VAULT, b"a")
    reader.pay(VAULT, ALICE, 5)
    income = _seq(ledger, ledger.call(EVE, reader))
    found = income_cost(ledger.index, ledger.outcomes, income, ALICE, look_ups=5)
    assert found.cut_off and found.cost.most == ledger.index.gas_limits(Seq(income + 1))
    Selective(Session(ledger.index, ledger.outcomes)).outcome(income)
    known = income_cost(ledger.index, ledger.outcomes, income, ALICE, look_ups=1)
    assert known.remaining == _exactly(0) and known.cut_off


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=True))
def test_a_cost_is_a_fact_of_the_chain(random: Random) -> None:
    """Whatever is known, the bounds hold the gas of a cold accountant; with everything observed they are that gas."""
    chain = RandomChain(random)
    chain.grow(5)
    store, count = MemoryOutcomes(), chain.index.head().next_seq
    for seq in random.sample(range(count), random.randrange(count + 1)):
        Selective(Session(chain.index, store)).outcome(Seq(seq))
    for seq in map(Seq, range(count)):
        account: AccountId = random.choice([*chain.accounts, chain.index.transaction(seq).sender])
        found = income_cost(chain.index, store, seq, account, random.choice([3, 500, 500]))
        cold, ours = Session(chain.index, MemoryOutcomes()), Session(chain.index, store)
        Selective(cold).outcome(seq)
        Selective(ours).outcome(seq)
        if found != FREE:
            assert found.cost.least <= cold.gas_executed <= found.cost.most
            assert found.remaining.least <= ours.gas_executed <= found.remaining.most
    for seq in map(Seq, range(count)):
        sender = chain.index.transaction(seq).sender
        found, cold = income_cost(chain.index, store, seq, sender), Session(chain.index, MemoryOutcomes())
        Selective(cold).outcome(seq)
        assert found == FREE or found.cost == _exactly(cold.gas_executed)
