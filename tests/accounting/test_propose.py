"""Θ alone: proposed without executing anything, true where it claims a proof, and worth what it says."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.bound import lower_bound
from accountant.accounting.certificate import Verdict
from accountant.accounting.pay import verify_payment
from accountant.accounting.propose import Member, ProposalStatus, propose, propose_for_amount, propose_for_payment
from accountant.accounting.questions import InvalidQuestion, LowerBoundQuestion, PaymentQuestion
from accountant.chain.block import Position
from accountant.execution.eager import EagerState, execute_everything
from accountant.execution.memory import MemoryOutcomes
from accountant.index.position import position_of
from accountant.primitives.types import ADDRESS_BYTES, AccountId, Seq
from tests.accounting.test_pay import ALICE, BOB, CAROL, VAULT, Ledger
from tests.support.random_chain import Program, RandomChain


@pytest.fixture(autouse=True, params=[1, 32])
def _window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accountant.execution.session.WINDOW", request.param)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.randoms(use_true_random=True))
def test_a_proposal_is_never_wrong(random: Random) -> None:
    """Covered and impossible are what eager says, nothing is executed, and a Θ whose incomes all bring their highest
    amounts shows the balance to whoever is given it.
    """
    chain = RandomChain(random)
    chain.grow(5)
    eager, store = execute_everything(chain.index), MemoryOutcomes()
    for seq in random.sample(range(len(eager.located)), len(eager.located) // 2):
        verify_payment(chain.index, store, PaymentQuestion(eager.located[seq].hash))
    count = len(store.get_many([Seq(seq) for seq in range(len(eager.located))]))
    for _ in range(10):
        account, before = chain.account(), Seq(random.randrange(chain.index.head().next_seq))
        truth = eager.general_before(account, before)
        amount = max(0, truth + random.choice([-20, -1, 0, 1, 20]))
        outcomes = random.choice([store, MemoryOutcomes()])
        found = propose(chain.index, outcomes, account, amount, before)
        assert found.lower <= truth <= found.upper
        if found.status is ProposalStatus.COVERED:
            assert truth >= amount and not found.theta
        elif found.status is ProposalStatus.IMPOSSIBLE:
            assert truth < amount and not found.theta
        elif found.status is ProposalStatus.CHOSEN:
            assert found.choice is not None and found.choice.lower_bound <= found.choice.cost
            assert sum(member.high for member in found.theta) >= amount - found.lower
            if outcomes is not store and all(_brought(eager, chain, member, account) for member in found.theta):
                names = tuple(member.transaction for member in found.theta)
                position = position_of(chain.index, before)
                zero = lower_bound(chain.index, MemoryOutcomes(), LowerBoundQuestion(account, position)).zero_balance
                asked = LowerBoundQuestion(account, position, zero + amount, names)
                assert lower_bound(chain.index, MemoryOutcomes(), asked).verdict is Verdict.ACCEPTED
    assert count == len(store.get_many([Seq(seq) for seq in range(len(eager.located))]))


def _brought(eager: EagerState, chain: RandomChain, member: Member, account: AccountId) -> bool:
    seq = chain.index.seq_of(member.transaction)
    assert seq is not None
    return len(account) == ADDRESS_BYTES and eager.outcomes[seq].credit_of(account) >= member.high


@pytest.fixture
def ledger() -> Ledger:
    """A fresh chain."""
    return Ledger()


def test_alice_chooses_theta_for_her_payment(ledger: Ledger) -> None:
    """The cheapest income, with what it may bring, proved; a merchant who executes that alone accepts."""
    ledger.call(CAROL, _paying(100), gas=900_000)
    cheap = ledger.call(CAROL, _paying(100), gas=90_000)
    payment = ledger.transfer(ALICE, BOB, general=100)
    found = propose_for_payment(ledger.index, ledger.outcomes, payment)
    assert found.status is ProposalStatus.CHOSEN and found.choice is not None
    assert [(member.transaction, member.low, member.high) for member in found.theta] == [(cheap, 0, 100)]
    assert found.choice.proved and found.choice.cost == 90_000
    certificate = ledger.verify(payment, theta=(cheap,))
    assert certificate.verdict is Verdict.ACCEPTED and certificate.executed == (cheap,)
    head = Position(ledger.index.head().hash, 0)
    again = propose_for_amount(ledger.index, ledger.outcomes, ALICE, 100, head)
    assert again.status is not ProposalStatus.IMPOSSIBLE


def test_what_cannot_be_is_said_so(ledger: Ledger) -> None:
    """The upper bound is below the target: proved, with nothing executed."""
    ledger.payout(ALICE, 100)
    head = Position(ledger.index.head().hash, 0)
    found = propose_for_amount(ledger.index, ledger.outcomes, ALICE, 101, head)
    assert (found.status, found.upper, found.theta) == (ProposalStatus.IMPOSSIBLE, 100, ())


def test_what_is_certain_needs_no_theta(ledger: Ledger) -> None:
    """A deposit counts without execution."""
    ledger.transfer(CAROL, VAULT, zero=70)
    head = Position(ledger.index.head().hash, 0)
    found = propose_for_amount(ledger.index, ledger.outcomes, VAULT, 1_070, head)
    assert (found.status, found.theta, found.choice) == (ProposalStatus.COVERED, (), None)


def test_only_an_own_expense_could_show_it(ledger: Ledger) -> None:
    """An expense that may have failed is no income that anyone would name: the question is left open."""
    ledger.payout(ALICE, 100)
    ledger.transfer(ALICE, BOB, general=60)
    head = Position(ledger.index.head().hash, 0)
    found = propose_for_amount(ledger.index, ledger.outcomes, ALICE, 41, head)
    assert found.status is ProposalStatus.OPEN and not found.theta


def test_wrong_questions_are_refused(ledger: Ledger) -> None:
    """Accounts, amounts, positions and transactions that are none."""
    head = Position(ledger.index.head().hash, 0)
    for account, amount, position, kind in (
        (b"x" * 21, 1, head, "invalid_account"),
        (ALICE, -1, head, "invalid_amount"),
        (ALICE, 2**63, head, "invalid_amount"),
        (ALICE, 1, Position(b"\x07" * 32, 0), "unknown_position"),
    ):
        with pytest.raises(InvalidQuestion) as refused:
            propose_for_amount(ledger.index, ledger.outcomes, account, amount, position)
        assert refused.value.kind == kind
    with pytest.raises(InvalidQuestion) as refused:
        propose_for_payment(ledger.index, ledger.outcomes, b"\x01" * 32)
    assert refused.value.kind == "unknown_transaction"


def _paying(units: int) -> Program:
    program = Program()
    program.pay(VAULT, ALICE, units)
    return program
