"""Algorithm 4 (Pay), the paper's Figure 1, and questions that are refused."""

import pytest

from accountant.accounting.bound import check_lower_bound, lower_bound
from accountant.accounting.certificate import Certificate, UndecidedReason, Verdict
from accountant.accounting.pay import check_payment, verify_payment
from accountant.accounting.questions import InvalidQuestion, LowerBoundQuestion, PaymentQuestion
from accountant.chain.block import Position
from accountant.chain.footprint import Credit, Debit
from accountant.chain.genesis import GasSchedule, Genesis, GenesisAccount, GenesisContract
from accountant.chain.transaction import CallPayload, Transaction, TransactionKind
from accountant.contracts.engine import ENGINE
from accountant.execution.memory import MemoryOutcomes
from accountant.index.memory import MemoryIndex
from accountant.primitives.encoding import encode
from accountant.primitives.types import Address, Seq
from tests.support.random_chain import CONTRACTS, USERS, Program, footprint_of, script_code, script_envelope

CAROL, DAVE, ALICE, BOB, EVE = USERS
VAULT, OTHER = CONTRACTS[0], CONTRACTS[1]
CHECK = 3


class Ledger:
    """A chain built transaction by transaction, one a block."""

    def __init__(self) -> None:
        contracts = tuple(
            GenesisContract(contract, CAROL, script_code(), script_envelope(False), 1_000)
            for contract in (VAULT, OTHER)
        )
        accounts = tuple(GenesisAccount(user, 1_000_000) for user in USERS)
        genesis = Genesis(7, 0, ENGINE, (CAROL,), accounts, contracts, gas=GasSchedule(general_check=CHECK))
        self.index = MemoryIndex(genesis)
        self.outcomes = MemoryOutcomes()
        self._nonce = 0

    def _add(self, sender: Address, kind: int, to: bytes, zero: int, general: int, gas: int, payload: bytes = b"",
             program: Program | None = None) -> bytes:  # fmt: skip
        footprint = footprint_of(program.entries) if program else ()
        transaction = Transaction(
            1, 7, self._nonce, TransactionKind(kind), to, zero, general, gas, 0, 0, payload, footprint, bytes(65)
        )
        self._nonce += 1
        return self.index.append_unsigned([(sender, transaction)]).transactions[0].hash

    def transfer(self, sender: Address, to: bytes, zero: int = 0, general: int = 0) -> bytes:
        """A transfer's hash."""
        return self._add(sender, 0, to, zero, general, CHECK if general else 0)

    def call(self, sender: Address, program: Program, gas: int = 1_000_000, zero: int = 0, general: int = 0) -> bytes:
        """The hash of a call of the vault."""
        payload = encode(CallPayload("run", (program.code,)))
        return self._add(sender, 1, VAULT, zero, general, gas, payload, program)

    def payout(self, to: Address, units: int, sender: Address = CAROL) -> bytes:
        """A call that makes the vault pay."""
        program = Program()
        program.pay(VAULT, to, units)
        return self.call(sender, program)

    def verify(
        self, transaction: bytes, theta: tuple[bytes, ...] | None = None, budget: int | None = None
    ) -> Certificate:
        """Pay, with the ledger's own store of outcomes."""
        return verify_payment(self.index, self.outcomes, PaymentQuestion(transaction, theta, budget))


@pytest.fixture
def ledger() -> Ledger:
    """A fresh chain."""
    return Ledger()


def test_figure_1a_a_direct_transfer_of_zero_cost_money(ledger: Ledger) -> None:
    """Carol pays Alice out of genesis money: settled at inclusion, nothing is executed."""
    certificate = ledger.verify(ledger.transfer(CAROL, ALICE, zero=100))
    assert certificate.verdict is Verdict.ACCEPTED
    assert certificate.gas_executed == 0 and certificate.executed == ()


def test_figure_1b_income_from_a_contract(ledger: Ledger) -> None:
    """Alice spends what a contract paid her: the contract call is executed, and nothing else."""
    income = ledger.payout(ALICE, 100)
    ledger.payout(BOB, 100)
    certificate = ledger.verify(ledger.transfer(ALICE, BOB, general=100))
    assert certificate.verdict is Verdict.ACCEPTED
    assert certificate.executed == (income,)
    assert [(i.transaction, i.units) for i in certificate.theta] == [(income, 100)]


def test_figure_1c_income_from_a_payer_with_costly_money(ledger: Ledger) -> None:
    """Dave's transfer to Alice costs what Dave's own income costs; the transfer itself runs no code."""
    source = ledger.payout(DAVE, 100)
    middle = ledger.transfer(DAVE, ALICE, general=100)
    certificate = ledger.verify(ledger.transfer(ALICE, BOB, general=100))
    assert certificate.verdict is Verdict.ACCEPTED
    assert certificate.executed == (source,)
    assert [(i.transaction, i.units) for i in certificate.theta] == [(middle, 100)]
    known = ledger.outcomes.get(Seq(0))
    assert known is not None
    assert certificate.theta[0].gas == known.outcome.gas_used + CHECK


def test_a_double_spend_is_decided_by_order(ledger: Ledger) -> None:
    """The same money twice: the first payment settled, the second is proved not to have."""
    ledger.payout(ALICE, 100)
    first, second = ledger.transfer(ALICE, BOB, general=100), ledger.transfer(ALICE, DAVE, general=100)
    assert ledger.verify(second).verdict is Verdict.REJECTED
    assert ledger.verify(first).verdict is Verdict.ACCEPTED


def test_the_second_question_executes_nothing(ledger: Ledger) -> None:
    """What was observed once is known for ever."""
    ledger.payout(ALICE, 100)
    payment = ledger.transfer(ALICE, BOB, general=60)
    assert ledger.verify(payment).gas_executed > 0
    again = ledger.verify(payment)
    assert again.verdict is Verdict.ACCEPTED
    assert again.gas_executed == 0 and again.cache_hits > 0


def test_targeted_exec_dos_costs_the_victim_nothing(ledger: Ledger) -> None:
    """Algorithm 3: dear payouts of nothing to Alice are not executed to show that she can pay."""
    income = ledger.payout(ALICE, 100)
    for _ in range(20):
        attack = Program()
        attack.code += b"\x08\xff\xff"
        attack.pay(VAULT, ALICE, 1)
        ledger.call(EVE, attack, gas=1_900_000)
    certificate = ledger.verify(ledger.transfer(ALICE, BOB, general=100))
    assert certificate.verdict is Verdict.ACCEPTED
    assert certificate.executed == (income,)


def test_only_theta_is_executed_and_only_while_needed(ledger: Ledger) -> None:
    """With Θ = (a, b, c) and enough in a and b, c is left alone, and so is everything outside Θ."""
    ledger.payout(ALICE, 500)
    a, b, c = (ledger.payout(ALICE, 50) for _ in range(3))
    certificate = ledger.verify(ledger.transfer(ALICE, BOB, general=100), theta=(a, b, c))
    assert certificate.verdict is Verdict.ACCEPTED
    assert certificate.executed == (a, b)


def test_a_theta_that_does_not_show_it(ledger: Ledger) -> None:
    """Algorithm 4, line 7: this Θ is refused, which proves nothing about the payment."""
    ledger.payout(ALICE, 500)
    small = ledger.payout(ALICE, 50)
    payment = ledger.transfer(ALICE, BOB, general=100)
    certificate = ledger.verify(payment, theta=(small,))
    assert certificate.verdict is Verdict.UNDECIDED
    assert certificate.reason is UndecidedReason.THETA_INSUFFICIENT
    assert certificate.query is None and certificate.answer is None
    assert ledger.verify(payment).verdict is Verdict.ACCEPTED


def test_a_spent_budget_says_what_is_missing(ledger: Ledger) -> None:
    """With too little gas the answer is undecided, names the transaction and its price, and keeps what was learnt."""
    income = ledger.payout(ALICE, 100)
    payment = ledger.transfer(ALICE, BOB, general=100)
    certificate = ledger.verify(payment, budget=10)
    assert certificate.reason is UndecidedReason.BUDGET_SPENT
    assert [(m.transaction, m.gas_most) for m in certificate.missing] == [(income, 1_000_000)]
    assert ledger.verify(payment, budget=1_000_000).verdict is Verdict.ACCEPTED


def test_a_call_that_fails_did_not_settle(ledger: Ledger) -> None:
    """A payment that runs code settles only if the code succeeds."""
    failing = Program()
    failing.code += b"\x09"
    assert ledger.verify(ledger.call(ALICE, failing, zero=5)).verdict is Verdict.REJECTED


def test_a_bound_without_target_executes_nothing(ledger: Ledger) -> None:
    """What is known already: the zero-cost balance; with a target the income is looked for."""
    ledger.payout(ALICE, 100)
    head = Position(ledger.index.head().hash, 0)
    free = lower_bound(ledger.index, ledger.outcomes, LowerBoundQuestion(ALICE, head))
    assert (free.zero_balance, free.lower, free.upper, free.gas_executed) == (1_000_000, 0, 100, 0)
    asked = lower_bound(ledger.index, ledger.outcomes, LowerBoundQuestion(ALICE, head, target=1_000_100))
    assert asked.verdict is Verdict.ACCEPTED and asked.lower == 100
    refused = lower_bound(ledger.index, ledger.outcomes, LowerBoundQuestion(ALICE, head, target=1_000_101))
    assert refused.verdict is Verdict.REJECTED


def test_a_contracts_deposits_count_without_execution(ledger: Ledger) -> None:
    """Zero-cost transfers to a contract raise its bound at once; declared caps lower it until they are executed."""
    ledger.transfer(CAROL, OTHER, zero=70)
    head = Position(ledger.index.head().hash, 0)
    assert lower_bound(ledger.index, ledger.outcomes, LowerBoundQuestion(OTHER, head)).lower == 1_070
    ledger.payout(ALICE, 400)
    head = Position(ledger.index.head().hash, 0)
    certificate = lower_bound(ledger.index, ledger.outcomes, LowerBoundQuestion(VAULT, head))
    assert (certificate.lower, certificate.upper, certificate.gas_executed) == (600, 1_000, 0)


@pytest.mark.parametrize(
    ("kind", "theta"),
    [
        ("unknown_income", lambda a, b, p: (b"\x01" * 32,)),
        ("duplicate_income", lambda a, b, p: (a, a)),
        ("foreign_income", lambda a, b, p: (b,)),
        ("income_not_before", lambda a, b, p: (p,)),
        ("theta_too_large", lambda a, b, p: tuple(bytes([i // 256, i % 256]) * 16 for i in range(1_001))),
    ],
)
def test_a_wrong_theta_is_refused(ledger: Ledger, kind: str, theta: object) -> None:
    """Each way of being wrong has its own kind; nothing is executed."""
    alices, bobs = ledger.payout(ALICE, 50), ledger.payout(BOB, 50)
    payment = ledger.transfer(ALICE, BOB, general=50)
    members = theta(alices, bobs, payment)  # type: ignore[operator]
    with pytest.raises(InvalidQuestion) as refused:
        check_payment(ledger.index, PaymentQuestion(payment, members))
    assert refused.value.kind == kind


@pytest.mark.parametrize(
    ("kind", "question"),
    [
        ("invalid_account", LowerBoundQuestion(b"x" * 21, Position(bytes(32), 0))),
        ("invalid_amount", LowerBoundQuestion(ALICE, Position(bytes(32), 0), target=-1)),
        ("invalid_amount", LowerBoundQuestion(ALICE, Position(bytes(32), 0), target=2**63)),
        ("unknown_position", LowerBoundQuestion(ALICE, Position(b"\x07" * 32, 0))),
    ],
)
def test_a_wrong_bound_question_is_refused(ledger: Ledger, kind: str, question: LowerBoundQuestion) -> None:
    """Accounts, amounts and positions are checked before anything else."""
    with pytest.raises(InvalidQuestion) as refused:
        check_lower_bound(ledger.index, question)
    assert refused.value.kind == kind


def test_positions_past_the_end_and_budgets_below_zero(ledger: Ledger) -> None:
    """The end of the head is a position, one further is none; a budget is not negative."""
    ledger.payout(ALICE, 50)
    head = ledger.index.head().hash
    check_lower_bound(ledger.index, LowerBoundQuestion(ALICE, Position(head, 0)))
    for question, kind in (
        (LowerBoundQuestion(ALICE, Position(head, 1)), "unknown_position"),
        (LowerBoundQuestion(ALICE, Position(head, 0), gas_budget=-1), "invalid_budget"),
    ):
        with pytest.raises(InvalidQuestion) as refused:
            check_lower_bound(ledger.index, question)
        assert refused.value.kind == kind


def test_an_unknown_transaction_is_refused(ledger: Ledger) -> None:
    """There is no payment to verify."""
    with pytest.raises(InvalidQuestion) as refused:
        check_payment(ledger.index, PaymentQuestion(b"\x01" * 32))
    assert refused.value.kind == "unknown_transaction"


def test_phantom_caps_count_for_no_more_than_there_is(ledger: Ledger) -> None:
    """Strangers' caps of 2^62 on Alice's income add up past 2^64; U is what all general money is at most."""
    for _ in range(5):
        phantom = Program()
        phantom.entries += [Debit(VAULT, 2**62), Credit(ALICE)]
        ledger.call(EVE, phantom, gas=2**53)
    payment = ledger.transfer(ALICE, BOB, general=100)
    certificate = ledger.verify(payment, budget=0)
    assert certificate.verdict is Verdict.UNDECIDED
    supply = sum(contract.general_balance for contract in ledger.index.genesis.contracts)
    assert certificate.lower == 0 and certificate.upper == supply
    assert len(encode(certificate)) > 0


def test_what_was_found_before_the_budget_ended_may_decide(ledger: Ledger) -> None:
    """The budget does not reach the dear income of Θ, but what that one reads was written by a cheap one."""
    cheap, dear = Program(), Program()
    cheap.write(VAULT, b"a")
    cheap.pay(VAULT, ALICE, 5)
    dear.read(VAULT, b"a")
    dear.code += b"\x08\xff\xff"
    dear.pay(VAULT, ALICE, 100)
    executed = ledger.call(DAVE, cheap)
    income = ledger.call(DAVE, dear)
    certificate = ledger.verify(ledger.transfer(ALICE, BOB, general=5), theta=(income,), budget=60_000)
    assert certificate.verdict is Verdict.ACCEPTED
    assert certificate.executed == (executed,)


def test_what_the_intervals_decide_needs_no_gas(ledger: Ledger) -> None:
    """Nobody ever paid Alice or Dave: neither a transfer nor a call of theirs is executed to be refused."""
    unfunded = ledger.transfer(ALICE, BOB, general=5)
    certificate = ledger.verify(unfunded, budget=0)
    assert certificate.verdict is Verdict.REJECTED and certificate.reason is None and not certificate.missing
    failing = ledger.call(DAVE, Program(), general=5)
    assert ledger.verify(failing, budget=0).verdict is Verdict.REJECTED


def test_own_doubtful_expenses_come_last(ledger: Ledger) -> None:
    """An own expense that may have failed looks like a free income, and would drag in what its funding rests on."""
    phantom = Program()
    phantom.entries += [Debit(VAULT, 100), Credit(ALICE)]
    ledger.call(EVE, phantom, gas=1_900_000)
    ledger.transfer(ALICE, DAVE, general=60)
    income = ledger.payout(ALICE, 100)
    certificate = ledger.verify(ledger.transfer(ALICE, BOB, general=100))
    assert certificate.verdict is Verdict.ACCEPTED
    assert certificate.executed == (income,)
