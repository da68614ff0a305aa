"""Income and expense exactly as Definitions 1 and 2 say, listed with amounts and costs."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accountant.accounting.cost import GasRange
from accountant.accounting.incomes import IncomeFilter, IncomeItem, IncomeKind, list_incomes, worth_it
from accountant.chain.footprint import Credit
from accountant.chain.transaction import Transaction, TransactionKind
from accountant.execution.eager import execute_everything
from accountant.execution.income import income_of, settles_at_inclusion
from accountant.execution.memory import MemoryOutcomes
from accountant.execution.selective import Selective
from accountant.execution.session import Session
from accountant.primitives.types import AccountId, Gas, Seq
from tests.accounting.test_pay import ALICE, BOB, CAROL, EVE, OTHER, VAULT, Ledger
from tests.support.random_chain import Program, RandomChain

EVERYTHING = IncomeFilter()


@pytest.fixture
def ledger() -> Ledger:
    """A fresh chain."""
    return Ledger()


def _incomes(ledger: Ledger, account: AccountId, wanted: IncomeFilter = EVERYTHING) -> list[IncomeItem]:
    window = (Seq(-1), ledger.index.head().next_seq)
    page = list_incomes(ledger.index, ledger.outcomes, account, window, wanted, 50)
    assert page.next_before is None
    return page.items


def _observe(ledger: Ledger) -> None:
    selective = Selective(Session(ledger.index, ledger.outcomes))
    for seq in range(ledger.index.head().next_seq):
        selective.outcome(Seq(seq))


def _transfer(ledger: Ledger, gas_limit: int, gas_price: int, zero: int, general: int = 0) -> bytes:
    """Alice's transfer to Bob with gas to spare."""
    transaction = Transaction(
        1, 7, 99, TransactionKind.TRANSFER, BOB, zero, general, gas_limit, gas_price, 0, b"", (), bytes(65)
    )
    return ledger.index.append_unsigned([(ALICE, transaction)]).transactions[0].hash


def test_a_transaction_is_income_and_expense(ledger: Ledger) -> None:
    """Alice sends the vault 30 with a call that pays her 50: an expense of 30 and an income of 50 (Section II-B)."""
    ledger.payout(ALICE, 100)
    both = Program()
    both.pay(VAULT, ALICE, 50)
    ledger.call(ALICE, both, general=30)
    (candidate, _) = _incomes(ledger, ALICE)
    assert (candidate.kind, candidate.low, candidate.high, candidate.expense) == (IncomeKind.OWN, 0, 50, 30)
    _observe(ledger)
    (own, payout) = _incomes(ledger, ALICE)
    assert (own.low, own.high, own.expense) == (50, 50, 30)
    assert (payout.kind, payout.low, payout.high, payout.expense) == (IncomeKind.GENERAL, 100, 100, 0)


def test_value_returned_by_a_rolled_back_transaction(ledger: Ledger) -> None:
    """A call that fails brings back what it carried, zero-cost and general money alike, as general income."""
    ledger.payout(ALICE, 100)
    failing = Program()
    failing.code += b"\x09"
    ledger.call(ALICE, failing, zero=20, general=30)
    _observe(ledger)
    own = _incomes(ledger, ALICE)[0]
    assert (own.kind, own.low, own.high, own.expense) == (IncomeKind.OWN, 50, 50, 30)


def test_unused_gas_comes_back(ledger: Ledger) -> None:
    """What a transfer does not use of its gas limit is general income of its sender, known without execution."""
    _transfer(ledger, gas_limit=1_000, gas_price=7, zero=5)
    (own,) = _incomes(ledger, ALICE)
    assert (own.kind, own.low, own.high, own.expense) == (IncomeKind.OWN, 7_000, 7_000, 0)
    assert own.cost.cost == GasRange(Gas(0), Gas(0)) and own.worth is True
    (arrived,) = _incomes(ledger, BOB)
    assert (arrived.kind, arrived.low, arrived.high) == (IncomeKind.ZERO_COST, 5, 5)


def test_a_payout_from_a_contract_that_the_account_did_not_call(ledger: Ledger) -> None:
    """Eve calls the vault, which pays Bob and only may pay Carol: Bob has an income, Carol one of nothing."""
    program = Program()
    program.pay(VAULT, BOB, 40)
    program.entries.append(Credit(CAROL))
    ledger.call(EVE, program)
    (candidate,) = _incomes(ledger, BOB)
    assert (candidate.kind, candidate.low, candidate.high) == (IncomeKind.GENERAL, 0, 40)
    _observe(ledger)
    assert [(item.low, item.high) for item in _incomes(ledger, BOB)] == [(40, 40)]
    assert [(item.low, item.high) for item in _incomes(ledger, CAROL)] == [(0, 0)]


def test_a_failed_expense_is_income_of_its_full_value(ledger: Ledger) -> None:
    """An expense of 70 that Alice never had counts as income of 70 (DESIGN section 4), and its zero-cost part too."""
    _transfer(ledger, gas_limit=3, gas_price=0, zero=8, general=70)
    (candidate,) = _incomes(ledger, ALICE)
    assert (candidate.low, candidate.high, candidate.expense) == (0, 78, 70)
    _observe(ledger)
    (own,) = _incomes(ledger, ALICE)
    assert (own.low, own.high, own.expense) == (78, 78, 70)


def test_a_deposit_is_a_contracts_income(ledger: Ledger) -> None:
    """A zero-cost transfer to a contract is general money of the contract at once, at no cost."""
    ledger.transfer(CAROL, OTHER, zero=70)
    (deposit,) = _incomes(ledger, OTHER)
    assert (deposit.kind, deposit.low, deposit.high, deposit.worth) == (IncomeKind.DEPOSIT, 70, 70, True)


def test_an_income_that_costs_more_than_it_brings(ledger: Ledger) -> None:
    """Section II-E: at one unit for a unit of gas the payout is worthless, at none it is worth taking."""
    ledger.payout(ALICE, 100)
    assert [item.worth for item in _incomes(ledger, ALICE)] == [True], "the transaction's own gas price is 0"
    assert [item.worth for item in _incomes(ledger, ALICE, EVERYTHING._replace(gas_price=1))] == [False]
    _observe(ledger)
    (known,) = _incomes(ledger, ALICE, EVERYTHING._replace(gas_price=1))
    assert known.worth is False and known.cost.cost.least > 100 and known.gas_price == 1


@pytest.mark.parametrize(
    ("low", "high", "cost", "price", "worth"),
    [
        (100, 100, (50, 50), 2, True),
        (100, 100, (51, 51), 2, False),
        (0, 100, (10, 50), 2, None),
        (0, 0, (0, 0), 9, True),
        (100, 200, (90, 101), 1, None),
        (100, 200, (201, 300), 1, False),
    ],
)
def test_worth_is_open_where_bounds_leave_it_open(
    low: int, high: int, cost: tuple[int, int], price: int, worth: bool | None
) -> None:
    """Yes where the most that it costs is within the least that it brings; no the other way round; else open."""
    assert worth_it(low, high, GasRange(Gas(cost[0]), Gas(cost[1])), price) is worth


def test_filters_and_pages(ledger: Ledger) -> None:
    """Each filter leaves what it says; pages go on where they ended and show every income once."""
    ledger.payout(ALICE, 30)
    ledger.transfer(CAROL, ALICE, zero=100)
    ledger.payout(ALICE, 200)
    seqs = [item.located.seq for item in _incomes(ledger, ALICE)]
    assert seqs == [2, 1, 0]
    for wanted, expected in (
        (IncomeFilter(known=True), [1]),
        (IncomeFilter(known=False), [2, 0]),
        (IncomeFilter(amount_least=100), [2, 1]),
        (IncomeFilter(kind=IncomeKind.ZERO_COST), [1]),
        (IncomeFilter(kind=IncomeKind.OWN), []),
    ):
        assert [item.located.seq for item in _incomes(ledger, ALICE, wanted)] == expected
    seen, before = [], Seq(3)
    for _ in range(3):
        page = list_incomes(ledger.index, ledger.outcomes, ALICE, (Seq(-1), before), EVERYTHING, 1)
        seen += [item.located.seq for item in page.items]
        if page.next_before is None:
            break
        before = page.next_before
    assert seen == seqs
    assert list_incomes(ledger.index, ledger.outcomes, ALICE, (Seq(0), Seq(2)), EVERYTHING, 9).items[0].low == 100


def test_a_page_ends_where_enough_was_looked_at(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that leaves nothing costs a page no more than a bounded look; the list goes on."""
    monkeypatch.setattr("accountant.accounting.incomes.SCANNED_MOST", 2)
    for _ in range(5):
        ledger.payout(ALICE, 30)
    window, wanted = (Seq(-1), Seq(5)), IncomeFilter(known=True)
    page = list_incomes(ledger.index, ledger.outcomes, ALICE, window, wanted, 9)
    assert (page.items, page.next_before) == ([], 3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=True))
def test_incomes_less_expenses_are_the_balance(random: Random) -> None:
    """Definitions 1 and 2: what is listed holds every true income, and known ones add up to the balance exactly."""
    chain = RandomChain(random)
    chain.grow(4)
    eager, count = execute_everything(chain.index), chain.index.head().next_seq
    store = MemoryOutcomes()
    for seq in random.sample(range(count), random.randrange(count + 1)):
        Selective(Session(chain.index, store)).outcome(Seq(seq))
    for account in chain.accounts:
        items = list_incomes(chain.index, store, account, (Seq(-1), count), EVERYTHING, 500).items
        listed = {item.located.seq: item for item in items}
        assert [item.located.seq for item in items] == sorted(listed, reverse=True)
        balance = next((c.general_balance for c in chain.genesis.contracts if c.contract == account), 0)
        for located, outcome in zip(eager.located, eager.outcomes, strict=True):
            true = income_of(located, outcome, account)
            item = listed.get(located.seq)
            assert (item.low <= true <= item.high) if item is not None else true == 0
            settled = settles_at_inclusion(located) and located.transaction.to == account
            expense = located.transaction.general_value if located.sender == account else 0
            balance += true - (located.transaction.zero_value if settled else 0) - expense - outcome.debit_of(account)
        assert balance == eager.general_before(account, count)
