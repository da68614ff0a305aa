"""Income of an account from one transaction (Definition 2), said by hand: both executors share that code."""

from accountant.chain.transaction import CallPayload, Transaction, TransactionKind
from accountant.contracts.errors import FailureKind
from accountant.execution.income import income_of
from accountant.execution.outcome import Movement, Outcome
from accountant.index.port import Located
from accountant.primitives.encoding import encode
from accountant.primitives.types import AccountId, Hash, Height, Seq
from tests.support.random_chain import CONTRACTS, USERS

ALICE, BOB, CAROL = USERS[:3]
VAULT = CONTRACTS[0]


def _located(to: bytes, zero: int, general: int, kind: TransactionKind = TransactionKind.TRANSFER) -> Located:
    payload = encode(CallPayload("run", ())) if kind else b""
    transaction = Transaction(1, 7, 0, kind, to, zero, general, 10, 1, 0, payload, (), bytes(65))
    return Located(Seq(0), Hash(bytes(32)), ALICE, Height(1), 0, transaction)


def _incomes(located: Located, outcome: Outcome) -> dict[AccountId, int]:
    return {account: income_of(located, outcome, account) for account in (ALICE, BOB, CAROL, VAULT)}


def test_a_zero_cost_transfer_is_income_of_the_recipient_alone() -> None:
    """To a user it settles at inclusion, to a contract it is in the outcome: once either way. Unused gas returns."""
    refund = (Movement(ALICE, 10),)
    assert _incomes(_located(BOB, 5, 0), Outcome(None, "", 0, credits=refund)) == {
        ALICE: 10,
        BOB: 5,
        CAROL: 0,
        VAULT: 0,
    }
    both = (Movement(ALICE, 10), Movement(VAULT, 5))
    assert _incomes(_located(VAULT, 5, 0), Outcome(None, "", 0, credits=both)) == {
        ALICE: 10,
        BOB: 0,
        CAROL: 0,
        VAULT: 5,
    }


def test_a_transfer_with_general_money_is_what_the_outcome_says() -> None:
    """Its zero-cost part does not settle at inclusion, so it is not counted twice."""
    outcome = Outcome(None, "", 3, credits=(Movement(BOB, 12),))
    assert _incomes(_located(BOB, 5, 7), outcome) == {ALICE: 0, BOB: 12, CAROL: 0, VAULT: 0}


def test_an_expense_that_failed_for_want_of_money_is_income_of_its_value() -> None:
    """It was counted as an expense and never left; nobody else gains, and another failure returns it in the outcome."""
    unfunded = Outcome(FailureKind.INSUFFICIENT_FUNDS, "", 3, credits=(Movement(ALICE, 5),))
    assert _incomes(_located(BOB, 5, 7), unfunded) == {ALICE: 12, BOB: 0, CAROL: 0, VAULT: 0}
    failed = Outcome(FailureKind.TRAP, "", 3, credits=(Movement(ALICE, 12),))
    call = _located(VAULT, 5, 7, TransactionKind.CALL)
    assert _incomes(call, failed) == {ALICE: 12, BOB: 0, CAROL: 0, VAULT: 0}
